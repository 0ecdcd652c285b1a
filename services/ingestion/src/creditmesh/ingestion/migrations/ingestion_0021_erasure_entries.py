"""The entry of an erasure says what stays: other nodes' records, and what names the person."""

from creditmesh.chassis.database.migrations import script

revision = "ingestion_0021"
down_revision = "ingestion_0020"
branch_labels = None
depends_on = None

ENTRY = """
alter table ingestion.erasure
    add column elsewhere text not null default '{}',
    add column named_in integer;
"""


def upgrade() -> None:
    """Add the columns. Of the entries that are there nobody wrote down what stayed."""
    script(ENTRY)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
