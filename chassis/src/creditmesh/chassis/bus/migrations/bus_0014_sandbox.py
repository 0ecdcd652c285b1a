"""Whether a node is a sandbox is kept with what it is: no later start makes a sandbox of it, or a real node."""

from creditmesh.chassis.database.migrations import sandbox, script

revision = "bus_0014"
down_revision = "bus_0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; a node from before is what its operator says of it now."""
    said = "true" if sandbox() else "false"
    script(
        f"alter table bus.node add column sandbox boolean not null default {said};"
        "alter table bus.node alter column sandbox drop default"
    )


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
