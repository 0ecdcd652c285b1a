"""What others said is passed on as it came: the range of each verified head is kept, and where each key of a copy is.

And what was not proven to be of its origin.
"""

from alembic import op

from creditmesh.chassis.database.migrations import append_only, script, service_role

revision = "exchange_0030"
down_revision = "exchange_0029"
branch_labels = None
depends_on = None

# `stack`: null of a head that an older version verified, but for the last. Pages are read once for the keys in them.
ORIGINS = """
alter table exchange.copy_checkpoint add column stack bytea;
update exchange.copy_checkpoint c set stack = h.stack
  from exchange.copy_head h where h.peer = c.peer and h.feed = c.feed and h.size = c.size;
create table exchange.copied_key (
    peer text not null,
    key text not null,
    index bigint not null,
    primary key (peer, key, index)
);
insert into exchange.copied_key (peer, key, index)
select distinct p.peer, (e.entry ->> 'body')::json ->> 'key', (e.entry ->> 'index')::bigint
  from exchange.received_page p
 cross join lateral json_array_elements(convert_from(p.data, 'UTF8')::json -> 'entries') e(entry)
 where p.feed = 'up' and position(convert_to('feed.key', 'UTF8') in p.data) > 0
   and e.entry ->> 'body' is json object and e.entry ->> 'line' is json object
   and (e.entry ->> 'line')::json ->> 'type' = 'feed.key' and (e.entry ->> 'body')::json ->> 'key' is not null;
create table exchange.unproven_entry (
    peer text not null,
    feed text not null,
    index bigint not null,
    primary key (peer, feed, index)
)
"""


def upgrade() -> None:
    """Make the column and the tables."""
    script(ORIGINS)
    for name in ("copied_key", "unproven_entry"):
        append_only(f"exchange.{name}")
    op.execute(f"grant delete on exchange.unproven_entry to {service_role()}")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
