"""Whose records an acknowledgement is about, where it is about an end: it waits while one of them is parked."""

from creditmesh.chassis.database.migrations import script

revision = "exchange_0002"
down_revision = "exchange_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What stands there has none."""
    script("alter table exchange.acknowledgement_made add column ends text[] not null default '{}'")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
