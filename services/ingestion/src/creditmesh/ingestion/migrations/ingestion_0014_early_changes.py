"""What peers said of records that are not held here is remembered: their ends, and whom they concern no more."""

from creditmesh.chassis.database.migrations import append_only, partition_by_part, script

revision = "ingestion_0014"
down_revision = "ingestion_0013"
branch_labels = None
depends_on = None

EARLY = """
-- `part` is that of the record's id, as in ingestion.copy; `role` is that of who was discharged.
create table ingestion.early_change (
    part integer not null,
    record uuid not null,
    rev integer not null,
    origin text not null,
    change text not null,
    role text,
    primary key (record, origin, rev, change, part)
) partition by list (part);
"""


def upgrade() -> None:
    """Make the table."""
    script(EARLY)
    partition_by_part("ingestion.early_change")
    append_only("ingestion.early_change")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
