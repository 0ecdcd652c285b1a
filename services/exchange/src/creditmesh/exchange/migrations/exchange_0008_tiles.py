"""The tree of a feed is kept in tiles, 256 hashes a row, and a signed head has how many bytes lie before it.

The tiles are made of the nodes that stood there, in one statement; the table of nodes goes. Of copies of peers' feeds
every entry is kept, also those about no record, and the signed text of every head: their origin may ask for them.
"""

from creditmesh.chassis.database.migrations import append_only, script

revision = "exchange_0008"
down_revision = "exchange_0005"
branch_labels = None
depends_on = None

# `hashes` do not compress, and are read by pieces. The tiers: 0 of leaves, 1 of the roots of 256 such tiles, ...
TILES = """
create table exchange.feed_tile (
    feed text not null,
    tier smallint not null,
    number bigint not null,
    root bytea not null,
    hashes bytea not null,
    primary key (feed, tier, number)
);
alter table exchange.feed_tile alter column hashes set storage external;

insert into exchange.feed_tile (feed, tier, number, root, hashes)
select n.feed, n.level / 8 - 1, n.index, n.hash,
       (select string_agg(below.hash, '' order by below.index) from exchange.feed_node below
         where below.feed = n.feed and below.level = n.level - 8
           and below.index >= n.index * 256 and below.index < (n.index + 1) * 256)
  from exchange.feed_node n
 where n.level > 0 and n.level % 8 = 0;

drop table exchange.feed_node;
"""
BYTES = """
alter table exchange.feed_head add column bytes bigint not null default 0;
alter table exchange.feed_checkpoint add column bytes bigint not null default 0;

update exchange.feed_checkpoint c set bytes = e.bytes
  from (select feed, index + 1 as size, sum(octet_length(line) + coalesce(octet_length(body), 0))
               over (partition by feed order by index rows unbounded preceding) as bytes
          from exchange.feed_entry) e
 where e.feed = c.feed and e.size = c.size;
update exchange.feed_head h set bytes = c.bytes
  from exchange.feed_checkpoint c where c.feed = h.feed and c.size = h.size;
"""
COPIES = """
alter table exchange.received alter column record drop not null, alter column rev drop not null;
alter table exchange.copy_checkpoint add column note text;
update exchange.copy_checkpoint c set note = h.note
  from exchange.copy_head h where h.peer = c.peer and h.feed = c.feed and h.size = c.size;
"""


def upgrade() -> None:
    """Make the tiles, count the bytes, and make room for what copies keep."""
    script(TILES)
    script(BYTES)
    script(COPIES)
    append_only("exchange.feed_tile")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
