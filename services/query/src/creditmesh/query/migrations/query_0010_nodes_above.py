"""Which nodes are above, by way of which peer, as the exchange tells it."""

from creditmesh.chassis.database.migrations import read_write, script

revision = "query_0010"
down_revision = "query_0009"
branch_labels = None
depends_on = None

TABLE = """
create table query.nodes_above (
    peer text primary key,
    above text[] not null
);
"""


def upgrade() -> None:
    """Make the table."""
    script(TABLE)
    read_write("query.nodes_above")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
