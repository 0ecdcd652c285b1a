"""Keys of a feed are found by their names, its own ones without those that are passed on in it."""

from creditmesh.chassis.database.migrations import script

revision = "exchange_0032"
down_revision = "exchange_0031"
branch_labels = None
depends_on = None

INDICES = """
create index on exchange.feed_key (feed, key);
create index on exchange.feed_key (feed, number) where key not like '%/%';
"""


def upgrade() -> None:
    """Make the indices: of each node below there is a key a month."""
    script(INDICES)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
