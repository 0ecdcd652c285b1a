"""The part stands last in the indexes of revisions (decision 18). Builds them anew: minutes on a large table."""

from creditmesh.chassis.database.migrations import script

revision = "ingestion_0003"
down_revision = "ingestion_0002"
branch_labels = None
depends_on = None

INDEXES = """
alter table ingestion.revision
    drop constraint revision_pkey,
    drop constraint revision_part_subject_natural_key_rev_key,
    add primary key (id, part),
    add unique (subject, natural_key, rev, part);
"""


def upgrade() -> None:
    """Build the indexes anew."""
    script(INDEXES)
