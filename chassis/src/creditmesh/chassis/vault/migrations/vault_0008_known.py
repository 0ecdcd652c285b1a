"""Of which kind a subject is, and whether anybody is known at all, is told by what was accepted, and not by who asks.

Of subjects that are there it is learnt from the records that the query service keeps in the same database, where there
are any.
"""

from alembic import op

from creditmesh.chassis.database.migrations import script

revision = "vault_0008"
down_revision = "vault_0007"
branch_labels = None
depends_on = None

KNOWN = """
-- By the newest of what was accepted of them, or of what an officer confirmed.
create table vault.known (
    subject uuid primary key references vault.subject,
    kind text not null
);

-- In the order of subjects, so that two transactions wait for each other and never in a circle; who is known already
-- is not locked.
create function vault.know(subjects uuid[], kinds text[])
    returns void language sql volatile security definer set search_path = pg_catalog, pg_temp
begin atomic
    insert into vault.known as known (subject, kind)
    select u.subject, u.kind from unnest(subjects, kinds) as u(subject, kind)
     where not exists (select from vault.known k where k.subject = u.subject and k.kind = u.kind)
     order by u.subject
        on conflict (subject) do update set kind = excluded.kind where known.kind <> excluded.kind;
end;

create function vault.kinds(given uuid[])
    returns table (subject uuid, kind text)
    language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select k.subject, k.kind from vault.known k where k.subject = any(given);
end;
"""
READ_MODEL = "select to_regclass('query.record') is not null"
ROWS = """
insert into vault.known (subject, kind)
select distinct on (r.subject) r.subject, r.kind
  from query.record r join vault.subject s on s.id = r.subject
 order by r.subject, r.record desc;

insert into vault.known (subject, kind)
select distinct s.id, 'natural_person'
  from query.record r
 cross join lateral (select convert_from(r.data, 'UTF8')::jsonb as event offset 0) said
 cross join lateral jsonb_array_elements(coalesce(said.event -> 'related', '[]')) each
  join vault.subject s on s.id = (each ->> 'subject')::uuid
    on conflict do nothing;
"""
# What was said by whoever was first to ask.
STATED = """
drop function vault.tell_kind;
drop function vault.identify;
drop function vault.resolve;
alter table vault.subject drop column kind;
"""
RESOLVE = """
create function vault.resolve(
    given bytea[], ids uuid[], parts integer[], key text, algorithm text, heirs bytea[], former bytea[])
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
        insert into vault.subject (id, part)
        select u.id, u.part
          from unnest(ids, parts) as u(id, part)
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
    given bytea[], ids uuid[], parts integer[], offered bytea[],
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
      from vault.resolve(given, ids, parts, index_key, index_alg, heirs, former) r;
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
    """Keep what is known of subjects, and nothing that was only said of them."""
    script(KNOWN)
    if op.get_bind().exec_driver_sql(READ_MODEL).scalar():
        script(ROWS)
    script(STATED)
    script(RESOLVE)
    script(IDENTIFY)
