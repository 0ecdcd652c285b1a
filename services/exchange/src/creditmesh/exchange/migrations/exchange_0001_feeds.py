"""Feeds of this node, verified copies of peers' feeds, acknowledgements both ways, and holders."""

from alembic import op

from creditmesh.chassis.bus.tables import positions
from creditmesh.chassis.database.migrations import append_only, script, service_role

revision = "exchange_0001"
down_revision = None
branch_labels = None
depends_on = None

FEEDS = """
-- Whoever holds this row appends: its lock orders appends, its commit makes them visible in order, without holes.
create table exchange.feed_head (
    feed text primary key,
    size bigint not null default 0,
    stack bytea not null default ''
) with (fillfactor = 50);

-- `line` is hashed into the tree and stays; salt and body may be erased. The last columns point back, for this node.
create table exchange.feed_entry (
    feed text not null,
    index bigint not null,
    line text not null,
    salt bytea,
    body text,
    record uuid,
    rev integer,
    subject uuid,
    change text,
    item text,
    party text,
    primary key (feed, index)
);
create index on exchange.feed_entry (record, rev) where record is not null;

-- The hashes of perfect subtrees, leaves too: any proof is O(log n) of them.
create table exchange.feed_node (
    feed text not null,
    level smallint not null,
    index bigint not null,
    hash bytea not null,
    primary key (feed, level, index)
);

create table exchange.feed_checkpoint (
    feed text not null,
    size bigint not null,
    root bytea not null,
    note text not null,
    primary key (feed, size)
);

-- `wrapped` is this node's own wrapping: either end opens the feed with its own private key alone.
create table exchange.feed_key (
    feed text not null,
    number integer not null,
    key text not null,
    month date not null,
    receivers text[] not null,
    wrapped jsonb not null,
    primary key (feed, number)
);
"""

COPIES = """
create table exchange.copy_head (
    peer text not null,
    feed text not null,
    size bigint not null default 0,
    stack bytea not null default '',
    note text,
    alarm text,
    alarmed_at timestamptz,
    primary key (peer, feed)
) with (fillfactor = 50);

-- The records of a peer's feed as they came: `data` is the event `record.received`, of which this table is the body.
create table exchange.received (
    part integer not null,
    id uuid not null,
    key text not null,
    at timestamptz not null,
    legal_date date not null,
    traceparent text,
    peer text not null,
    feed text not null,
    index bigint not null,
    record uuid not null,
    rev integer not null,
    data bytea not null,
    primary key (id, part),
    unique (peer, feed, index)
);
create index on exchange.received (record, rev);

create table exchange.copy_checkpoint (
    peer text not null,
    feed text not null,
    size bigint not null,
    root bytea not null,
    primary key (peer, feed, size)
);

-- What this node signed, until the peer has it. `beyond`: the heads of ingestion's stream as it was signed, part 0
-- first: it leaves when every reader has passed them.
create table exchange.acknowledgement_made (
    peer text not null,
    feed text not null,
    first bigint not null,
    until bigint not null,
    data text not null,
    beyond bigint[] not null,
    sent_at timestamptz,
    primary key (peer, feed, first)
);
create index on exchange.acknowledgement_made (peer, feed, first) where sent_at is null;
"""

HOLDERS = """
-- What pullers of this node's feeds signed.
create table exchange.acknowledgement (
    feed text not null,
    by text not null,
    first bigint not null,
    until bigint not null,
    data text not null,
    at timestamptz not null,
    primary key (feed, by, first)
);

-- Up to which of this node's own entries each higher node has answered, directly or through the one between.
create table exchange.reach (
    feed text not null,
    node text not null,
    until bigint not null,
    primary key (feed, node)
);

-- The revisions of which every holder's answer is kept.
create table exchange.told (
    record uuid not null,
    rev integer not null,
    subject uuid not null,
    change text not null,
    item text not null,
    party text not null,
    at timestamptz not null,
    primary key (record, rev)
);

-- Departments that applied a measure because of a record, and bureaus that read it.
create table exchange.applied (
    record uuid not null,
    task uuid not null,
    party text not null,
    lifted boolean not null default false,
    primary key (record, task)
);
create table exchange.reader (
    record uuid not null,
    party text not null,
    last_access timestamptz not null,
    use_until date,
    primary key (record, party)
);
"""


def upgrade() -> None:
    """Make the tables. Entries are append-only but for what may be erased; nodes, checkpoints and copies wholly."""
    positions()
    script(FEEDS + COPIES + HOLDERS)
    for name in ("feed_entry", "feed_node", "feed_checkpoint", "feed_key", "received", "copy_checkpoint"):
        append_only(f"exchange.{name}")
    for name in ("acknowledgement", "told", "acknowledgement_made"):
        append_only(f"exchange.{name}")
    for name in ("feed_head", "copy_head", "reach", "applied", "reader"):
        append_only(f"exchange.{name}")
        op.execute(f"grant update on exchange.{name} to {service_role()}")
    op.execute(f"grant update (salt, body) on exchange.feed_entry to {service_role()}")
    op.execute(f"grant update (sent_at) on exchange.acknowledgement_made to {service_role()}")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
