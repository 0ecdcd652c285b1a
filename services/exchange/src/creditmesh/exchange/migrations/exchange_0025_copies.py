"""Copies that were lost are looked through until their senders were answered for them, however long that takes."""

from creditmesh.chassis.database.migrations import script

revision = "exchange_0025"
down_revision = "exchange_0024"
branch_labels = None
depends_on = None

COPIES = """
create index on exchange.lost_entry (feed, index) where why = 'copy';
alter table exchange.lost_entry drop column at;
"""


def upgrade() -> None:
    """Make the index; nobody asks when they were lost."""
    script(COPIES)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
