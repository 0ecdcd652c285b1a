"""What waits of a copy is looked through by its words, and what was lost by whether it is listed."""

from creditmesh.chassis.database.migrations import script

revision = "exchange_0019"
down_revision = "exchange_0017"
branch_labels = None
depends_on = None

INDEXES = """
create index on exchange.waiting (peer, feed, unknown, index);
create index on exchange.waiting (peer, feed) where unsaid;
create index on exchange.lost_entry (feed, index) where why is distinct from 'copy';
"""


def upgrade() -> None:
    """Make the indexes."""
    script(INDEXES)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
