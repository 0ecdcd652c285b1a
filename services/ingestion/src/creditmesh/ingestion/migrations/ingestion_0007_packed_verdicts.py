"""Verdicts are packed where they are kept: with lz4 where the server has it, else with its own. What is there stays."""

from creditmesh.chassis.database.migrations import script

revision = "ingestion_0007"
down_revision = "ingestion_0006"
branch_labels = None
depends_on = None

PACKED = """
alter table ingestion.submission_chunk alter column lines set storage extended;
do $$
begin
    alter table ingestion.submission_chunk alter column lines set compression lz4;
exception when feature_not_supported then
    null;
end
$$;
"""


def upgrade() -> None:
    """Change how the column is stored."""
    script(PACKED)
