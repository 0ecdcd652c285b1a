"""What waits of a copy is counted where the copy stands, and found by its record: a page costs what is in it."""

from creditmesh.chassis.database.migrations import script

revision = "exchange_0009"
down_revision = "exchange_0008"
branch_labels = None
depends_on = None

COUNTED = """
alter table exchange.copy_head
    add column waiting integer not null default 0,
    add column unknown text[] not null default '{}';
create index on exchange.waiting (peer, feed, record);
update exchange.copy_head c set waiting = w.waiting, unknown = w.unknown[:20]
  from (select peer, feed, count(*)::int as waiting, array_agg(distinct unknown order by unknown) as unknown
          from exchange.waiting group by peer, feed) w
 where w.peer = c.peer and w.feed = c.feed;
"""


def upgrade() -> None:
    """Count once what waits."""
    script(COUNTED)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
