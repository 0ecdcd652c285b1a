"""Whom records and held rows name goes with them, whatever deletes or decides them; what an order's key became stays.

What was left of rows that are gone is deleted: of them nobody could any more.
"""

from creditmesh.chassis.database.migrations import append_only, script, service_role

revision = "ingestion_0020"
down_revision = "ingestion_0019"
branch_labels = None
depends_on = None

# A record has the id of its first revision, by which it is found.
LEFT = """
delete from ingestion.named n
 where not exists (select from ingestion.revision r where r.id = n.record)
   and not exists (select from ingestion.review v where v.id = n.record and v.state = 'held');
"""
HELD = """
create function ingestion.forget_named() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    delete from ingestion.named n where n.record = old.id;
    return null;
end
$$;
revoke all on function ingestion.forget_named from public;
create trigger decided after update of state on ingestion.review
    for each row when (old.state = 'held' and new.state <> 'held') execute function ingestion.forget_named();
create trigger deleted after delete on ingestion.review
    for each row when (old.state = 'held') execute function ingestion.forget_named();
"""
# As in ingestion_0016 but for `named`: whom the deleted records named, as far as it was written beside them.
PURGE = r"""
drop function ingestion.purge;
create function ingestion.purge(
    parts integer[], subjects uuid[], keys bytea[], numbers integer[], months integer[], ended date[], today date)
    returns table (record uuid, subject uuid, item text, named uuid[])
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    with due as materialized (
        select * from unnest(parts, subjects, keys, numbers, months, ended)
                   as u(part, subject, natural_key, number, months, ended)
         where u.ended + make_interval(months => u.months) <= today
    ), told as materialized (
        select p.part, p.number from bus.passed('ingestion') p
    ), revisions as materialized (
        select d.subject, r.record, r.id, o.part, o.number
          from due d
         cross join lateral (
            select i.record, i.id from ingestion.revision i
             where i.part = d.part and i.subject = d.subject and i.natural_key = d.natural_key offset 0) r
          left join lateral (
            select e.part, e.number from bus.event_order e where e.event = r.id offset 0) o on true
    ), cases as materialized (
        select e.data from (
            select h.part, o.event
              from bus.event_head h
              left join ingestion.reader_position p on p.stream = h.stream and p.part = h.part
             cross join lateral (
                select o.event from bus.event_order o
                 where o.stream = h.stream and o.part = h.part and o.number > coalesce(p.number, 0)
                   and o.type = 'case.changed' offset 0) o
             where h.stream = 'repair'
            union all
            select q.part, q.event from bus.event_queue q where q.stream = 'repair' and q.type = 'case.changed') t
          join bus.event e on e.part = t.part and e.id = t.event
        union all
        select d.data from ingestion.dead_letter d where d.stream = 'repair' and d.type = 'case.changed'
    ), unread as materialized (
        select r.subject from revisions r join told t on t.part = r.part and t.number < r.number
        union
        select r.subject from revisions r join bus.event_queue q on q.event = r.id
        union
        select r.subject from revisions r join ingestion.undecided u on u.record = r.record
        union
        select r.subject from revisions r
         where r.record in (
               select cast(substring(convert_from(c.data, 'UTF8') from '"record":\s*"([0-9a-f-]{36})"') as uuid)
                 from cases c)
    ), gone as (
        delete from ingestion.revision r using due d
         where r.part = d.part and r.subject = d.subject and r.natural_key = d.natural_key
           and d.subject not in (select u.subject from unread u)
        returning r.part, r.subject, r.natural_key, r.record, r.rev, r.state, r.item,
                  d.number, d.months, d.ended
    ), closed as (
        insert into ingestion.closed (part, natural_key, state)
        select n.part, n.natural_key, n.state
          from (select distinct on (g.record) g.* from gone g order by g.record, g.rev desc) n
            on conflict (natural_key, part) do update set state = excluded.state
    ), held as (
        delete from ingestion.review v using gone g where v.record = g.record
    ), copies as (
        delete from ingestion.copy c using gone g where c.record = g.record
    ), names as (
        delete from ingestion.named n using gone g where n.record = g.record returning n.record, n.subject
    ), noted as (
        insert into ingestion.purge (legal_date, item, number, months, until, records, revisions)
        select today, g.item, g.number, g.months, max(g.ended), count(distinct g.record), count(*)
          from gone g group by g.item, g.number, g.months
    )
    select g.record, g.subject, g.item, coalesce(w.named, '{}')
      from (select distinct g.record, g.subject, g.item from gone g) g
      left join (select n.record, array_agg(n.subject order by n.subject) as named from names n group by n.record) w
        on w.record = g.record;
    delete from ingestion.whole_code w
     using (select distinct u.part, u.subject from unnest(parts, subjects) as u(part, subject)) u
     where w.subject = u.subject
       and not exists (select from ingestion.revision i where i.part = u.part and i.subject = u.subject);
end
$$;
revoke all on function ingestion.purge from public;
"""
# Which orders wait for whose key, and when all of an order's were destroyed.
KEYS = """
create index on ingestion.erased_record (record);
create index on ingestion.erasing (subject);
alter table ingestion.closing add column erasures uuid[] not null default '{}';
update ingestion.closing c
   set erasures = array(select distinct e.erasure from ingestion.erased_record e where e.record = any(c.records));
create table ingestion.erased_key (
    erasure uuid primary key references ingestion.erasure,
    at timestamptz not null
);
"""


def upgrade() -> None:
    """Delete what was left, make the triggers and the function anew, for the same callers, and the table."""
    for statements in (LEFT, HELD, PURGE, KEYS):
        script(statements)
    script(f"grant execute on function ingestion.purge to {service_role()}")
    append_only("ingestion.erased_key")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
