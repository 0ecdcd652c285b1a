"""A row of a node that only came early is told from one for an operator; whose record could not be judged is noted."""

from creditmesh.chassis.database.migrations import script

revision = "exchange_0020"
down_revision = "exchange_0019"
branch_labels = None
depends_on = None

COLUMNS = """
alter table exchange.chain add column early boolean not null default false;
alter table exchange.waiting add column origin text;
"""


def upgrade() -> None:
    """Make the columns."""
    script(COLUMNS)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
