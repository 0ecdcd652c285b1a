"""An acknowledgement knows how far the readers of its node must have come before it may leave."""

from creditmesh.chassis.database.migrations import script

revision = "exchange_0002"
down_revision = "exchange_0001"
branch_labels = None
depends_on = None

# The head of every part of ingestion's stream as it was signed, part 0 first.
BEYOND = "alter table exchange.acknowledgement_made add column beyond bigint[] not null default '{}'"


def upgrade() -> None:
    """Add the column; what was signed before waits for nothing."""
    script(BEYOND)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
