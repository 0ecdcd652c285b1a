"""A node knows whether it had people when it was upgraded: only then has anything of before to be reckoned with."""

from alembic import op

from creditmesh.chassis.database.migrations import script

revision = "bus_0009"
down_revision = "bus_0008"
branch_labels = None
depends_on = None

COLUMN = "alter table bus.node add column upgraded boolean not null default false"
HAS_VAULT = "select to_regclass('vault.identity') is not null"
UPGRADED = "update bus.node set upgraded = exists (select from vault.identity)"


def upgrade() -> None:
    """Add the column; the row of a new node is written later and says that it is none."""
    script(COLUMN)
    if op.get_bind().exec_driver_sql(HAS_VAULT).scalar():
        script(UPGRADED)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
