"""What waits for a child is of several types: it is told of accesses too."""

from creditmesh.chassis.database.migrations import read_write, script

revision = "exchange_0021"
down_revision = "exchange_0020"
branch_labels = None
depends_on = None

ENTRIES = """
alter table exchange.child_answer rename to child_entry;
alter table exchange.child_entry add column type text not null default 'acknowledged';
alter table exchange.child_entry alter column type drop default;
"""


def upgrade() -> None:
    """Say of what type each is."""
    script(ENTRIES)
    read_write("exchange.child_entry")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
