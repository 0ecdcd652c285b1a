"""Whom records and held rows name is forgotten by record and by held row; those that wait now are looked through.

An erased record that somebody has still to read is tried less and less often.
"""

from creditmesh.chassis.database.migrations import script

revision = "ingestion_0019"
down_revision = "ingestion_0018"
branch_labels = None
depends_on = None

WAITS = """
alter table ingestion.erasing
    drop column tried_at,
    add column tries smallint not null default 0,
    add column try_at timestamptz not null default clock_timestamp();
create index on ingestion.erasing (try_at);
"""
BY_RECORD = "create index on ingestion.named (record);"
HELD = """
insert into ingestion.named (subject, record)
select distinct cast(each ->> 'about' as uuid), v.id
  from ingestion.review v cross join lateral jsonb_array_elements(cast(v.sealed as jsonb)) as each
 where v.state = 'held' and cast(each ->> 'about' as uuid) <> v.subject
    on conflict do nothing;
"""


def upgrade() -> None:
    """Add the columns and the indexes, and a row for each whom a held row names."""
    script(WAITS)
    script(BY_RECORD)
    script(HELD)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
