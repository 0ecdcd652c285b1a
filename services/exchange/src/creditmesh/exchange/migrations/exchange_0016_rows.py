"""What a node says of itself is believed so often at most, and of what waits until it is named the newest alone."""

from creditmesh.chassis.database.migrations import script

revision = "exchange_0016"
down_revision = "exchange_0015"
branch_labels = None
depends_on = None

ROWS = """
-- Later by an hour with each row of the node that is believed.
alter table exchange.chain add column due timestamptz;
delete from exchange.unnamed u
 where type = 'catalogue'
   and exists (select from exchange.unnamed later
                where later.peer = u.peer and later.feed = u.feed and later.node = u.node and later.type = u.type
                  and later.index > u.index);
"""


def upgrade() -> None:
    """Count from now on, and forget what a later one replaces."""
    script(ROWS)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
