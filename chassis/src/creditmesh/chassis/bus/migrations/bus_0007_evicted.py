"""A reader that was taken off the list stays off it: the next declaration does not expect it again."""

from creditmesh.chassis.database.migrations import script

revision = "bus_0007"
down_revision = "bus_0006"
branch_labels = None
depends_on = None

EVICTED = """
create table bus.event_evicted (
    reader text not null,
    stream text not null,
    primary key (reader, stream)
);

create or replace function bus.evict(reader text, stream text)
    returns bigint
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    gone bigint;
begin
    if exists (select from pg_locks l join pg_stat_activity a on a.pid = l.pid
                where l.locktype = 'advisory' and l.objsubid = 2 and l.mode = 'ShareLock' and l.granted
                  and l.objid::bigint = (select parts from bus.node)
                  and a.datname = current_database()
                  and a.usename = (select code from bus.node) || '_' || evict.reader) then
        raise object_in_use using message = 'the reader runs: stop its processes first';
    end if;
    delete from bus.event_reader r where r.reader = evict.reader and r.stream = evict.stream;
    get diagnostics gone = row_count;
    if gone > 0 then
        insert into bus.event_evicted values (evict.reader, evict.stream) on conflict do nothing;
    end if;
    return gone;
end
$$
"""


def upgrade() -> None:
    """Make the table and replace the function; its grants stay."""
    script(EVICTED)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
