"""Its effects are in memory."""

from creditmesh.chassis.bus.tables import positions

revision = "second_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    positions()
