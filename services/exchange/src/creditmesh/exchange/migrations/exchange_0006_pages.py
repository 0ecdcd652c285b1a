"""What was received is kept as pages: entry by entry so far, each becomes a page of one entry, its text as it was.

What a reader had not read yet, or had among its dead letters or behind one, is told anew as such pages, in its order:
nobody handles the events any more as which it was told. A page that comes twice changes nothing.
"""

from alembic import op

from creditmesh.chassis.database.migrations import append_only, script, service_role

revision = "exchange_0006"
down_revision = "exchange_0005"
branch_labels = None
depends_on = None

READERS = {
    "ingestion": ("record.received", "feed_key.received"),
    "catalogue": ("catalogue.received",),
    "exchange": ("acknowledgement.received",),
}
"""Who handled which of the events that are told no more."""

TABLE = """
-- Stretches of peers' feeds as they came: `data` is the event `page.received`, of which this table is the body.
-- `records` and `revs` say of each entry, in their order, whose revision it is.
create table exchange.received_page (
    part integer not null,
    id uuid not null,
    key text not null,
    at timestamptz not null,
    legal_date date not null,
    traceparent text,
    peer text not null,
    feed text not null,
    first bigint not null,
    until bigint not null,
    records uuid[] not null,
    revs integer[] not null,
    data bytea not null,
    primary key (id, part)
);
create index on exchange.received_page (peer, feed, first);
create index on exchange.received_page using gin (records) with (fastupdate = off);

-- Entries that say what the version which received them had no word for, and those of a record behind one.
create table exchange.waiting (
    peer text not null,
    feed text not null,
    index bigint not null,
    unknown text not null,
    record uuid,
    primary key (peer, feed, index)
);

create table exchange.retold (
    place bigint generated always as identity,
    part integer not null,
    id uuid not null,
    key text not null,
    at timestamptz not null,
    legal_date date not null,
    traceparent text,
    place_in_feed text[],
    data bytea not null
);
"""

# The place of an entry is read off the beginning of its text, not out of its JSON: a body may have the character 0,
# which PostgreSQL does not take apart. A letter that does not begin so could only have been dropped.
FUNCTIONS = r"""
create function exchange.place_of(data bytea) returns text[] language sql immutable as $$
    select regexp_match(
        convert_from(data, 'UTF8'),
        '^\{\s*"peer":\s*"([a-z0-9]+)",\s*"feed":\s*"([a-z0-9-]+)",\s*"index":\s*(\d+),')
$$;
create function exchange.page_of(peer text, feed text, index bigint, entry bytea) returns bytea
language sql immutable as $$
    select convert_to(format(
               '{"peer":"%s","feed":"%s","first":%s,"until":%s,"entries":[', peer, feed, index, index + 1), 'UTF8')
           || entry || convert_to(']}', 'UTF8')
$$;
"""

UNREAD = """
insert into exchange.retold (part, id, key, at, legal_date, traceparent, place_in_feed, data)
select part, id, key, at, legal_date, traceparent, exchange.place_of(data), data
  from {reader}.dead_letter where stream = 'exchange' and type in ({types}) order by part, number;
delete from {reader}.dead_letter where stream = 'exchange' and type in ({types});

insert into exchange.retold (part, id, key, at, legal_date, traceparent, place_in_feed, data)
select b.part, b.id, b.key, b.at, b.legal_date, b.traceparent, exchange.place_of(b.data), b.data
  from (select o.part, o.event, false as queued, o.number from bus.event_order o
         where o.stream = 'exchange' and o.type in ({types})
           and not exists (select from {reader}.reader_position p
                            where p.stream = o.stream and p.part = o.part and p.number >= o.number)
        union all
        select q.part, q.event, true, q.id from bus.event_queue q
         where q.stream = 'exchange' and q.type in ({types})) w
  join (select part, id, key, at, legal_date, traceparent, data from bus.event
        union all
        select part, id, key, at, legal_date, traceparent, data from exchange.received) b
    on b.part = w.part and b.id = w.event
 order by w.queued, w.part, w.number;
delete from bus.event e using bus.event_queue q
 where q.stream = 'exchange' and q.type in ({types}) and e.part = q.part and e.id = q.event;
delete from bus.event_queue where stream = 'exchange' and type in ({types});
"""

KEPT = """
insert into exchange.received_page
       (part, id, key, at, legal_date, traceparent, peer, feed, first, until, records, revs, data)
select r.part, r.id, r.key, r.at, r.legal_date, r.traceparent, r.peer, r.feed, r.index, r.index + 1,
       array[r.record], array[r.rev], exchange.page_of(r.peer, r.feed, r.index, r.data)
  from exchange.received r
 where not exists (select from exchange.retold t where t.place_in_feed = array[r.peer, r.feed, r.index::text]);

with told as (
    select t.place, t.part, (left(t.id::text, 15) || substr(gen_random_uuid()::text, 16))::uuid as id, t.key, t.at,
           t.legal_date, t.traceparent, t.place_in_feed[1] as peer, t.place_in_feed[2] as feed,
           t.place_in_feed[3]::bigint as index, r.record, r.rev, t.data
      from exchange.retold t
      left join exchange.received r
        on r.peer = t.place_in_feed[1] and r.feed = t.place_in_feed[2] and r.index = t.place_in_feed[3]::bigint
     where t.place_in_feed is not null
), kept as (
    insert into exchange.received_page
           (part, id, key, at, legal_date, traceparent, peer, feed, first, until, records, revs, data)
    select part, id, key, at, legal_date, traceparent, peer, feed, index, index + 1, array[record], array[rev],
           exchange.page_of(peer, feed, index, data)
      from told
)
insert into bus.event_queue (stream, part, type, event)
select 'exchange', part, 'page.received', id from told order by place;

drop table exchange.retold, exchange.received;
drop function exchange.place_of, exchange.page_of;
"""


def upgrade() -> None:
    """Make the table, tell what was not read, keep what was."""
    script(TABLE)
    script(FUNCTIONS)
    append_only("exchange.received_page")
    append_only("exchange.waiting")
    op.execute(f"grant update, delete on exchange.waiting to {service_role()}")
    op.execute(f"grant update (data) on exchange.received_page to {service_role()}")
    connection = op.get_bind()
    for reader, types in READERS.items():
        if connection.exec_driver_sql(f"select to_regclass('{reader}.reader_position')").scalar() is not None:
            script(UNREAD.format(reader=reader, types=", ".join(f"'{each}'" for each in types)))
    script(KEPT)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
