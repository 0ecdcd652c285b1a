"""Ordering as one function, what cannot be ordered set aside, readers and parked keys, and which migrations are in."""

from creditmesh.chassis.database.migrations import script

revision = "bus_0003"
down_revision = "bus_0002"
branch_labels = None
depends_on = None

TABLES = """
-- Queue rows of a stream or a part that has no head: an operator looks, and nothing else waits for it.
create table bus.event_refused (
    id bigint primary key,
    stream text not null,
    part integer not null,
    type text not null,
    event uuid not null,
    at timestamptz not null
);

-- The newest migration of each package, for processes to compare with their own.
create table bus.installed (
    package text primary key,
    version text not null
);
"""

# Each statement of the function has a snapshot of its own: what follows the epoch's lock sees all that the former
# leader committed. The ids come as an array, and every list is walked once: there is no join of two long lists that the
# planner, which cannot know how long they will be, could take for short.
ORDER = """
create function bus.order_queued(epoch bigint, batch integer)
    returns table (ordered bigint, refused bigint, news text)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    if not exists (select from bus.event_queue order by id limit 1) then
        return query select 0::bigint, 0::bigint, ''::text;
        return;
    end if;
    perform from bus.event_leader l where l.role = 'orderer' and l.epoch = order_queued.epoch for update;
    if not found then
        raise object_not_in_prerequisite_state using message = 'another orderer leads';
    end if;
    return query
    with gone as (
        delete from bus.event_queue
         where id = any(array(select id from bus.event_queue order by id limit order_queued.batch))
        returning id, stream, part, type, event, at
    ), taken as (
        select *, row_number() over same as place, lag(event) over same as before
          from gone
        window same as (partition by stream, part order by id)
    ), counted as (
        select stream, part, count(*) as n, (array_agg(event order by id desc))[1] as last
          from taken group by stream, part
    ), moved as (
        update bus.event_head h set number = h.number + c.n, last = c.last
          from counted c, bus.event_head was
         where h.stream = c.stream and h.part = c.part and was.stream = c.stream and was.part = c.part
        returning h.stream, h.part, h.number - c.n as base, h.number, was.last as before
    ), given as (
        insert into bus.event_order (stream, part, number, type, event, before)
        select t.stream, t.part, m.base + t.place, t.type, t.event, coalesce(t.before, m.before)
          from taken t join moved m using (stream, part)
        returning 1
    ), aside as (
        insert into bus.event_refused (id, stream, part, type, event, at)
        select t.id, t.stream, t.part, t.type, t.event, t.at
          from taken t left join moved m using (stream, part) where m.stream is null
        returning 1
    )
    select (select count(*) from given), (select count(*) from aside),
           (select string_agg(m.stream || ':' || m.part || '=' || m.base + 1 || '-' || m.number, ' ') from moved m);
end
$$;

create function bus.drop_repeated(epoch bigint)
    returns void
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform from bus.event_leader l where l.role = 'orderer' and l.epoch = drop_repeated.epoch for update;
    if not found then
        raise object_not_in_prerequisite_state using message = 'another orderer leads';
    end if;
    delete from bus.event_queue q
     where exists (select from bus.event_order o where o.event = q.event)
        or exists (select from bus.event_queue e where e.event = q.event and e.id < q.id);
end
$$;

create function bus.lead()
    returns bigint
    language sql volatile security definer set search_path = pg_catalog, pg_temp
as $$
    update bus.event_leader set epoch = epoch + 1 where role = 'orderer' returning epoch
$$;

create function bus.queue_state()
    returns table (length bigint, age double precision)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select count(*), coalesce(extract(epoch from clock_timestamp() - min(at)), 0)::double precision
      from bus.event_queue
$$;
"""

# An operator takes a reader that nobody runs any more off the list: nothing waits for it then.
READERS = """
create function bus.readers()
    returns table (reader text, stream text, behind bigint, reported timestamptz)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select r.reader, r.stream, sum(h.number - r.number)::bigint, max(r.at)
      from bus.event_reader r join bus.event_head h using (stream, part)
     group by r.reader, r.stream order by r.reader, r.stream
$$;

create function bus.evict(reader text, stream text)
    returns bigint
    language sql volatile security definer set search_path = pg_catalog, pg_temp
as $$
    with gone as (delete from bus.event_reader r where r.reader = evict.reader and r.stream = evict.stream returning 1)
    select count(*) from gone
$$
"""

# Of these keys, those that some reader of the stream has parked: what is told of them has not been applied everywhere.
PARKED = """
create function bus.parked(stream text, keys text[])
    returns setof text
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    letters text;
begin
    select string_agg(format('select key from %I.dead_letter where stream = $1 and key = any($2)', of.reader),
                      ' union ')
      into letters
      from (select distinct r.reader from bus.event_reader r where r.stream = parked.stream) of;
    if letters is not null then
        return query execute letters using parked.stream, parked.keys;
    end if;
end
$$
"""

# The time is taken once and not in the conflict's condition, which an engine of many servers must be able to repeat.
REPORT = """
create or replace function bus.report(reader text, stream text, parts integer[], numbers bigint[])
    returns void
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    moment timestamptz := clock_timestamp();
begin
    if session_user <> (select code from bus.node) || '_' || report.reader
       and not (select rolsuper from pg_roles where rolname = session_user) then
        raise insufficient_privilege using message = 'a reader reports for itself only';
    end if;
    perform set_config('synchronous_commit', 'off', true);
    insert into bus.event_reader as known (reader, stream, part, number, at)
    select report.reader, report.stream, u.part, u.number, moment
      from unnest(report.parts, report.numbers) as u(part, number)
        on conflict (reader, stream, part) do update set number = excluded.number, at = excluded.at;
end
$$
"""


def upgrade() -> None:
    """Make them; `chassis.bus.declare` grants them."""
    script(";".join((TABLES.strip().rstrip(";"), ORDER.strip().rstrip(";"), READERS, PARKED, REPORT)))
    script("delete from bus.event_leader where role <> 'orderer'")
    script("revoke all on all functions in schema bus from public")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
