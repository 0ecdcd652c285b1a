"""Of every record that is deleted its place is kept, without whose it was; what is undecided is not deleted.

A held row that nobody decided has a state of its own, under which the same row may be held anew.
"""

from alembic import op

from creditmesh.chassis.database.migrations import read_write, script

revision = "ingestion_0010"
down_revision = "ingestion_0009"
branch_labels = None
depends_on = None

# A natural key is a MAC over its subject among others: the place of what was deleted needs no other name. `published`:
# it ended by its dates or by the law of a day.
CLOSED = """
alter table ingestion.closed drop constraint closed_state_check;
alter table ingestion.closed drop column subject, drop column record;
alter table ingestion.closed add primary key (natural_key, part);
"""
# Cases in which somebody other than who filed them has still to decide, as repair tells of them.
UNDECIDED = """
create table ingestion.undecided (
    case_id uuid primary key,
    record uuid not null
);
create index on ingestion.undecided (record);
"""
KNOWN = "select to_regclass('repair.case') is not null"
CASES = """
insert into ingestion.undecided (case_id, record)
select id, record from repair.case where state in ('filed', 'accepted', 'appealed');
"""
EXPIRED = """
alter table ingestion.review drop constraint review_state_check;
alter table ingestion.review add check (state in ('held', 'released', 'refused', 'expired'));
update ingestion.review set state = 'expired', verdict = null
 where state = 'refused' and officer is null and note like 'Nobody decided it within its term%';
alter table ingestion.review drop constraint review_party_fingerprint_key;
create unique index on ingestion.review (party, fingerprint) where state <> 'expired';
"""
# As in ingestion_0009 but for what was deleted (it has a place and a state, and no record), and rows that expired.
LOCKED = """
create or replace function ingestion.locked(
    lock_class integer, lock_keys integer[], parts integer[], subjects uuid[], natural_keys bytea[],
    party text, fingerprints bytea[], named_parts integer[], named uuid[], names bytea[])
    returns table (natural_key bytea, id uuid, rev integer, fingerprint bytea, state text, mark text, submission uuid,
                   whose text)
    language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform pg_advisory_xact_lock(locked.lock_class, u.key) from unnest(locked.lock_keys) as u(key);
    return query
        select u.natural_key, r.record, r.rev, r.fingerprint, r.state, r.mark, r.submission, r.party
          from unnest(locked.parts, locked.subjects, locked.natural_keys) as u(part, subject, natural_key)
         cross join lateral (
            select i.record, i.rev, i.fingerprint, i.state, i.mark, i.submission, i.party from ingestion.revision i
             where i.part = u.part and i.subject = u.subject and i.natural_key = u.natural_key
             order by i.rev offset 0) r;
    return query
        select u.natural_key, null::uuid, 0, null::bytea, r.state, null::text, null::uuid, null::text
          from unnest(locked.parts, locked.natural_keys) as u(part, natural_key)
         cross join lateral (
            select c.state from ingestion.closed c
             where c.part = u.part and c.natural_key = u.natural_key offset 0) r;
    return query
        select null::bytea, v.id, 0, v.fingerprint, v.state, null::text, null::uuid, v.party
          from ingestion.review v
         where v.party = locked.party and v.fingerprint = any(locked.fingerprints) and v.state <> 'expired';
    return query
        select null::bytea, null::uuid, 0, u.name,
               case when exists (select from ingestion.revision i
                                  where i.part = u.part and i.subject = u.subject and i.name = u.name
                                    and i.party = locked.party)
                    then 'heard' else 'unheard' end,
               null::text, null::uuid, null::text
          from unnest(locked.named_parts, locked.named, locked.names) as u(part, subject, name)
         cross join lateral (
            select i.name from ingestion.revision i
             where i.part = u.part and i.subject = u.subject and i.name is not null and i.party = locked.party
             order by i.name limit 1) one;
end
$$;
"""
# As in ingestion_0008 but for what it leaves in `closed`.
PURGE = """
create or replace function ingestion.purge(
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
        insert into ingestion.closed (part, natural_key, state)
        select n.part, n.natural_key, n.state
          from (select distinct on (g.record) g.* from gone g order by g.record, g.rev desc) n
            on conflict (natural_key, part) do update set state = excluded.state
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
"""


def upgrade() -> None:
    """Change the tables and replace the functions; who may call them stays."""
    script(CLOSED)
    script(UNDECIDED)
    read_write("ingestion.undecided")
    if op.get_bind().exec_driver_sql(KNOWN).scalar():
        script(CASES)
    script(EXPIRED)
    script(LOCKED)
    script(PURGE)
