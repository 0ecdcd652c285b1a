"""A feed forgets: how far it has, and what is left of records that were deleted before. Keys that came back are kept.

Keys that are told ahead of what a copy holds back stand in rows that say so.
"""

from alembic import op

from creditmesh.chassis.database.migrations import read_write, script

revision = "exchange_0018"
down_revision = "exchange_0017"
branch_labels = None
depends_on = None

# Before `until` nothing is left of what was replaced and may go, before `scanned` nothing of these items, which are
# shared no more.
TABLE = """
create table exchange.forgetting (
    feed text primary key,
    until bigint not null default 0,
    scanned bigint not null default 0,
    items text[] not null default '{}'
) with (fillfactor = 50);
insert into exchange.forgetting (feed) values ('up');

alter table exchange.received_page add column keys boolean not null default false;
"""
# Keys that a node fetched back after a restore, in front of those that it has made since.
KEYS = """
insert into exchange.feed_key (feed, number, key, month, receivers, wrapped)
select feed, least((select min(number) from exchange.feed_key k where k.feed = came.feed), 1)
             - row_number() over (partition by feed order by index desc),
       key, month, receivers, own
  from (select e.feed, e.index, e.body::jsonb ->> 'key' as key,
               date_trunc('month', (e.line::jsonb ->> 'at')::timestamptz at time zone 'Asia/Shanghai')::date as month,
               array(select (w ->> 'node') || '/' || (w ->> 'key')
                       from jsonb_array_elements(e.body::jsonb -> 'wrapped') w) as receivers,
               (select jsonb_agg(w) from jsonb_array_elements(e.body::jsonb -> 'wrapped') w
                 where w ->> 'node' = (select code from bus.node)) as own
          from exchange.feed_entry e
         where e.record is null and e.body is not null and e.line like '%"type":"feed.key"%') came
 where own is not null
   and not exists (select from exchange.feed_key k where k.feed = came.feed and k.key = came.key);
"""
KNOWN = "select to_regclass('ingestion.revision') is not null"
PURGED = """
update exchange.feed_entry e set salt = null, body = null
 where e.record is not null and e.body is not null and e.subject is not null
   and not exists (select from ingestion.revision r where r.record = e.record);
"""


def upgrade() -> None:
    """Make room, take the keys from the feed, and from the feed what was deleted."""
    script(TABLE)
    script(KEYS)
    if op.get_bind().exec_driver_sql(KNOWN).scalar():
        script(PURGED)
    read_write("exchange.forgetting")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
