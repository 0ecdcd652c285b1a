"""A subject is known by document and number, whatever kind was said (decision 30).

Whoever is asked for comes with what their index value was before. Who was known by that is known by the new value from
then on; where several were, they are one person with several subjects, which is written down.
"""

from creditmesh.chassis.database.migrations import script

revision = "vault_0005"
down_revision = "vault_0004"
branch_labels = None
depends_on = None

SPLIT = """
-- One person who was given two subjects that both have records: `kept` is found by the number, `other` is not.
create table vault.split (
    kept uuid not null references vault.subject,
    other uuid not null references vault.subject,
    at timestamptz not null default clock_timestamp(),
    primary key (kept, other)
);

drop function vault.identify;
drop function vault.resolve;
"""

# `heirs` and `former` are pairs. Only who was sealed for has a data key, so who has one may have records: it goes
# before who was merely asked about under a wrong kind.
ADOPT = """
create function vault.adopt(heirs bytea[], former bytea[], key text, algorithm text)
    returns void
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    found bytea[];
    subjects uuid[];
    used boolean[];
begin
    select array_agg(p.heir order by k.subject is null, p.place),
           array_agg(i.subject order by k.subject is null, p.place),
           array_agg(k.subject is not null order by k.subject is null, p.place)
      into found, subjects, used
      from unnest(heirs, former) with ordinality as p(heir, former, place)
      join vault.identity i on i.index = p.former
      left join vault.data_key k on k.subject = i.subject;
    if found is null then
        return;
    end if;
    insert into vault.identity (index, subject, key_id, alg)
    select distinct on (o.heir) o.heir, o.subject, key, algorithm
      from unnest(found, subjects) with ordinality as o(heir, subject, place)
     order by o.heir, o.place
        on conflict (index) do nothing;
    insert into vault.split (kept, other)
    select distinct known.subject, o.subject
      from unnest(found, subjects, used) as o(heir, subject, used)
      join vault.identity known on known.index = o.heir
     where o.used and o.subject <> known.subject
     order by known.subject, o.subject
        on conflict do nothing;
end
$$;
"""

RESOLVE = """
create function vault.resolve(
    given bytea[], ids uuid[], kinds text[], parts integer[], key text, algorithm text, heirs bytea[], former bytea[])
    returns table (index bytea, subject uuid, split boolean)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    fresh uuid[];
begin
    perform vault.adopt(heirs, former, key, algorithm);
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
    return query
        select known.index, known.subject, exists (select from vault.split s where s.kept = known.subject)
          from vault.identity known where known.index = any(given);
end
$$;
"""

IDENTIFY = """
create function vault.identify(
    given bytea[], ids uuid[], kinds text[], parts integer[], offered bytea[],
    index_key text, index_alg text, data_key text, data_alg text, heirs bytea[], former bytea[])
    returns table (index bytea, subject uuid, key_id text, wrapped bytea, split boolean)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    found bytea[];
    subjects uuid[];
    splits boolean[];
    fresh uuid[];
    keys bytea[];
begin
    select array_agg(r.index), array_agg(r.subject), array_agg(r.split) into found, subjects, splits
      from vault.resolve(given, ids, kinds, parts, index_key, index_alg, heirs, former) r;
    -- `is true` keeps this a hashed look-up, as in `vault.resolve`.
    select array_agg(u.id), array_agg(u.wrapped) into fresh, keys
      from unnest(ids, offered) as u(id, wrapped)
     where (u.id in (select unnest(subjects))) is true;
    if fresh is not null then
        perform vault.open(fresh, keys, data_key, data_alg);
    end if;
    return query
        select r.index, r.subject, k.key_id, k.wrapped, r.split
          from unnest(found, subjects, splits) as r(index, subject, split)
          left join vault.data_key k on k.subject = r.subject;
end
$$;
"""


def upgrade() -> None:
    """Replace the functions; who may call them is granted from the services' declarations after every migration."""
    script(SPLIT)
    script(ADOPT)
    script(RESOLVE)
    script(IDENTIFY)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
