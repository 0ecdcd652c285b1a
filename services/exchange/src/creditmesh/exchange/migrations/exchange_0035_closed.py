"""A feed is closed before it is cut; the cut is the mark, and what stands behind it is moved in turns (decision 71)."""

from alembic import op

from creditmesh.chassis.database.migrations import read_write, script, service_role

revision = "exchange_0035"
down_revision = "exchange_0034"
branch_labels = None
depends_on = None

# `closed_until`: no page of it is given before that. `fetched_back`: how much was ever had back from whom.
TABLES = """
alter table exchange.feed_head add column closed_until timestamptz;
create table exchange.fetched_back (
    feed text not null,
    node text not null,
    until bigint not null,
    primary key (feed, node)
);
drop function exchange.set_aside_feed(text, bigint, bytea);
"""
# Rows of a feed are append-only by grant. What lies behind its head nobody has: the cut sets the head back, where
# nobody has signed for more, and whoever comes first moves the rows: those behind a cut alone, where no head stands.
# Both take the row of `forgetting` first, as whoever forgets.
CUT = """
create function exchange.set_aside_feed(name text, cut bigint, beginning bytea)
    returns void
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    stands bigint;
begin
    perform from exchange.forgetting f where f.feed = name for update;
    select h.size into stands from exchange.feed_head h where h.feed = name for update;
    if cut >= stands or length(beginning) <> 32 * bit_count(cut::bit(64)) or not (cut = 0 or exists (
        select from exchange.feed_checkpoint c where c.feed = name and c.size = cut)) then
        raise invalid_parameter_value using message = 'no head was signed where the feed would be cut';
    end if;
    if exists (select from exchange.answer a where a.feed = name and a.until > cut)
       or exists (select from exchange.answer a cross join unnest(a.applied + a.refused) r
                   where a.feed = name and upper(r) > cut)
       or exists (select from exchange.fetched_back b where b.feed = name and b.until > cut)
       or exists (select from exchange.lost_entry l where l.feed = name and l.index >= cut) then
        raise object_in_use using message = 'somebody has verified what would be set aside';
    end if;
    if not exists (select from exchange.feed_head h where h.feed = name and h.closed_until > clock_timestamp()) then
        raise object_not_in_prerequisite_state using message = 'the feed is not closed';
    end if;
    insert into exchange.second_history (feed, first, size, root, note)
    select name, cut, c.size, c.root, c.note from exchange.feed_checkpoint c
     where c.feed = name order by c.size desc limit 1;
    delete from exchange.feed_checkpoint c where c.feed = name and c.size > cut;
    delete from exchange.feed_tile t
     where t.feed = name and (t.number + 1) * cast(256 ^ (t.tier + 1) as bigint) > cut;
    update exchange.feed_head h
       set size = cut, stack = beginning, closed_until = null,
           bytes = coalesce((select c.bytes from exchange.feed_checkpoint c where c.feed = name and c.size = cut), 0)
     where h.feed = name;
    update exchange.forgetting f set until = least(f.until, cut) where f.feed = name;
    if name = 'up' then
        update exchange.narrowed_item n set until = least(n.until, cut);
    end if;
end
$$
"""
MOVE = """
create function exchange.set_aside_rows(name text, most bigint)
    returns bigint
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
declare
    stands bigint;
    moved bigint;
begin
    perform from exchange.forgetting f where f.feed = name for update;
    select h.size into stands from exchange.feed_head h where h.feed = name for update;
    if not exists (select from exchange.second_history s where s.feed = name and s.first = stands)
       or exists (select from exchange.feed_checkpoint c where c.feed = name and c.size > stands)
       or exists (select from exchange.answer a where a.feed = name and a.until > stands)
       or exists (select from exchange.fetched_back b where b.feed = name and b.until > stands) then
        raise object_in_use using message = 'what lies behind the head was not cut there';
    end if;
    with gone as (
        delete from exchange.feed_entry e
         where e.feed = name and e.index in (
               select n.index from exchange.feed_entry n where n.feed = name and n.index >= stands
                order by n.index limit most)
        returning *
    )
    insert into exchange.set_aside (
           feed, index, line, salt, body, record, rev, subject, change, item, party, packed, weight)
    select g.feed, g.index, g.line, g.salt, g.body, g.record, g.rev, g.subject, g.change, g.item, g.party, g.packed,
           g.weight
      from gone g order by g.index;
    get diagnostics moved = row_count;
    return moved;
end
$$
"""


def upgrade() -> None:
    """Make the columns, the table and the functions."""
    script(TABLES)
    script(CUT)
    script(MOVE)
    read_write("exchange.fetched_back")
    for each in ("set_aside_feed(text, bigint, bytea)", "set_aside_rows(text, bigint)"):
        op.execute(f"revoke all on function exchange.{each} from public")
        op.execute(f"grant execute on function exchange.{each} to {service_role()}")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
