"""What is withheld only because something waits is told apart from what is withheld.

Of peers' feeds it is read off the pages when it is asked for.
"""

from creditmesh.chassis.database.migrations import script

revision = "exchange_0022"
down_revision = "exchange_0021"
branch_labels = None
depends_on = None

WAITS = """
update exchange.sent_revision set change = null where change = 'withheld';
update exchange.feed_entry set change = 'waits'
 where change = 'withheld' and body like '%"reason":"newer_version","basis":%';
"""


def upgrade() -> None:
    """Tell them apart."""
    script(WAITS)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
