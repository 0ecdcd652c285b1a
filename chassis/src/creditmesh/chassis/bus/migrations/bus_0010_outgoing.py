"""The events that a statement writes are one array of rows, not one array a column: half the work for both sides."""

from creditmesh.chassis.database.migrations import script

revision = "bus_0010"
down_revision = "bus_0009"
branch_labels = None
depends_on = None

# The fields of `bus.queue.Outgoing`, in its order.
OUTGOING = """
create type bus.outgoing as (
    type text, version smallint, part integer, id uuid, key text, data bytea, own boolean
)
"""


def upgrade() -> None:
    """Make the type."""
    script(OUTGOING)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
