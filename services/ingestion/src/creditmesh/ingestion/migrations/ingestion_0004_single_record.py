"""What a single record costs: its locks and its history are one call, and a submission is written once.

The receipt of a submission is made from its chunks when it is asked for, so nothing of a submission changes any more.
"""

from alembic import op

from creditmesh.chassis.database.migrations import script, service_role

revision = "ingestion_0004"
down_revision = "ingestion_0003"
branch_labels = None
depends_on = None

# Two statements, so that the second sees what was committed while the first waited: in one it would not. The locks are
# taken in the order of the array. One probe of an index a place: OFFSET 0 keeps the planner from anything else.
LOCKED = """
create function ingestion.locked(
    lock_class integer, lock_keys integer[], parts integer[], subjects uuid[], natural_keys bytea[],
    party text, fingerprints bytea[])
    returns table (natural_key bytea, id uuid, rev integer, fingerprint bytea, state text, mark text, submission uuid)
    language plpgsql volatile set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform pg_advisory_xact_lock(locked.lock_class, u.key) from unnest(locked.lock_keys) as u(key);
    return query
        select u.natural_key, r.record, r.rev, r.fingerprint, r.state, r.mark, r.submission
          from unnest(locked.parts, locked.subjects, locked.natural_keys) as u(part, subject, natural_key)
         cross join lateral (
            select i.record, i.rev, i.fingerprint, i.state, i.mark, i.submission from ingestion.revision i
             where i.part = u.part and i.subject = u.subject and i.natural_key = u.natural_key
             order by i.rev offset 0) r;
    return query
        select null::bytea, v.id, 0, v.fingerprint, v.state, null::text, null::uuid
          from ingestion.review v where v.party = locked.party and v.fingerprint = any(locked.fingerprints);
end
$$;
"""


def upgrade() -> None:
    """Make the function; a submission keeps no receipt and is append-only, as its chunks are."""
    script(LOCKED)
    arguments = "integer, integer[], integer[], uuid[], bytea[], text, bytea[]"
    op.execute(f"grant execute on function ingestion.locked({arguments}) to {service_role()}")
    script("alter table ingestion.submission drop column receipt")
    op.execute(f"revoke update, delete on ingestion.submission from {service_role()}")
