"""Pages of peers' feeds are kept packed from here on; what stands there stays as it is.

The server does not try to make them smaller once more.
"""

from alembic import op

from creditmesh.chassis.database.migrations import script, service_role

revision = "exchange_0034"
down_revision = "exchange_0033"
branch_labels = None
depends_on = None

# `weight`: the bytes of what is packed; none of what was kept plain.
PAGES = """
alter table exchange.received_page add column weight integer;
alter table exchange.received_page alter column data set storage external;
"""


def upgrade() -> None:
    """Make the column."""
    script(PAGES)
    op.execute(f"grant update (weight) on exchange.received_page to {service_role()}")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
