"""A party's names of a subject are found among its own, however many others have sent under that number."""

from creditmesh.chassis.database.migrations import script

revision = "ingestion_0011"
down_revision = "ingestion_0010"
branch_labels = None
depends_on = None

INDEX = """
drop index ingestion.revision_name;
create index revision_name on ingestion.revision (subject, party, name, part) where name is not null;
"""


def upgrade() -> None:
    """Make the index anew."""
    script(INDEX)
