"""Finding subjects without making any: an identity that comes without an id is looked for and nothing more."""

from creditmesh.chassis.database.migrations import script

revision = "vault_0003"
down_revision = "vault_0002"
branch_labels = None
depends_on = None

RESOLVE = """
create or replace function vault.resolve(
    given bytea[], ids uuid[], kinds text[], parts integer[], key text, algorithm text)
    returns table (index bytea, subject uuid)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    with fresh as (
        select u.index, u.id, u.kind, u.part
          from unnest(given, ids, kinds, parts) as u(index, id, kind, part)
         where u.id is not null and not exists (select from vault.identity known where known.index = u.index)
    ), added as (
        insert into vault.identity (index, subject, key_id, alg)
        select f.index, f.id, key, algorithm from fresh f order by f.index
            on conflict (index) do nothing
        returning subject
    )
    -- `is true` keeps this a hashed look-up: a join is planned for ten rows and then loops a thousand times a thousand.
    insert into vault.subject (id, kind, part)
    select f.id, f.kind, f.part from fresh f where (f.id in (select a.subject from added a)) is true;
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
