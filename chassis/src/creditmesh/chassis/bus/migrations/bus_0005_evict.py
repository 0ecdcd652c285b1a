"""A reader that runs is not taken off the list: it has not abandoned what would be pruned then."""

from creditmesh.chassis.database.migrations import script

revision = "bus_0005"
down_revision = "bus_0004"
branch_labels = None
depends_on = None

# Every process of a reader holds a shared advisory lock beside its leases (`chassis.bus.leases`), as the reader's role.
EVICT = """
create or replace function bus.evict(reader text, stream text)
    returns bigint
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    gone bigint;
begin
    if exists (select from pg_locks l join pg_stat_activity a on a.pid = l.pid
                where l.locktype = 'advisory' and l.objsubid = 2 and l.mode = 'ShareLock' and l.granted
                  and a.datname = current_database()
                  and a.usename = (select code from bus.node) || '_' || evict.reader) then
        raise object_in_use using message = 'the reader runs: stop its processes first';
    end if;
    delete from bus.event_reader r where r.reader = evict.reader and r.stream = evict.stream;
    get diagnostics gone = row_count;
    return gone;
end
$$
"""


def upgrade() -> None:
    """Replace the function; its grants stay."""
    script(EVICT)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
