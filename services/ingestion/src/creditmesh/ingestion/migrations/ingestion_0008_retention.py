"""What has ended is deleted after its term, by a function that leaves a purge record: the role itself may not."""

from alembic import op

from creditmesh.chassis.database.migrations import script, service_role

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
    months integer not null,
    until date not null,
    records integer not null,
    revisions integer not null
);

-- Of these records, with all their revisions and held rows, those whose term is over. Named so that each of its parts
-- is read by the key of its place.
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
    ), gone as (
        delete from ingestion.revision r using due d
         where r.part = d.part and r.subject = d.subject and r.natural_key = d.natural_key
        returning r.record, r.subject, r.item, r.data, d.number, d.months, d.ended
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
           array(select distinct cast(r ->> 'subject' as uuid)
                   from gone o cross join jsonb_array_elements(convert_from(o.data, 'UTF8')::jsonb -> 'related') r
                  where o.record = g.record and cast(r ->> 'subject' as uuid) <> g.subject)
      from (select distinct g.record, g.subject, g.item from gone g) g;
end
$$;

revoke all on function ingestion.purge from public;
"""


def upgrade() -> None:
    """Make the function and what it leaves; the role may read that, and call it."""
    script(PURGE)
    op.execute(f"grant select on ingestion.purge to {service_role()}")
    script(f"grant execute on function ingestion.purge to {service_role()}")
