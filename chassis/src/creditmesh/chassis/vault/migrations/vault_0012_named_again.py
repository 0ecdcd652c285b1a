"""Who is closed is opened again by whoever names them; a person of two subjects is erased as both.

A person is closed for a while only: a row or an entry that names them then is no worse than one that comes later.
"""

from creditmesh.chassis.database.migrations import script

revision = "vault_0012"
down_revision = "vault_0011"
branch_labels = None
depends_on = None

CLOSED = "create index on vault.subject (closed_at) where closed_at is not null and destroyed_at is null;"
# As in vault_0011. `both` tells who is the same person by `vault.split`, and does nothing.
ERASE = """
create or replace function vault.erase(given uuid[], step text, seconds double precision)
    returns table (subject uuid)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    gone uuid[];
begin
    if step = 'both' then
        return query
            with recursive same as (
                select unnest(given) as id
                 union
                select case when x.kept = same.id then x.other else x.kept end
                  from same join vault.split x on same.id in (x.kept, x.other)
            ) select id from same;
        return;
    end if;
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
         where s.id = any(gone) and s.destroyed_at is null;
        return query select unnest(gone);
    else
        raise exception 'no step %', step;
    end if;
end
$$;
"""
# Opened before anything is found: where they are just being destroyed this waits, and then makes somebody new.
IDENTIFY = """
create or replace function vault.identify(
    given bytea[], ids uuid[], parts integer[], offered bytea[],
    index_key text, index_alg text, data_key text, data_alg text, heirs bytea[], former bytea[])
    returns table (index bytea, subject uuid, key_id text, wrapped bytea, split boolean)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    closed uuid[];
begin
    if exists (select from vault.subject s where s.closed_at is not null and s.destroyed_at is null) then
        select array_agg(i.subject) into closed from vault.identity i where i.index = any(given || former);
        perform from vault.subject s
          where s.id = any(closed) and s.closed_at is not null and s.destroyed_at is null
          order by s.id for no key update;
        update vault.subject s set closed_at = null
         where s.id = any(closed) and s.closed_at is not null and s.destroyed_at is null;
    end if;
    perform vault.enter(
        given, ids, parts, offered, index_key, index_alg, data_key, data_alg, heirs, former);
    return query
        select known.index, known.subject, s.key_id, case when s.closed_at is null then s.wrapped end,
               exists (select from vault.split x where x.kept = known.subject)
          from vault.identity known join vault.subject s on s.id = known.subject where known.index = any(given);
end
$$;
"""
# Who looks keeps no key, so that it is given of who is closed too.
LOOK_UP = """
create or replace function vault.look_up(given bytea[], heirs bytea[], former bytea[])
    returns table (index bytea, subject uuid, keyed boolean, key_id text, wrapped bytea)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select distinct on (o.heir) o.heir, i.subject, s.key_id is not null or s.destroyed_at is not null, s.key_id,
           s.wrapped
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
    """Add the index and replace the functions; who may call them stays."""
    for statements in (CLOSED, ERASE, IDENTIFY, LOOK_UP):
        script(statements)
