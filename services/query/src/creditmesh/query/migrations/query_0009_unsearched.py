"""Public forms that were made by an older rule for persons' numbers are found without the others.

A rule of another version (`personal_numbers.VERSION`) comes with another index.
"""

from creditmesh.chassis.database.migrations import script

revision = "query_0009"
down_revision = "query_0008"
branch_labels = None
depends_on = None

UNSEARCHED = """
create index if not exists public_record_unsearched on query.public_record (record, part) where searched < 1
"""


def upgrade() -> None:
    """Make the index."""
    script(UNSEARCHED)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
