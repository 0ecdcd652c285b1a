"""Events that all have passed and that are old are removed, by one function and up to a number that is kept."""

from creditmesh.chassis.database.migrations import script

revision = "bus_0004"
down_revision = "bus_0003"
branch_labels = None
depends_on = None

# A stream that has no row here is kept whole: `chassis.bus.declare` gives none to the one that every process follows.
TABLES = """
create table bus.event_pruned (
    stream text not null,
    part integer not null,
    number bigint not null default 0,
    primary key (stream, part)
) with (fillfactor = 50);
"""

# Of another id than a UUIDv7 nothing is known.
MADE_AT = """
create function bus.made_at(id uuid)
    returns timestamptz
    language sql immutable strict
as $$
    select case when pg_catalog.substr(id::text, 15, 1) = '7' then pg_catalog.to_timestamp(
        ('x' || pg_catalog.substr(pg_catalog.translate(id::text, '-', ''), 1, 12))::bit(48)::bigint / 1000.0) end
$$;
"""

# A part is walked from the number up to which it was pruned, never from the dead rows before it. Bodies are looked for
# in `bus.event` alone: a service's own outbox table is not touched. The first event of a peer's record has the record's
# id, so an id from a time to come must not hold its part for ever.
PRUNE = """
create function bus.prune_events(stream text, before timestamptz, most integer, published boolean)
    returns table (pruned bigint, oldest timestamptz)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
    set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
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
        if prune_events.published then
            passed := least(passed, coalesce((select e.number from bus.event_published e
                                               where e.stream = prune_events.stream and e.part = place.part), 0));
        end if;
        passed := least(passed, place.number + prune_events.most - total);
        reached := coalesce((
            select o.number - 1 from bus.event_order o
             where o.stream = prune_events.stream and o.part = place.part
               and o.number > place.number and o.number <= passed
               and bus.made_at(o.event) between prune_events.before and clock_timestamp() + interval '1 day'
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
    """Make them; `chassis.bus.declare` grants the one and says which streams are pruned."""
    script(TABLES + MADE_AT + PRUNE)
    script("revoke all on function bus.made_at, bus.prune_events from public")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
