"""What has ended is deleted after its term, by a function that leaves a purge record: the role itself may not."""

from uuid import UUID

from alembic import op

from creditmesh.chassis.database.migrations import parts, script, service_role

revision = "ingestion_0008"
down_revision = "ingestion_0007"
branch_labels = None
depends_on = None

PURGE = """
create index on ingestion.review (record) where record is not null;

-- What was deleted: records of which item that had ended before `until`, kept for `months` by version `number`'s rule.
create table ingestion.purge (
    entry bigint primary key generated always as identity,
    at timestamptz not null default clock_timestamp(),
    legal_date date not null,
    item text not null,
    number integer not null,
    months integer not null check (months >= 0),
    until date not null check (until <= legal_date),
    records integer not null,
    revisions integer not null
);

-- That a record was there and had been ended, nothing of what it said: a row that is sent again is refused as before.
create table ingestion.closed (
    part integer not null,
    subject uuid not null,
    natural_key bytea not null,
    record uuid not null,
    state text not null check (state <> 'published'),
    primary key (subject, natural_key, part)
);

-- How far the round of which legal day has come, its only row: whoever has locked it takes the next turn.
create table ingestion.retention_round (
    one boolean primary key default true check (one),
    day date not null,
    part integer not null,
    after uuid not null
);

-- Of these records, with all their revisions and held rows, those whose term is over and that no reader has still to
-- read: a revision is its event's body. Parts and places are read by their keys.
create function ingestion.purge(
    parts integer[], subjects uuid[], keys bytea[], numbers integer[], months integer[], ended date[], today date)
    returns table (record uuid, subject uuid, item text, named uuid[])
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    with due as (
        select * from unnest(parts, subjects, keys, numbers, months, ended)
                   as u(part, subject, natural_key, number, months, ended)
         where u.ended + make_interval(months => u.months) <= today
    ), told as materialized (
        select p.part, p.number from bus.passed('ingestion') p
    ), revisions as materialized (
        select d.subject, r.id, o.part, o.number
          from due d
         cross join lateral (
            select i.id from ingestion.revision i
             where i.part = d.part and i.subject = d.subject and i.natural_key = d.natural_key offset 0) r
          left join lateral (
            select e.part, e.number from bus.event_order e where e.event = r.id offset 0) o on true
    ), unread as materialized (
        select r.subject from revisions r join told t on t.part = r.part and t.number < r.number
        union
        select r.subject from revisions r join bus.event_queue q on q.event = r.id
    ), gone as (
        delete from ingestion.revision r using due d
         where r.part = d.part and r.subject = d.subject and r.natural_key = d.natural_key
           and d.subject not in (select u.subject from unread u)
        returning r.part, r.subject, r.natural_key, r.record, r.rev, r.state, r.item, r.data,
                  d.number, d.months, d.ended
    ), closed as (
        insert into ingestion.closed (part, subject, natural_key, record, state)
        select n.part, n.subject, n.natural_key, n.record, n.state
          from (select distinct on (g.record) g.* from gone g order by g.record, g.rev desc) n
         where n.state <> 'published'
            on conflict do nothing
    ), held as (
        delete from ingestion.review v using gone g where v.record = g.record
    ), copies as (
        delete from ingestion.copy c using gone g where c.record = g.record
    ), noted as (
        insert into ingestion.purge (legal_date, item, number, months, until, records, revisions)
        select today, g.item, g.number, g.months, max(g.ended), count(distinct g.record), count(*)
          from gone g group by g.item, g.number, g.months
    )
    select g.record, g.subject, g.item,
           coalesce(array_agg(distinct cast(r ->> 'subject' as uuid))
                    filter (where cast(r ->> 'subject' as uuid) <> g.subject), '{}')
      from gone g left join lateral jsonb_array_elements(convert_from(g.data, 'UTF8')::jsonb -> 'related') r on true
     group by g.record, g.subject, g.item;
end
$$;

revoke all on function ingestion.purge from public;
"""


def upgrade() -> None:
    """Make the function and what it leaves; the role may read that, and call it."""
    script(PURGE)
    nothing = UUID(int=0)
    op.execute(f"insert into ingestion.retention_round (day, part, after) values ('-infinity', {parts()}, '{nothing}')")
    op.execute(f"grant select on ingestion.purge, ingestion.closed, ingestion.retention_round to {service_role()}")
    op.execute(f"grant update (day, part, after) on ingestion.retention_round to {service_role()}")
    script(f"grant execute on function ingestion.purge to {service_role()}")
