"""Who is closed is opened by what is accepted of them, in its own transaction, and by nobody who merely names them.

Being closed hides nothing: it means that nobody keeps key or number in memory. A key that is not given was destroyed.

Who is new is written as any row is: with ON CONFLICT the server looks each key up once more, writes its row as not yet
certain, and confirms it with a record of its log for each; that two sessions write the same at once is rare.
"""

from creditmesh.chassis.database.migrations import script

revision = "vault_0013"
down_revision = "vault_0012"
branch_labels = None
depends_on = None

# Where somebody is just being destroyed this waits, and then makes somebody new: else they would be found by a number
# that is gone before it is read again. It waits for nothing else: the transaction that has just opened somebody may be
# the caller's own, which asks this in another session. What two sessions write at once is asked for anew; values and
# subjects come in their order, so that sessions wait for each other and never in a circle.
ENTER = """
create or replace function vault.enter(
    given bytea[], ids uuid[], parts integer[], offered bytea[],
    index_key text, index_alg text, data_key text, data_alg text, heirs bytea[], former bytea[])
    returns void language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    fresh uuid[];
begin
    if exists (select from vault.subject s where s.closed_at is not null and s.destroyed_at is null) then
        perform from vault.subject s
          where s.id in (select i.subject from vault.identity i where i.index = any(given || former))
            and s.closed_at is not null and s.destroyed_at is null
          order by s.id for key share;
    end if;
    perform vault.adopt(heirs, former, index_key, index_alg);
    loop
        begin
            with added as (
                insert into vault.identity (index, subject, key_id, alg)
                select distinct on (u.index) u.index, u.id, index_key, index_alg
                  from unnest(given, ids) as u(index, id)
                 where u.id is not null and not exists (select from vault.identity known where known.index = u.index)
                 order by u.index
                returning subject
            )
            select array_agg(a.subject) into fresh from added a;
            exit;
        exception when unique_violation then
        end;
    end loop;
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
"""
RESOLVE = """
drop function vault.resolve;
create function vault.resolve(
    given bytea[], ids uuid[], parts integer[], key text, algorithm text, heirs bytea[], former bytea[])
    returns table (index bytea, subject uuid, split boolean, closed boolean)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform vault.enter(given, ids, parts, null, key, algorithm, null, null, heirs, former);
    return query
        select known.index, known.subject, exists (select from vault.split s where s.kept = known.subject),
               known.subject in (
                    select s.id from vault.subject s where s.closed_at is not null and s.destroyed_at is null)
          from vault.identity known where known.index = any(given);
end
$$;
revoke all on function vault.resolve from public;
"""
IDENTIFY = """
drop function vault.identify;
create function vault.identify(
    given bytea[], ids uuid[], parts integer[], offered bytea[],
    index_key text, index_alg text, data_key text, data_alg text, heirs bytea[], former bytea[])
    returns table (index bytea, subject uuid, key_id text, wrapped bytea, split boolean, closed boolean)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform vault.enter(
        given, ids, parts, offered, index_key, index_alg, data_key, data_alg, heirs, former);
    return query
        select known.index, known.subject, s.key_id, s.wrapped,
               exists (select from vault.split x where x.kept = known.subject), s.closed_at is not null
          from vault.identity known join vault.subject s on s.id = known.subject where known.index = any(given);
end
$$;
revoke all on function vault.identify from public;
"""
OPEN = """
drop function vault.open;
create function vault.open(given uuid[], offered bytea[], key text, algorithm text)
    returns table (subject uuid, key_id text, alg text, wrapped bytea, closed boolean)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    perform from unnest(given, offered) as u(subject, wrapped) join vault.subject s on s.id = u.subject
      where u.wrapped is not null and s.key_id is null order by s.id for no key update of s;
    if found then
        update vault.subject s set key_id = key, alg = algorithm, wrapped = u.wrapped, keyed_at = clock_timestamp()
          from unnest(given, offered) as u(subject, wrapped)
         where s.id = u.subject and u.wrapped is not null and s.key_id is null and s.destroyed_at is null;
    end if;
    return query
        select s.id, coalesce(s.key_id, key), coalesce(s.alg, algorithm), s.wrapped, s.closed_at is not null
          from vault.subject s
         where s.id = any(given) and (s.key_id is not null or s.destroyed_at is not null);
end
$$;
revoke all on function vault.open from public;
"""
# Null as a kind: something waits that is about them, and nothing is known by it. Who is known as that already was not
# destroyed: with the key goes what is known. Subjects are locked in their order, so that nobody waits in a circle.
KNOW = """
create or replace function vault.know(subjects uuid[], kinds text[])
    returns void language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    fresh uuid[];
begin
    if exists (select from vault.subject s where s.closed_at is not null and s.destroyed_at is null) then
        perform from vault.subject s
          where s.id = any(subjects) and s.closed_at is not null and s.destroyed_at is null
          order by s.id for no key update;
        update vault.subject s set closed_at = null
         where s.id = any(subjects) and s.closed_at is not null and s.destroyed_at is null;
    end if;
    select array_agg(u.subject) into fresh from unnest(subjects, kinds) as u(subject, kind)
     where not exists (
           select from vault.known k where k.subject = u.subject and (u.kind is null or k.kind = u.kind));
    if fresh is null then
        return;
    end if;
    if exists (select from vault.subject s where s.id = any(fresh) and s.destroyed_at is not null) then
        raise serialization_failure using message = 'somebody was erased while this was accepted';
    end if;
    loop
        begin
            insert into vault.known (subject, kind)
            select distinct on (u.subject) u.subject, u.kind
              from unnest(subjects, kinds) as u(subject, kind)
              join vault.subject s on s.id = u.subject
             where u.kind is not null and u.subject = any(fresh)
               and not exists (select from vault.known k where k.subject = u.subject)
             order by u.subject;
            exit;
        exception when unique_violation then
        end;
    end loop;
    perform from unnest(subjects, kinds) as u(subject, kind)
       join vault.known k on k.subject = u.subject and k.kind <> u.kind
      order by k.subject for no key update of k;
    if found then
        update vault.known k set kind = u.kind
          from unnest(subjects, kinds) as u(subject, kind)
         where k.subject = u.subject and k.kind <> u.kind;
    end if;
end
$$;
"""
# As in vault_0012 but for the lock: who looks somebody up waits while they are destroyed, and at no other step.
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
    if step = 'destroy' then
        perform from vault.subject s where s.id = any(given) order by s.id for update;
    else
        perform from vault.subject s where s.id = any(given) order by s.id for no key update;
    end if;
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


def upgrade() -> None:
    """Replace the functions; who may call them is said anew with every migration."""
    for statements in (ENTER, RESOLVE, IDENTIFY, OPEN, KNOW, ERASE):
        script(statements)
