"""What peers and cases bring: positions, where copies are, feeds' keys, and what higher tiers refused of ours."""

from alembic import op

from creditmesh.chassis.bus.tables import positions
from creditmesh.chassis.database.migrations import append_only, partition_by_part, script, service_role

revision = "ingestion_0002"
down_revision = "ingestion_0001"
branch_labels = None
depends_on = None

TABLES = """
-- Where the copy of another node's record is: its id alone says nothing of its part here. `part` is the id's own.
create table ingestion.copy (
    part integer not null,
    record uuid not null,
    home integer not null,
    subject uuid not null,
    natural_key bytea not null,
    primary key (record, part)
) partition by list (part);

-- `wrapped` is what the sender wrapped to this node, as JSON; null where it wrapped the key to others only.
create table ingestion.feed_key (
    peer text not null,
    feed text not null,
    key text not null,
    wrapped text,
    at timestamptz not null,
    primary key (peer, feed, key)
);

-- One revision of ours that a holder refused; there is one line for each, however often it is told.
create table ingestion.refusal (
    record uuid not null,
    rev integer not null,
    holder text not null,
    party text not null,
    item text not null,
    code text not null,
    at timestamptz not null,
    legal_date date not null,
    primary key (record, rev, holder)
);
create index on ingestion.refusal (legal_date, party, item);
create index on ingestion.submission (legal_date, party, item);
"""


def upgrade() -> None:
    """Make the tables: append-only, but for what is wrapped to this node later."""
    positions()
    script(TABLES)
    partition_by_part("ingestion.copy")
    append_only("ingestion.copy")
    append_only("ingestion.feed_key")
    op.execute(f"grant update (wrapped) on ingestion.feed_key to {service_role()}")
    append_only("ingestion.refusal")
