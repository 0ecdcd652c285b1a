"""What a refused row said is kept no longer; that it was refused, why and by whom stays."""

from creditmesh.chassis.database.migrations import script

revision = "ingestion_0006"
down_revision = "ingestion_0005"
branch_labels = None
depends_on = None

REFUSED = "update ingestion.review set sealed = '[]' where verdict = 'refused'"


def upgrade() -> None:
    """Blank what was refused before."""
    script(REFUSED)
