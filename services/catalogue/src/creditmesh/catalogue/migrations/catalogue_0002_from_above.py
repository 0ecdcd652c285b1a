"""What comes from a higher tier: the reader's positions, and the entries that could not be taken over."""

from alembic import op

from creditmesh.chassis.bus.tables import positions
from creditmesh.chassis.database.migrations import read_write

revision = "catalogue_0002"
down_revision = "catalogue_0001"
branch_labels = None
depends_on = None

TABLE = """
create table catalogue.refused_entry (
    peer text not null,
    feed text not null,
    index bigint not null,
    kind text,
    code text,
    body text not null,
    errors jsonb not null,
    at timestamptz not null,
    primary key (peer, feed, index)
)
"""


def upgrade() -> None:
    """Make both; an entry leaves the table when it, or a later version of its object, is taken over."""
    positions()
    op.execute(TABLE)
    read_write("catalogue.refused_entry")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
