"""Who is above is told: whoever asks who has looked is told where there are logs, not only of the next one above."""

from creditmesh.chassis.database.migrations import read_write, script

revision = "exchange_0036"
down_revision = "exchange_0035"
branch_labels = None
depends_on = None

# What is known already is told by who takes what waited for it, as if more had become known.
TABLE = """
create table exchange.chain_told (
    peer text primary key,
    above text[] not null
);
insert into exchange.grown (peer) select distinct peer from exchange.chain where data is not null
    on conflict do nothing;
"""


def upgrade() -> None:
    """Make the table, and let every chain that is known be told."""
    script(TABLE)
    read_write("exchange.chain_told")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
