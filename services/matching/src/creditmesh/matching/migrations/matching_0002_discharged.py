"""Responsible persons whom a record concerns no more, by cases of their own."""

from creditmesh.chassis.database.migrations import append_only, partition_by_part, script

revision = "matching_0002"
down_revision = "matching_0001"
branch_labels = None
depends_on = None

TABLE = """
-- In the part of the person, like their place by the record.
create table matching.discharged (
    part integer not null,
    record uuid not null,
    subject uuid not null,
    primary key (record, subject, part)
) partition by list (part);
"""


def upgrade() -> None:
    """Make the table; a discharge stays."""
    script(TABLE)
    partition_by_part("matching.discharged")
    append_only("matching.discharged")
