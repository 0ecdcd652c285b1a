"""A revision knows the name that its subject stands under, as a MAC: another one under the same number is noticed.

Of records that are there the names are not known; they are learnt from what is sent from now on.
"""

from alembic import op

from creditmesh.chassis.database.migrations import script, service_role

revision = "ingestion_0009"
down_revision = "ingestion_0008"
branch_labels = None
depends_on = None

_FORMER = "integer, integer[], integer[], uuid[], bytea[], text, bytea[]"
_ARGUMENTS = f"{_FORMER}, integer[], uuid[], bytea[]"
NAMES = """
alter table ingestion.revision add column name bytea;
create index revision_name on ingestion.revision (subject, name, part) where name is not null;
"""
# As in ingestion_0005, what had been ended and was deleted, and of the names whose subjects have one with this party,
# whether it is this: of what others sent, a party learns nothing by trying names.
LOCKED = f"""
drop function ingestion.locked({_FORMER});
create function ingestion.locked(
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
        select u.natural_key, r.record, 0, ''::bytea, r.state, null::text, null::uuid, ''
          from unnest(locked.parts, locked.subjects, locked.natural_keys) as u(part, subject, natural_key)
         cross join lateral (
            select c.record, c.state from ingestion.closed c
             where c.part = u.part and c.subject = u.subject and c.natural_key = u.natural_key offset 0) r;
    return query
        select null::bytea, v.id, 0, v.fingerprint, v.state, null::text, null::uuid, v.party
          from ingestion.review v where v.party = locked.party and v.fingerprint = any(locked.fingerprints);
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


def upgrade() -> None:
    """Add the column and its index, and replace the function."""
    script(NAMES)
    script(LOCKED)
    op.execute(f"grant execute on function ingestion.locked({_ARGUMENTS}) to {service_role()}")
