"""A notice says of which types the new events are, so that what nobody in a process handles is read later."""

from creditmesh.chassis.database.migrations import script

revision = "bus_0011"
down_revision = "bus_0010"
branch_labels = None
depends_on = None

# As bus_0003 made it, and the types of what was ordered in the news.
ORDER = """
create or replace function bus.order_queued(epoch bigint, batch integer)
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
        select stream, part, count(*) as n, (array_agg(event order by id desc))[1] as last,
               string_agg(distinct type, ',') as types
          from taken group by stream, part
    ), moved as (
        update bus.event_head h set number = h.number + c.n, last = c.last
          from counted c, bus.event_head was
         where h.stream = c.stream and h.part = c.part and was.stream = c.stream and was.part = c.part
        returning h.stream, h.part, h.number - c.n as base, h.number, was.last as before, c.types
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
           (select string_agg(m.stream || ':' || m.part || '=' || m.base + 1 || '-' || m.number || ':' || m.types, ' ')
              from moved m);
end
$$
"""


def upgrade() -> None:
    """Replace the function; what was granted on it stays."""
    script(ORDER)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
