"""A subject and its data key in one call: who submits a record needs both, mostly of somebody this node knows."""

from creditmesh.chassis.database.migrations import script

revision = "vault_0002"
down_revision = "vault_0001"
branch_labels = None
depends_on = None

# The offered keys are for the offered ids: they are kept for who is new and thrown away for who was known.
IDENTIFY = """
create function vault.identify(
    given bytea[], ids uuid[], kinds text[], parts integer[], offered bytea[],
    index_key text, index_alg text, data_key text, data_alg text)
    returns table (index bytea, subject uuid, key_id text, wrapped bytea)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    found bytea[];
    subjects uuid[];
    fresh uuid[];
    keys bytea[];
begin
    select array_agg(r.index), array_agg(r.subject) into found, subjects
      from vault.resolve(given, ids, kinds, parts, index_key, index_alg) r;
    -- `is true` keeps this a hashed look-up, as in `vault.resolve`.
    select array_agg(u.id), array_agg(u.wrapped) into fresh, keys
      from unnest(ids, offered) as u(id, wrapped)
     where (u.id in (select unnest(subjects))) is true;
    if fresh is not null then
        perform vault.open(fresh, keys, data_key, data_alg);
    end if;
    return query
        select r.index, r.subject, k.key_id, k.wrapped
          from unnest(found, subjects) as r(index, subject)
          left join vault.data_key k on k.subject = r.subject;
end
$$;
"""


def upgrade() -> None:
    """Make the function; who may call it is granted from the services' declarations."""
    script(IDENTIFY)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
