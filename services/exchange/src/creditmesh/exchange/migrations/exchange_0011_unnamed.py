"""What a peer says of nodes that nobody has named above it waits by its place: the page is kept anyway."""

from alembic import op
from sqlalchemy import text

from creditmesh.chassis.database.migrations import append_only, script, service_role

revision = "exchange_0011"
down_revision = "exchange_0010"
branch_labels = None
depends_on = None

UNNAMED = """
-- Entries of peers above about a node that nobody has named above them yet: its row, or what it answered.
create table exchange.unnamed (
    peer text not null,
    feed text not null,
    index bigint not null,
    type text not null,
    node text not null,
    primary key (peer, feed, index)
);
create index on exchange.unnamed (peer, node, type, index);
"""
TAKEN_OVER = """
insert into exchange.unnamed (peer, feed, index, type, node)
select peer, 'down-' || :node, index, 'acknowledged', node from exchange.relayed
"""
REST = """
drop table exchange.relayed;
-- A row that was offered before any was believed.
alter table exchange.chain alter column data drop not null;
"""


def upgrade() -> None:
    """Take over what waits."""
    script(UNNAMED)
    node = op.get_bind().execute(text("select code from bus.node")).scalar_one()
    op.get_bind().execute(text(TAKEN_OVER), {"node": node})
    script(REST)
    append_only("exchange.unnamed")
    op.execute(f"grant delete on exchange.unnamed to {service_role()}")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
