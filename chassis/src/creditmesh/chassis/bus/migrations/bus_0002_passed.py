"""How far everybody has come who reads a stream: what "all of this node has gone by it" means."""

from creditmesh.chassis.database.migrations import script

revision = "bus_0002"
down_revision = "bus_0001"
branch_labels = None
depends_on = None

# Reports are a second old; the positions themselves move in the transaction of the effects.
PASSED = """
create function bus.passed(stream text)
    returns table (part integer, number bigint)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    positions text;
begin
    select string_agg(
             format('select %L, stream, part, number from %I.reader_position', of.reader, of.reader), ' union all ')
      into positions
      from (select distinct r.reader from bus.event_reader r where r.stream = passed.stream) of;
    if positions is not null then
        return query execute format(
            'select r.part, min(coalesce(p.number, 0)) from bus.event_reader r
               left join (%s) as p (reader, stream, part, number) using (reader, stream, part)
              where r.stream = $1 group by r.part', positions) using passed.stream;
    end if;
end
$$
"""


def upgrade() -> None:
    """Make the function; `chassis.bus.declare` grants it."""
    script(PASSED)
    script("revoke all on function bus.passed from public")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
