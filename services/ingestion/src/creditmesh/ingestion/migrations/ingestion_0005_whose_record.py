"""A verdict looks at whose record it is: `ingestion.locked` also says the party of each revision."""

from alembic import op

from creditmesh.chassis.database.migrations import script, service_role

revision = "ingestion_0005"
down_revision = "ingestion_0004"
branch_labels = None
depends_on = None

_ARGUMENTS = "integer, integer[], integer[], uuid[], bytea[], text, bytea[]"
# But for the party as in ingestion_0004: two statements, so that the second sees what was committed meanwhile.
LOCKED = f"""
drop function ingestion.locked({_ARGUMENTS});
create function ingestion.locked(
    lock_class integer, lock_keys integer[], parts integer[], subjects uuid[], natural_keys bytea[],
    party text, fingerprints bytea[])
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
        select null::bytea, v.id, 0, v.fingerprint, v.state, null::text, null::uuid, v.party
          from ingestion.review v where v.party = locked.party and v.fingerprint = any(locked.fingerprints);
end
$$;
"""


def upgrade() -> None:
    """Replace the function."""
    script(LOCKED)
    op.execute(f"grant execute on function ingestion.locked({_ARGUMENTS}) to {service_role()}")
