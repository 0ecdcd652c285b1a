"""Who is new is written as any row is: what two sessions write at once is asked for anew, and is rare.

With ON CONFLICT the server looks each key up once more, writes its row as not yet certain, and confirms it with a
record of its log for each.
"""

from creditmesh.chassis.database.migrations import script

revision = "vault_0014"
down_revision = "vault_0013"
branch_labels = None
depends_on = None

# As in vault_0013 but for that. A session that wrote the same value first was waited for, and is seen in the next
# round; values and subjects come in their order, so that sessions wait for each other and never in a circle.
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
          order by s.id for share;
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


def upgrade() -> None:
    """Replace the functions; who may call them stays."""
    script(ENTER)
    script(KNOW)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
