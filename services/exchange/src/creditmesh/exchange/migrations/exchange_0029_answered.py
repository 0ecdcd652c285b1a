"""Up to where a peer's feed was judged is found at once, however many entries one answer was about."""

from creditmesh.chassis.database.migrations import script

revision = "exchange_0029"
down_revision = "exchange_0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index: answers of before may be about more than one may be now."""
    script("create index on exchange.acknowledgement_made (peer, feed, until)")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
