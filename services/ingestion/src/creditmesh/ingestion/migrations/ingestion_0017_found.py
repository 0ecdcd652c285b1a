"""A party finds its own records by document number, and lists them and its submissions by day, newest first.

`number` is a MAC, of the first revision of this node's own records; of those that are there already it is not known,
and they are found by whom they are about or by their day.
"""

from creditmesh.chassis.database.migrations import script

revision = "ingestion_0017"
down_revision = "ingestion_0016"
branch_labels = None
depends_on = None

FOUND = """
alter table ingestion.revision add column number bytea;
create index revision_own on ingestion.revision (party, legal_date, id, part) where id = record;
create index revision_numbered on ingestion.revision (party, number, legal_date, id, part) where number is not null;
create index submission_own on ingestion.submission (party, legal_date, id);
"""


def upgrade() -> None:
    """Add the column and the indexes."""
    script(FOUND)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
