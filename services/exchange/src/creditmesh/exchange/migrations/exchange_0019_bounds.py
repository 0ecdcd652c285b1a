"""What waits is looked through by what it waits for."""

from creditmesh.chassis.database.migrations import read_write, script

revision = "exchange_0019"
down_revision = "exchange_0018"
branch_labels = None
depends_on = None

INDEXES = """
-- Peers above which more nodes are known than what waits was looked through for.
create table exchange.grown (peer text primary key);
create index on exchange.waiting (peer, feed, unknown, index);
create index on exchange.waiting (peer, feed) where unsaid;
"""


def upgrade() -> None:
    """Make the table and the indexes."""
    script(INDEXES)
    read_write("exchange.grown")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
