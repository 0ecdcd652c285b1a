"""Of a record that is deleted discharges stay, and of what is still to be lifted whom it is for, until it is."""

from creditmesh.chassis.database.migrations import script, service_role

revision = "matching_0005"
down_revision = "matching_0004"
branch_labels = None
depends_on = None

PURGE = """
alter table matching.feedback add column purged boolean not null default false;
create index on matching.feedback (record, subject, measure, party, part) where purged;

create or replace function matching.purge(parts integer[], records uuid[], subjects uuid[])
    returns void language sql volatile security definer set search_path = pg_catalog, pg_temp
begin atomic
    delete from matching.standing s using unnest(parts, records, subjects) as g(part, record, subject)
     where s.part = g.part and s.record = g.record and s.subject = g.subject;
    delete from matching.feedback f using unnest(parts, records, subjects) as g(part, record, subject)
     where f.part = g.part and f.record = g.record and f.subject = g.subject
       and 'applied' <> (
           select n.outcome from matching.feedback n
            where n.part = f.part and n.record = f.record and n.subject = f.subject and n.measure = f.measure
              and n.party = f.party
            order by n.entry desc limit 1);
end;

-- What is left of these answers, whose records are deleted.
create function matching.reduce(parts integer[], ids uuid[], texts bytea[])
    returns void language sql volatile security definer set search_path = pg_catalog, pg_temp
begin atomic
    update matching.feedback f set data = g.data, purged = true from unnest(parts, ids, texts) as g(part, id, data)
     where f.part = g.part and f.id = g.id;
end;

-- Deletes, of deleted records, the answers to at most so many tasks whose last says that the measure was lifted.
create function matching.forget_lifted(before timestamptz, most integer)
    returns table (tasks bigint, oldest timestamptz)
    language sql volatile security definer set search_path = pg_catalog, pg_temp
begin atomic
    with lifted as materialized (
        select g.part, g.record, g.subject, g.measure, g.party
          from (select distinct p.part, p.record, p.subject, p.measure, p.party from matching.feedback p
                 where p.purged) g
         cross join lateral (
            select f.outcome, f.at from matching.feedback f
             where f.part = g.part and f.record = g.record and f.subject = g.subject and f.measure = g.measure
               and f.party = g.party
             order by f.entry desc limit 1) n
         where n.outcome = 'lifted' and n.at < before limit most
    ), gone as (
        delete from matching.feedback f using lifted l
         where f.part = l.part and f.record = l.record and f.subject = l.subject and f.measure = l.measure
           and f.party = l.party
    )
    select count(*), cast(null as timestamptz) from lifted;
end;

revoke all on function matching.reduce, matching.forget_lifted from public;
"""


def upgrade() -> None:
    """Add the column, and make the functions for matching's role alone."""
    script(PURGE)
    script(f"grant execute on function matching.reduce, matching.forget_lifted to {service_role()}")
