"""Every process may know which peers' records a node shows as they were: it was restored, and has to catch up."""

from creditmesh.chassis.database.migrations import script

revision = "bus_0012"
down_revision = "bus_0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, which is empty but after a restore; `had` is unknown until the peer was heard."""
    script("create table bus.catching_up (peer text primary key, had bigint)")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
