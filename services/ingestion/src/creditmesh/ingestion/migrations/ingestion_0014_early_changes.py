"""What peers said of records that are not held here is remembered, and the numbers that revisions have at their origin.

Of what was said: their ends, and whom they concern no more.
"""

from creditmesh.chassis.database.migrations import partition_by_part, read_write, script

revision = "ingestion_0014"
down_revision = "ingestion_0013"
branch_labels = None
depends_on = None

EARLY = """
-- `part` is that of the record's id; `role` is that of who was discharged, empty: it ended or was withheld. Of several
-- such changes there is the first and the last.
create table ingestion.early_change (
    part integer not null,
    record uuid not null,
    origin text not null,
    role text not null,
    first_rev integer not null,
    last_rev integer not null,
    primary key (record, origin, role, part)
) partition by list (part);
"""
# Where it is another than `rev`; none of what says that a copy is withheld, which is no revision of the origin's.
TOLD = """
alter table ingestion.revision add column told_rev integer;
create index revision_told on ingestion.revision (part, subject, natural_key, told_rev, rev)
 where told_rev is not null;
"""


def upgrade() -> None:
    """Make the table and the column."""
    script(EARLY)
    partition_by_part("ingestion.early_change")
    read_write("ingestion.early_change")
    script(TOLD)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
