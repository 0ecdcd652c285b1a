"""What a child is to be told while its feed may not be appended to waits in rows: its feed concerns nobody else."""

from creditmesh.chassis.database.migrations import read_write, script

revision = "exchange_0013"
down_revision = "exchange_0012"
branch_labels = None
depends_on = None

WAITING = """
-- `body` is that of the entry of `down-<child>` which is to be.
create table exchange.child_answer (
    child text not null,
    number bigint generated always as identity,
    body text not null,
    primary key (child, number)
);
"""


def upgrade() -> None:
    """Make the table."""
    script(WAITING)
    read_write("exchange.child_answer")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
