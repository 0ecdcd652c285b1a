"""Who stands where by which record, and the answers to tasks."""

from alembic import op

from creditmesh.chassis.bus.tables import positions
from creditmesh.chassis.database.migrations import (
    append_only,
    idempotency,
    partition_by_part,
    read_write,
    script,
    service_role,
)

revision = "matching_0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
-- Who stands where, by the newest revision of each record that lists somebody or is adverse: the listed in their part,
-- the responsible persons of a listed organisation in theirs. `kind` is always that of the listed; `since` is the first
-- legal day on which it stood here; `data` is the event.
create table matching.standing (
    part integer not null,
    record uuid not null,
    subject uuid not null,
    rev integer not null,
    role text not null check (role in ('listed', 'responsible')),
    handle text collate "C" not null,
    kind text not null,
    item text not null,
    list text,
    nature text not null,
    origin text not null,
    state text not null,
    mark text,
    decided_on date not null,
    display_from date not null,
    display_until date,
    since date not null,
    at timestamptz not null,
    data bytea not null,
    primary key (record, subject, part)
) partition by list (part);
create index on matching.standing (subject, part);
create index on matching.standing (list, record, handle) where list is not null and state = 'published';

-- What departments answered; nothing of it changes. `data` is the event of the revision that was answered, so that whom
-- the measure was applied to is known when it must be lifted, even if the record names another by then.
create sequence matching.feedback_entry;
create table matching.feedback (
    part integer not null,
    id uuid not null,
    entry bigint not null default nextval('matching.feedback_entry'),
    party text not null,
    task uuid not null,
    record uuid not null,
    subject uuid not null,
    handle text collate "C" not null,
    measure text collate "C" not null,
    list text not null,
    role text not null,
    rev integer not null,
    since date not null,
    outcome text not null,
    reason text,
    officer text not null,
    at timestamptz not null,
    data bytea not null,
    primary key (id, part)
) partition by list (part);
create index on matching.feedback (record, subject, measure, party, entry, part);
create index on matching.feedback (party, record, handle, measure, entry);
"""


def upgrade() -> None:
    """Make the tables; answers are append-only."""
    positions()
    script(TABLES)
    for table in ("standing", "feedback"):
        partition_by_part(f"matching.{table}")
    read_write("matching.standing")
    append_only("matching.feedback")
    op.execute(f"grant usage on sequence matching.feedback_entry to {service_role()}")
    idempotency()


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
