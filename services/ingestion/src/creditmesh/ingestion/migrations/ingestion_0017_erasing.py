"""Records that are erased, whom records name beside their subjects, and the entry that stays of each erasure.

Whom they name is learnt from the records that the query service keeps in the same database, where there are any: no
statement looks into the bodies here.
"""

from alembic import op

from creditmesh.chassis.database.migrations import append_only, read_write, script

revision = "ingestion_0017"
down_revision = "ingestion_0016"
branch_labels = None
depends_on = None

TABLES = """
create table ingestion.named (
    subject uuid not null,
    record uuid not null,
    primary key (subject, record)
);

-- Where records are that were erased, until they are deleted.
create table ingestion.erasing (
    part integer not null,
    subject uuid not null,
    natural_key bytea not null,
    record uuid not null,
    tried_at timestamptz not null default clock_timestamp(),
    primary key (record, part, subject, natural_key)
);
create index on ingestion.erasing (tried_at);

-- Whose records were erased, and which, until their key is destroyed; nothing is done about them before `look_at`.
create table ingestion.closing (
    subject uuid primary key,
    part integer not null,
    records uuid[] not null,
    look_at timestamptz not null
);
create index on ingestion.closing (look_at);
create index on ingestion.review (subject) where sealed <> '[]';

-- What stays: who erased how much, when and why, and nothing that says of whom.
create table ingestion.erasure (
    id uuid primary key,
    at timestamptz not null,
    legal_date date not null,
    officer text not null,
    ground text not null,
    basis text not null,
    records integer not null,
    held_rows integer not null
);
create table ingestion.erased_record (
    erasure uuid not null references ingestion.erasure,
    record uuid not null,
    rev integer not null,
    item text not null,
    party text not null,
    primary key (erasure, record)
);

-- How holders stand to the end of records that were erased, as exchange says it, without the subject.
create table ingestion.erasure_answer (
    record uuid not null,
    rev integer not null,
    holder text not null,
    kind text not null,
    settled boolean not null,
    said text not null,
    primary key (record, rev, holder)
);
"""
READ_MODEL = "select to_regclass('query.named') is not null"
NAMED = """
insert into ingestion.named (subject, record)
select distinct n.subject, n.record from query.named n
  join ingestion.revision r on r.part = n.home and r.id = n.record
    on conflict do nothing;
"""


def upgrade() -> None:
    """Make the tables, and a row for each whom a known record names."""
    script(TABLES)
    for table in ("named", "erasing", "closing", "erasure_answer"):
        read_write(f"ingestion.{table}")
    for table in ("erasure", "erased_record"):
        append_only(f"ingestion.{table}")
    if op.get_bind().exec_driver_sql(READ_MODEL).scalar():
        script(NAMED)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
