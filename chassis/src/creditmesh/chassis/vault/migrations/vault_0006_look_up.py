"""Looking subjects and their keys up: nobody is made, and no former index value adopted."""

from creditmesh.chassis.database.migrations import script

revision = "vault_0006"
down_revision = "vault_0005"
branch_labels = None
depends_on = None

# Finds whom `vault.adopt` and `vault.resolve` would find: by the value of today, else by a former one, and of those
# first who has a key.
LOOK_UP = """
create function vault.look_up(given bytea[], heirs bytea[], former bytea[])
    returns table (index bytea, subject uuid, keyed boolean, key_id text, wrapped bytea)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select distinct on (o.heir) o.heir, i.subject, k.subject is not null, k.key_id, k.wrapped
      from (select g.index, g.index, 0 from unnest(given) as g(index)
             union all
            select p.heir, p.former, p.place from unnest(heirs, former) with ordinality as p(heir, former, place)
           ) as o(heir, known, place)
      join vault.identity i on i.index = o.known
      left join vault.data_key k on k.subject = i.subject
     order by o.heir, o.place > 0, k.subject is null, o.place
$$;
"""


def upgrade() -> None:
    """Make the function; who may call it is granted from the services' declarations."""
    script(LOOK_UP)
