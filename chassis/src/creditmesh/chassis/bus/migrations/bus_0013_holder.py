"""What a node lacks of its own feed is noted with whoever holds it: only where that one is taken out it is less."""

from creditmesh.chassis.database.migrations import script

revision = "bus_0013"
down_revision = "bus_0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; a row of before has none, and is asked about anew."""
    script("alter table bus.catching_up add column holder text")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
