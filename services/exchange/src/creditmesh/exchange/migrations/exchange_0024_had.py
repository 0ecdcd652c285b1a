"""For how many entries of a peer's feed this node had answered where it has lost that: every process tells of it."""

from creditmesh.chassis.database.migrations import script

revision = "exchange_0024"
down_revision = "exchange_0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the column."""
    script("alter table exchange.copy_head add column had_answered bigint")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
