"""A person is closed before they are erased: their key opens nothing any more, and is destroyed when nobody has it.

Processes keep index values and unwrapped keys in memory for a while. What one of them still accepted of a person with
such a key is found when it is to be destroyed, and then the key stays.
"""

from creditmesh.chassis.database.migrations import script

revision = "vault_0011"
down_revision = "vault_0010"
branch_labels = None
depends_on = None

CLOSED = """
alter table vault.subject add column closed_at timestamptz;
create index identity_subject_idx on vault.identity using hash (subject);
"""
# Ends as their key is destroyed: who was erased is found by no number, and who comes under it is somebody new.
ERASE = """
create function vault.erase(given uuid[], step text, seconds double precision)
    returns table (subject uuid)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    gone uuid[];
begin
    perform from vault.subject s where s.id = any(given) order by s.id for no key update;
    if step = 'close' then
        return query update vault.subject s set closed_at = coalesce(s.closed_at, clock_timestamp())
            where s.id = any(given) returning s.id;
    elsif step = 'open' then
        return query update vault.subject s set closed_at = null
            where s.id = any(given) and s.destroyed_at is null returning s.id;
    elsif step = 'destroy' then
        select array_agg(s.id) into gone from vault.subject s
         where s.id = any(given) and s.closed_at <= clock_timestamp() - make_interval(secs => seconds);
        delete from vault.identity i where i.subject = any(gone);
        delete from vault.known k where k.subject = any(gone);
        delete from vault.split x where x.kept = any(gone) or x.other = any(gone);
        update vault.subject s set wrapped = null, destroyed_at = clock_timestamp()
         where s.id = any(gone) and s.key_id is not null and s.destroyed_at is null;
        return query select unnest(gone);
    else
        raise exception 'no step %', step;
    end if;
end
$$;
revoke all on function vault.erase from public;
"""
# As in vault_0009, but who is closed has no key.
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
        select known.index, known.subject, s.key_id, case when s.closed_at is null then s.wrapped end,
               exists (select from vault.split x where x.kept = known.subject)
          from vault.identity known join vault.subject s on s.id = known.subject where known.index = any(given);
end
$$;
"""
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
         where s.id = u.subject and u.wrapped is not null and s.key_id is null and s.closed_at is null;
    end if;
    return query
        select s.id, coalesce(s.key_id, key), coalesce(s.alg, algorithm),
               case when s.closed_at is null then s.wrapped end
          from vault.subject s
         where s.id = any(given) and (s.key_id is not null or s.closed_at is not null);
end
$$;
"""
LOOK_UP = """
create or replace function vault.look_up(given bytea[], heirs bytea[], former bytea[])
    returns table (index bytea, subject uuid, keyed boolean, key_id text, wrapped bytea)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select distinct on (o.heir) o.heir, i.subject, s.key_id is not null or s.closed_at is not null, s.key_id,
           case when s.closed_at is null then s.wrapped end
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
    """Add the column and the function, and replace those that give keys; who may call them stays."""
    for statements in (CLOSED, ERASE, IDENTIFY, OPEN, LOOK_UP):
        script(statements)
