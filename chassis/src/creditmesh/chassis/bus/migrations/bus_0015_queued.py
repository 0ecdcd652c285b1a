"""When an event was queued is the instant of the statement: the server then writes many rows of one COPY at once.

A default that differs from row to row makes it write each by itself, to the table and to the log.
"""

from creditmesh.chassis.database.migrations import script

revision = "bus_0015"
down_revision = "bus_0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the default; what is queued has its instant."""
    script("alter table bus.event_queue alter column at set default statement_timestamp()")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
