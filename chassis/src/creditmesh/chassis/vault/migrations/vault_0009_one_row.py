"""A subject and its data key are one row: who is made together, and looked up together, stands together.

Index values are found by themselves alone: the index over their subjects, which nobody asked, goes.
"""

from creditmesh.chassis.database.migrations import script

revision = "vault_0009"
down_revision = "vault_0008"
branch_labels = None
depends_on = None

# No key at all: nothing was sealed about them yet.
ONE_ROW = """
alter table vault.subject
    add column key_id text, add column alg text, add column wrapped bytea, add column keyed_at timestamptz,
    add column destroyed_at timestamptz;
update vault.subject s
   set key_id = k.key_id, alg = k.alg, wrapped = k.wrapped, keyed_at = k.at, destroyed_at = k.destroyed_at
  from vault.data_key k where k.subject = s.id;
alter table vault.subject
    add check (num_nulls(key_id, alg, keyed_at) in (0, 3)),
    add check ((wrapped is null) = (key_id is null or destroyed_at is not null));
drop table vault.data_key;
drop index vault.identity_subject_idx;
"""
ADOPT = """
create or replace function vault.adopt(heirs bytea[], former bytea[], key text, algorithm text)
    returns void
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    found bytea[];
    subjects uuid[];
    used boolean[];
begin
    select array_agg(p.heir order by s.key_id is null, p.place),
           array_agg(i.subject order by s.key_id is null, p.place),
           array_agg(s.key_id is not null order by s.key_id is null, p.place)
      into found, subjects, used
      from unnest(heirs, former) with ordinality as p(heir, former, place)
      join vault.identity i on i.index = p.former
      join vault.subject s on s.id = i.subject;
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
# Whether an index value is new shows only when it is written, so that the subject it names comes after it. The offered
# keys, if any, are for the offered ids: they are kept for who is new and thrown away for who was known.
ENTER = """
create function vault.enter(
    given bytea[], ids uuid[], parts integer[], offered bytea[],
    index_key text, index_alg text, data_key text, data_alg text, heirs bytea[], former bytea[])
    returns void language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    fresh uuid[];
begin
    perform vault.adopt(heirs, former, index_key, index_alg);
    with added as (
        insert into vault.identity (index, subject, key_id, alg)
        select u.index, u.id, index_key, index_alg
          from unnest(given, ids) as u(index, id)
         where u.id is not null and not exists (select from vault.identity known where known.index = u.index)
         order by u.index
            on conflict (index) do nothing
        returning subject
    )
    select array_agg(a.subject) into fresh from added a;
    if fresh is not null then
        -- `is true` keeps this a hashed look-up: a join is planned for ten rows and then loops over them all.
        insert into vault.subject (id, part, key_id, alg, wrapped, keyed_at)
        select u.id, u.part, k.id, k.alg, u.wrapped, k.at
          from unnest(ids, parts, offered) as u(id, part, wrapped)
          left join (values (data_key, data_alg, clock_timestamp())) as k(id, alg, at) on u.wrapped is not null
         where (u.id in (select unnest(fresh))) is true;
    end if;
end
$$;

revoke all on function vault.enter from public;
"""
RESOLVE = """
create or replace function vault.resolve(
    given bytea[], ids uuid[], parts integer[], key text, algorithm text, heirs bytea[], former bytea[])
    returns table (index bytea, subject uuid, split boolean)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform vault.enter(given, ids, parts, null, key, algorithm, null, null, heirs, former);
    return query
        select known.index, known.subject, exists (select from vault.split s where s.kept = known.subject)
          from vault.identity known where known.index = any(given);
end
$$;
"""
IDENTIFY = """
create or replace function vault.identify(
    given bytea[], ids uuid[], parts integer[], offered bytea[],
    index_key text, index_alg text, data_key text, data_alg text, heirs bytea[], former bytea[])
    returns table (index bytea, subject uuid, key_id text, wrapped bytea, split boolean)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform vault.enter(
        given, ids, parts, offered, index_key, index_alg, data_key, data_alg, heirs, former);
    return query
        select known.index, known.subject, s.key_id, s.wrapped,
               exists (select from vault.split x where x.kept = known.subject)
          from vault.identity known join vault.subject s on s.id = known.subject where known.index = any(given);
end
$$;
"""
# Gives the keys that are there and keeps the offered ones where there is none; null where a key was destroyed. Who gets
# a key is locked in the order of subjects, so that two sessions wait for each other and never in a circle.
OPEN = """
create or replace function vault.open(given uuid[], offered bytea[], key text, algorithm text)
    returns table (subject uuid, key_id text, alg text, wrapped bytea)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform from unnest(given, offered) as u(subject, wrapped) join vault.subject s on s.id = u.subject
      where u.wrapped is not null and s.key_id is null order by s.id for no key update of s;
    if found then
        update vault.subject s set key_id = key, alg = algorithm, wrapped = u.wrapped, keyed_at = clock_timestamp()
          from unnest(given, offered) as u(subject, wrapped)
         where s.id = u.subject and u.wrapped is not null and s.key_id is null;
    end if;
    return query
        select s.id, s.key_id, s.alg, s.wrapped from vault.subject s
         where s.id = any(given) and s.key_id is not null;
end
$$;
"""
LOOK_UP = """
create or replace function vault.look_up(given bytea[], heirs bytea[], former bytea[])
    returns table (index bytea, subject uuid, keyed boolean, key_id text, wrapped bytea)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select distinct on (o.heir) o.heir, i.subject, s.key_id is not null, s.key_id, s.wrapped
      from (select g.index, g.index, 0 from unnest(given) as g(index)
             union all
            select p.heir, p.former, p.place from unnest(heirs, former) with ordinality as p(heir, former, place)
           ) as o(heir, known, place)
      join vault.identity i on i.index = o.known
      join vault.subject s on s.id = i.subject
     order by o.heir, o.place > 0, s.key_id is null, o.place
$$;
"""


def upgrade() -> None:
    """Move the keys to their subjects and replace the functions; who may call them stays."""
    for statements in (ONE_ROW, ADOPT, ENTER, RESOLVE, IDENTIFY, OPEN, LOOK_UP):
        script(statements)
