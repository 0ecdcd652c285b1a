"""The tree of a feed is kept in tiles, 256 hashes a row, and a signed head has how many bytes lie before it.

The tiles are made of the nodes that stood there, in one statement; the table of nodes goes. Of copies of peers' feeds
the signed text of every head is kept: their origin may ask for it; and how far the feed goes that a copy has to catch
up with before it is told, and from where on its pages are held back until then.
"""

from creditmesh.chassis.database.migrations import append_only, read_write, script

revision = "exchange_0008"
down_revision = "exchange_0007"
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
alter table exchange.copy_checkpoint add column note text;
update exchange.copy_checkpoint c set note = h.note
  from exchange.copy_head h where h.peer = c.peer and h.feed = c.feed and h.size = c.size;
"""
# A copy that has begun has told what it has: it holds nothing back.
BEHIND = """
alter table exchange.copy_head add column announced bigint, add column held_from bigint;
update exchange.copy_head set announced = size where size > 0;

-- Content of records, and what comes in its place, in the pages that a copy holds back until it has stood at the head
-- that was announced.
create table exchange.held_entry (
    peer text not null,
    feed text not null,
    index bigint not null,
    record uuid not null,
    content boolean not null,
    primary key (peer, feed, index)
);
create index on exchange.held_entry (record);
"""


def upgrade() -> None:
    """Make the tiles, count the bytes, make room for what copies keep, and for what they hold back."""
    script(TILES)
    script(BYTES)
    script(COPIES)
    script(BEHIND)
    append_only("exchange.feed_tile")
    read_write("exchange.held_entry")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
