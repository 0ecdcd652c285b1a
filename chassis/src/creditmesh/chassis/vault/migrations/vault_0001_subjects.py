"""The schema `vault`: subjects, the index values that find them, their data keys, and the two functions."""

from creditmesh.chassis.database.migrations import script

revision = "vault_0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
create table vault.subject (
    id uuid primary key,
    kind text not null,
    part integer not null,
    at timestamptz not null default clock_timestamp()
);

-- Insert-only: a value never changes its subject, so that processes may cache it for ever.
create table vault.identity (
    index bytea primary key,
    subject uuid not null references vault.subject,
    key_id text not null,
    alg text not null,
    at timestamptz not null default clock_timestamp()
);
create index on vault.identity (subject);

-- `wrapped` is null once the key was destroyed: what it sealed is gone for good, and nothing is sealed under it again.
create table vault.data_key (
    subject uuid primary key references vault.subject,
    key_id text not null,
    alg text not null,
    wrapped bytea,
    at timestamptz not null default clock_timestamp(),
    destroyed_at timestamptz,
    check ((wrapped is null) = (destroyed_at is not null))
);
"""

# Each index value comes with an id to use if it is new. The values are inserted in their order, so that two sessions
# with overlapping values wait for each other and never in a circle; whoever comes second reads what the first wrote.
RESOLVE = """
create function vault.resolve(given bytea[], ids uuid[], kinds text[], parts integer[], key text, algorithm text)
    returns table (index bytea, subject uuid)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    with fresh as (
        select u.index, u.id, u.kind, u.part
          from unnest(given, ids, kinds, parts) as u(index, id, kind, part)
         where not exists (select from vault.identity known where known.index = u.index)
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

# Gives the keys that are there and keeps the offered ones where there is none; null where a key was destroyed.
OPEN = """
create function vault.open(given uuid[], offered bytea[], key text, algorithm text)
    returns table (subject uuid, key_id text, alg text, wrapped bytea)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    insert into vault.data_key (subject, key_id, alg, wrapped)
    select s.id, key, algorithm, u.wrapped
      from unnest(given, offered) as u(subject, wrapped)
      join vault.subject s on s.id = u.subject
     where u.wrapped is not null
     order by s.id
        on conflict (subject) do nothing;
    return query select k.subject, k.key_id, k.alg, k.wrapped from vault.data_key k where k.subject = any(given);
end
$$;
"""


def upgrade() -> None:
    """Make the tables and the functions; who may call them is granted from the services' declarations."""
    script(TABLES)
    script(RESOLVE)
    script(OPEN)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
