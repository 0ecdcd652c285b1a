"""Content in a feed is kept packed from here on; what stands there stays as it is, and the table is not rewritten.

Of what is packed `body` is empty and not null, so that what asks whether there is a body asks as before.
"""

from alembic import op

from creditmesh.chassis.database.migrations import script, service_role

revision = "exchange_0028"
down_revision = "exchange_0027"
branch_labels = None
depends_on = None

# `weight`: the bytes of what is packed.
COLUMNS = "alter table exchange.feed_entry add column packed bytea, add column weight integer"


def upgrade() -> None:
    """Make the columns."""
    script(COLUMNS)
    op.execute(f"grant update (packed, weight) on exchange.feed_entry to {service_role()}")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
