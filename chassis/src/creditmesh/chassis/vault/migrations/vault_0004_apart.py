"""Index values and subjects are written by a statement each: what one wrote, the next sees wherever its rows lie."""

from creditmesh.chassis.database.migrations import script

revision = "vault_0004"
down_revision = "vault_0003"
branch_labels = None
depends_on = None

# Whether an index value is new shows only when it is written, so that the subject it names comes after it.
RESOLVE = """
alter table vault.identity alter constraint identity_subject_fkey deferrable initially deferred;

create or replace function vault.resolve(
    given bytea[], ids uuid[], kinds text[], parts integer[], key text, algorithm text)
    returns table (index bytea, subject uuid)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    fresh uuid[];
begin
    with added as (
        insert into vault.identity (index, subject, key_id, alg)
        select u.index, u.id, key, algorithm
          from unnest(given, ids) as u(index, id)
         where u.id is not null and not exists (select from vault.identity known where known.index = u.index)
         order by u.index
            on conflict (index) do nothing
        returning subject
    )
    select array_agg(a.subject) into fresh from added a;
    if fresh is not null then
        -- `is true` keeps this a hashed look-up: a join is planned for ten rows and then loops over them all.
        insert into vault.subject (id, kind, part)
        select u.id, u.kind, u.part
          from unnest(ids, kinds, parts) as u(id, kind, part)
         where (u.id in (select unnest(fresh))) is true;
    end if;
    return query select known.index, known.subject from vault.identity known where known.index = any(given);
end
$$;
"""


def upgrade() -> None:
    """Replace the function; its grants stay."""
    script(RESOLVE)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
