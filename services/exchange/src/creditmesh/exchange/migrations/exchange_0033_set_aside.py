"""A second history of a feed that nobody holds: set aside, until it is said again behind the first (decision 63)."""

from alembic import op

from creditmesh.chassis.database.migrations import append_only, read_write, script, service_role

revision = "exchange_0033"
down_revision = "exchange_0032"
branch_labels = None
depends_on = None

# Rows of a feed are append-only by grant: one function takes some away, and nobody may have answered for them.
TABLES = """
create table exchange.set_aside (
    number bigint generated always as identity primary key,
    like exchange.feed_entry
);
create index on exchange.set_aside (feed, number);
create index on exchange.set_aside (record) where record is not null;

-- `size`, `note`: what had been signed of it; before `first` it is the first history's too.
create table exchange.second_history (
    feed text not null,
    first bigint not null,
    size bigint not null,
    root bytea not null,
    note text not null,
    at timestamptz not null default now(),
    primary key (feed, size, root)
);
"""
FUNCTION = """
create function exchange.set_aside_feed(name text, cut bigint, beginning bytea)
    returns void
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
as $$
begin
    perform from exchange.feed_head h where h.feed = name for update;
    if exists (select from exchange.answer a cross join unnest(a.applied + a.refused) r
                where a.feed = name and upper(r) > cut)
       or exists (select from exchange.lost_entry l where l.feed = name and l.index >= cut) then
        raise object_in_use using message = 'somebody has verified what would be set aside';
    end if;
    insert into exchange.second_history (feed, first, size, root, note)
    select name, cut, c.size, c.root, c.note from exchange.feed_checkpoint c
     where c.feed = name order by c.size desc limit 1;
    insert into exchange.set_aside (
           feed, index, line, salt, body, record, rev, subject, change, item, party, packed, weight)
    select feed, index, line, salt, body, record, rev, subject, change, item, party, packed, weight
      from exchange.feed_entry e where e.feed = name and e.index >= cut order by e.index;
    delete from exchange.feed_entry e where e.feed = name and e.index >= cut;
    delete from exchange.feed_checkpoint c where c.feed = name and c.size > cut;
    delete from exchange.feed_tile t
     where t.feed = name and (t.number + 1) * cast(256 ^ (t.tier + 1) as bigint) > cut;
    update exchange.feed_head h
       set size = cut, stack = beginning,
           bytes = coalesce((select c.bytes from exchange.feed_checkpoint c where c.feed = name and c.size = cut), 0)
     where h.feed = name;
    update exchange.forgetting f set until = least(f.until, cut) where f.feed = name;
    if name = 'up' then
        update exchange.narrowed_item n set until = least(n.until, cut);
    end if;
end
$$
"""


def upgrade() -> None:
    """Make the tables and the function; what was signed and set aside is kept for good."""
    script(TABLES)
    script(FUNCTION)
    read_write("exchange.set_aside")
    append_only("exchange.second_history")
    op.execute("revoke all on function exchange.set_aside_feed(text, bigint, bytea) from public")
    op.execute(f"grant execute on function exchange.set_aside_feed(text, bigint, bytea) to {service_role()}")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
