"""The entry of an erasure says what stays: other nodes' records, what names the person, the key until it is gone."""

from creditmesh.chassis.database.migrations import script

revision = "ingestion_0020"
down_revision = "ingestion_0019"
branch_labels = None
depends_on = None

ENTRY = """
alter table ingestion.erasure
    add column elsewhere text not null default '{}',
    add column named_in integer;
"""
CLOSING = "alter table ingestion.closing add column erasures uuid[] not null default '{}';"


def upgrade() -> None:
    """Add the columns. Of the entries that are there nobody wrote down what stayed."""
    script(ENTRY)
    script(CLOSING)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
