"""Events, their queue, their order, and who has read how far."""

from creditmesh.chassis.database.migrations import script

revision = "bus_0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
create table bus.node (
    one boolean primary key default true check (one),
    code text not null,
    tier text not null,
    parts integer not null check (parts > 0)
);

-- Bodies; insert-only. A service's own outbox table may stand in for it.
create table bus.event (
    stream text not null,
    part integer not null,
    id uuid not null,
    type text not null,
    version smallint not null,
    key text not null,
    at timestamptz not null,
    legal_date date not null,
    traceparent text,
    data bytea not null,
    primary key (part, id)
);

-- A row here is an event that has no number yet. The ids are drawn under the subjects' locks, one at a time.
create table bus.event_queue (
    id bigint generated always as identity (cache 1) primary key,
    stream text not null,
    part integer not null,
    type text not null,
    event uuid not null,
    at timestamptz not null default clock_timestamp()
) with (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000,
    autovacuum_vacuum_cost_delay = 0
);

create table bus.event_order (
    stream text not null,
    part integer not null,
    number bigint not null,
    type text not null,
    event uuid not null unique,
    before uuid,
    primary key (stream, part, number)
);

create table bus.event_head (
    stream text not null,
    part integer not null,
    number bigint not null default 0,
    last uuid,
    primary key (stream, part)
) with (fillfactor = 50);

create table bus.event_published (
    stream text not null,
    part integer not null,
    number bigint not null default 0,
    primary key (stream, part)
) with (fillfactor = 50);

create table bus.event_leader (
    role text primary key,
    epoch bigint not null default 0
);
insert into bus.event_leader (role) values ('orderer'), ('publisher');

create table bus.event_reader (
    reader text not null,
    stream text not null,
    part integer not null,
    number bigint not null,
    at timestamptz not null,
    primary key (reader, stream, part)
) with (fillfactor = 50);
"""

HEADS = """
create function bus.heads(stream text)
    returns table (part integer, number bigint, last uuid)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select h.part, h.number, h.last from bus.event_head h where h.stream = heads.stream
$$
"""

# A reader reports for itself only: its name is the second half of the role that connected.
REPORT = """
create function bus.report(reader text, stream text, parts integer[], numbers bigint[])
    returns void
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
    if session_user <> (select code from bus.node) || '_' || report.reader
       and not (select rolsuper from pg_roles where rolname = session_user) then
        raise insufficient_privilege using message = 'a reader reports for itself only';
    end if;
    perform set_config('synchronous_commit', 'off', true);
    insert into bus.event_reader as known (reader, stream, part, number, at)
    select report.reader, report.stream, u.part, u.number, clock_timestamp()
      from unnest(report.parts, report.numbers) as u(part, number)
        on conflict (reader, stream, part) do update set number = excluded.number, at = excluded.at
     where known.number <> excluded.number or known.at < excluded.at - interval '1 minute';
end
$$
"""

PRESSURE = """
create function bus.pressure()
    returns table (queue_age double precision, reader_lag bigint)
    language sql stable security definer set search_path = pg_catalog, pg_temp
as $$
    select coalesce((select extract(epoch from clock_timestamp() - q.at)::double precision
                       from bus.event_queue q order by q.id limit 1), 0),
           coalesce((select max(behind) from (
               select sum(h.number - r.number)::bigint as behind
                 from bus.event_reader r join bus.event_head h using (stream, part)
                group by r.reader, r.stream) each), 0)
$$
"""


def upgrade() -> None:
    """Make the tables and the functions that are the same on every node."""
    script(";".join((TABLES.strip().rstrip(";"), HEADS, REPORT, PRESSURE)))
    script("revoke all on all functions in schema bus from public")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
