"""Revisions (record, history and event at once), submissions with their chunks, reviews of held rows."""

from creditmesh.chassis.database.migrations import (
    append_only,
    idempotency,
    partition_by_part,
    read_write,
    script,
)

revision = "ingestion_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    script(_REVISION)
    partition_by_part("ingestion.revision")
    append_only("ingestion.revision")
    script(_SUBMISSION)
    read_write("ingestion.submission")
    append_only("ingestion.submission_chunk")
    script(_REVIEW)
    read_write("ingestion.review")
    idempotency()


_REVISION = """
create table ingestion.revision (
    at timestamptz not null,
    legal_date date not null,
    part integer not null,
    rev integer not null,
    item_version integer not null,
    id uuid not null,
    record uuid not null,
    subject uuid not null,
    submission uuid,
    natural_key bytea not null,
    fingerprint bytea not null,
    mac_key text not null,
    mac_alg text not null,
    item text not null,
    party text not null,
    origin text not null,
    lane text not null,
    state text not null,
    mark text,
    traceparent text,
    key text not null generated always as (subject::text) virtual,
    data bytea not null,
    primary key (part, id),
    unique (part, subject, natural_key, rev)
) partition by list (part);
"""

_SUBMISSION = """
create table ingestion.submission (
    id uuid primary key,
    at timestamptz not null,
    legal_date date not null,
    party text not null,
    officer text,
    item text not null,
    item_version integer not null,
    lane text not null,
    total integer not null,
    receipt text
);
create table ingestion.submission_chunk (
    submission uuid not null references ingestion.submission (id),
    first_row integer not null,
    last_row integer not null,
    digest bytea not null,
    accepted integer not null,
    unchanged integer not null,
    corrected integer not null,
    held integer not null,
    refused integer not null,
    lines bytea not null,
    primary key (submission, first_row)
);
alter table ingestion.submission_chunk alter column lines set storage external;
"""

_REVIEW = """
create table ingestion.review (
    id uuid primary key,
    at timestamptz not null,
    legal_date date not null,
    party text not null,
    item text not null,
    item_version integer not null,
    lane text not null,
    submission uuid,
    row integer not null,
    record uuid,
    rev integer not null,
    why text,
    basis text,
    subject uuid not null,
    fingerprint bytea not null,
    mac_key text not null,
    mac_alg text not null,
    reasons text not null,
    sealed text not null,
    state text not null default 'held' check (state in ('held', 'released', 'refused')),
    officer text,
    note text,
    decided_at timestamptz,
    verdict text,
    unique (party, fingerprint)
);
create index on ingestion.review (party, id) where state = 'held';
"""
