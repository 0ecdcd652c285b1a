"""What a role may say to the functions of the bus is bounded by what the database knows itself."""

from creditmesh.chassis.database.migrations import script

revision = "bus_0006"
down_revision = "bus_0005"
branch_labels = None
depends_on = None

# A reader has been granted the stream and has the tables that `bus.passed` and `bus.parked` look into.
REPORT = """
create function bus.has_tables(reader text)
    returns boolean
    language sql stable set search_path = pg_catalog, pg_temp
as $$
    select to_regclass(format('%I.reader_position', reader)) is not null
       and to_regclass(format('%I.dead_letter', reader)) is not null
$$;

create or replace function bus.report(reader text, stream text, parts integer[], numbers bigint[])
    returns void
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    moment timestamptz := clock_timestamp();
    reading regprocedure := to_regprocedure(
        format('bus.%I(integer[],bigint[],integer,text[])', 'read_' || report.stream));
begin
    if session_user <> (select code from bus.node) || '_' || report.reader
       and not (select rolsuper from pg_roles where rolname = session_user) then
        raise insufficient_privilege using message = 'a reader reports for itself only';
    end if;
    if reading is null or not has_function_privilege(session_user, reading, 'execute')
       or not bus.has_tables(report.reader) then
        raise insufficient_privilege using message = 'who does not read a stream reports nothing of it';
    end if;
    perform set_config('synchronous_commit', 'off', true);
    insert into bus.event_reader as known (reader, stream, part, number, at)
    select report.reader, report.stream, h.part, least(greatest(u.number, 0), h.number), moment
      from unnest(report.parts, report.numbers) as u(part, number)
      join bus.event_head h on h.stream = report.stream and h.part = u.part
        on conflict (reader, stream, part) do update set number = excluded.number, at = excluded.at;
end
$$
"""

# What was reported before may be anything.
FORGED = """
delete from bus.event_reader where not bus.has_tables(reader);
update bus.event_reader r set number = least(greatest(r.number, 0), h.number)
  from bus.event_head h where h.stream = r.stream and h.part = r.part and r.number not between 0 and h.number;
"""

# Every process of a reader holds a shared lock of its lease's class and the node's number of parts.
EVICT = """
create or replace function bus.evict(reader text, stream text)
    returns bigint
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    gone bigint;
begin
    if exists (select from pg_locks l join pg_stat_activity a on a.pid = l.pid
                where l.locktype = 'advisory' and l.objsubid = 2 and l.mode = 'ShareLock' and l.granted
                  and l.objid::bigint = (select parts from bus.node)
                  and a.datname = current_database()
                  and a.usename = (select code from bus.node) || '_' || evict.reader) then
        raise object_in_use using message = 'the reader runs: stop its processes first';
    end if;
    delete from bus.event_reader r where r.reader = evict.reader and r.stream = evict.stream;
    get diagnostics gone = row_count;
    return gone;
end
$$
"""

# Whoever asks, nothing younger than a day goes, nor what a node that is on Kafka has not published. As before it is
# walked from the number up to which a part was pruned, and bodies are looked for in `bus.event` alone.
PRUNE = """
create or replace function bus.prune_events(stream text, before timestamptz, most integer, published boolean)
    returns table (pruned bigint, oldest timestamptz)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
    set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
    limit_ timestamptz := least(prune_events.before, clock_timestamp() - interval '1 day');
    on_kafka boolean := prune_events.published or exists (select from bus.event_published where number > 0);
    place record;
    passed bigint;
    reached bigint;
    total bigint := 0;
begin
    for place in
        select p.part, p.number from bus.event_pruned p where p.stream = prune_events.stream order by p.part for update
    loop
        exit when total >= prune_events.most;
        select least(h.number, min(r.number)) into passed
          from bus.event_head h left join bus.event_reader r using (stream, part)
         where h.stream = prune_events.stream and h.part = place.part group by h.number;
        if on_kafka then
            passed := least(passed, coalesce((select e.number from bus.event_published e
                                               where e.stream = prune_events.stream and e.part = place.part), 0));
        end if;
        passed := least(passed, place.number + prune_events.most - total);
        reached := coalesce((
            select o.number - 1 from bus.event_order o
             where o.stream = prune_events.stream and o.part = place.part
               and o.number > place.number and o.number <= passed
               and bus.made_at(o.event) between limit_ and clock_timestamp() + interval '1 day'
             order by o.number limit 1), passed);
        continue when reached <= place.number;
        with old as (
            delete from bus.event_order o
             where o.stream = prune_events.stream and o.part = place.part
               and o.number > place.number and o.number <= reached
            returning o.event
        )
        delete from bus.event e where e.part = place.part and e.id = any(array(select event from old));
        update bus.event_pruned p set number = reached where p.stream = prune_events.stream and p.part = place.part;
        total := total + reached - place.number;
    end loop;
    return query
    select total, min(bus.made_at(f.event))
      from bus.event_pruned p
     cross join lateral (
           select o.event from bus.event_order o
            where o.stream = p.stream and o.part = p.part and o.number > p.number order by o.number limit 1) f
     where p.stream = prune_events.stream;
end
$$
"""


def upgrade() -> None:
    """Replace the functions, whose grants stay, and forget what nobody can have reported."""
    script(";".join((REPORT, EVICT, PRUNE, FORGED.strip().rstrip(";"))))
    script("revoke all on function bus.has_tables from public")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
