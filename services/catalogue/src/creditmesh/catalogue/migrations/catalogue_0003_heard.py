"""How far each object of a higher tier was heard: what is told late does not follow what came after it."""

from alembic import op

from creditmesh.chassis.database.migrations import read_write

revision = "catalogue_0003"
down_revision = "catalogue_0002"
branch_labels = None
depends_on = None

TABLE = """
create table catalogue.heard (
    peer text not null,
    feed text not null,
    kind text not null,
    code text not null,
    index bigint not null,
    primary key (peer, feed, kind, code)
)
"""
WAITING = """
insert into catalogue.heard (peer, feed, kind, code, index)
select peer, feed, kind, code, max(index) from catalogue.refused_entry
 where kind is not null and code is not null group by peer, feed, kind, code
"""


def upgrade() -> None:
    """Make it; of what was taken over before nobody knows the place any more."""
    op.execute(TABLE)
    op.execute(WAITING)
    read_write("catalogue.heard")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
