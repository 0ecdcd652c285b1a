"""What repair knows of records, the cases with their steps, effects and evidence, and who was told."""

from creditmesh.chassis.bus.tables import positions
from creditmesh.chassis.database.migrations import (
    append_only,
    idempotency,
    partition_by_part,
    read_write,
    script,
)

revision = "repair_0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
-- The newest revision of each record. `corrected` is the newest revision by which its own body corrected it.
create table repair.record (
    part integer not null,
    record uuid not null,
    rev integer not null,
    corrected integer not null,
    subject uuid not null,
    kind text not null,
    item text not null,
    item_version integer not null,
    severity text,
    state text not null,
    mark text,
    decided_on date not null,
    display_from date not null,
    display_until date,
    party text not null,
    origin text not null,
    change text not null,
    case_id uuid,
    primary key (record, part)
) partition by list (part);

-- A case as it stands; `steps` counts its steps, `returned` is the step that returned it (0: none), `sealed` is the
-- statement. `due` is the last day of whoever has it; null with the calendar `unknown` where the year is not known,
-- null with `known` where nobody has a deadline.
create table repair.case (
    part integer not null,
    id uuid not null,
    kind text not null,
    subject uuid not null,
    record uuid not null,
    rev integer not null,
    item text not null,
    party text not null,
    outcome_wanted text,
    filed_on date not null,
    sealed bytea not null,
    state text not null,
    steps integer not null,
    due date,
    calendar text not null,
    returned integer not null,
    missing text[] not null,
    appealed boolean not null,
    final boolean not null,
    primary key (id, part)
) partition by list (part);
create unique index on repair.case (record, kind, part) where state in ('filed', 'returned', 'accepted', 'appealed');
create index on repair.case (record, part);
create index on repair.case (subject, id, part);
create index on repair.case (party, id);
create index on repair.case (due) where state in ('filed', 'accepted', 'appealed');

-- The history: only added to. `sealed` is the reason in words.
create table repair.step (
    part integer not null,
    case_id uuid not null,
    number integer not null,
    action text not null,
    state text not null,
    at timestamptz not null,
    legal_date date not null,
    party text,
    officer text,
    basis text,
    missing text[] not null,
    remedy text,
    effect text,
    sealed bytea,
    primary key (case_id, number, part)
) partition by list (part);

-- What a step does to the record, and the revision that did it; null while it is under way.
create table repair.effect (
    part integer not null,
    case_id uuid not null,
    number integer not null,
    record uuid not null,
    effect text not null,
    rev integer,
    change text,
    primary key (case_id, number, part)
) partition by list (part);
create index on repair.effect (record, part) where rev is null;

-- Documents by the digest of their content, which is sealed under the subject's key; `step` is the one they came after.
create table repair.evidence (
    part integer not null,
    case_id uuid not null,
    digest bytea not null,
    kind text not null,
    media_type text not null,
    size integer not null,
    at timestamptz not null,
    step integer not null,
    key text not null,
    alg text not null,
    sealed bytea not null,
    primary key (case_id, digest, part)
) partition by list (part);
alter table repair.evidence alter column sealed set storage external;

-- How each holder stands to each revision that marks or ends a record: `data` is the newest HolderChanged.
create table repair.propagation (
    part integer not null,
    record uuid not null,
    rev integer not null,
    holder text not null,
    kind text not null,
    settled boolean not null,
    at timestamptz not null,
    data bytea not null,
    primary key (record, rev, holder, part)
) partition by list (part);
"""


def upgrade() -> None:
    """Make the tables: steps and evidence are only added to."""
    positions()
    script(TABLES)
    for table in ("record", "case", "step", "effect", "evidence", "propagation"):
        partition_by_part(f"repair.{table}")
    for table in ("record", "case", "effect", "propagation"):
        read_write(f"repair.{table}")
    append_only("repair.step")
    append_only("repair.evidence")
    idempotency()


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
