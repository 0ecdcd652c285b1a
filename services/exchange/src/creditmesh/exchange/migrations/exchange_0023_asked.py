"""What a feed is to forget stands in rows, and each place of a revision in a peer's feed in one of its own.

The feed is looked through once more: what was passed over while it was being made again is forgotten now.
"""

from creditmesh.chassis.database.migrations import read_write, script

revision = "exchange_0023"
down_revision = "exchange_0022"
branch_labels = None
depends_on = None

TABLES = """
-- A record that is to be looked at again, or which was deleted: then all of it goes, in copies of peers' feeds behind
-- that place. No key but the number: nobody who adds a row waits for anybody.
create table exchange.to_forget (
    number bigint generated always as identity primary key,
    record uuid not null,
    deleted boolean not null default false,
    rev integer not null default -1,
    peer text not null default '',
    index bigint not null default -1
);
-- Items that are shared no more, and before which place nothing is left of what `up` says of them.
create table exchange.narrowed_item (
    item text primary key,
    until bigint not null
);
create index on exchange.feed_entry (item, index) where body is not null and item is not null;

alter table exchange.forgetting drop column scanned, drop column items;
update exchange.forgetting set until = 0;

-- A number may stand twice in a feed: withheld, and later with content.
alter table exchange.sent_revision drop constraint sent_revision_pkey, add primary key (record, rev, peer, index);

-- Whether an entry that could not be judged waits is seen to later.
alter table exchange.refused_entry add column seen_to boolean not null default true;
create index on exchange.refused_entry (peer, feed, index) where not seen_to;
"""


def upgrade() -> None:
    """Make the tables and the key."""
    script(TABLES)
    read_write("exchange.to_forget")
    read_write("exchange.narrowed_item")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
