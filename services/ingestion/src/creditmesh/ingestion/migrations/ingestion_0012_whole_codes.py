"""Under which codes of 18 characters a body stands is kept: two codes may have one organisation code within.

Of bodies that are there nothing is known: the next row of each is believed.
"""

from creditmesh.chassis.database.migrations import script, service_role

revision = "ingestion_0012"
down_revision = "ingestion_0011"
branch_labels = None
depends_on = None

CODES = """
create table ingestion.whole_code (
    subject uuid not null,
    code bytea not null,
    mac_key text not null,
    mac_alg text not null,
    primary key (subject, code)
);
"""
# As in ingestion_0010 and last the codes of those who are named: the subject as `id`.
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
    return query
        select null::bytea, u.subject, 0, c.code, 'code'::text, null::text, null::uuid, null::text
          from (select distinct n.subject from unnest(locked.named) as n(subject)) u
         cross join lateral (
            select w.code from ingestion.whole_code w where w.subject = u.subject offset 0) c;
end
$$;
"""


def upgrade() -> None:
    """Make the table and replace the function; who may call it stays."""
    script(CODES)
    script(f"grant select, insert on ingestion.whole_code to {service_role()}")
    script(LOCKED)
