"""A node answers nobody about its own records: what was told so is no line of it, and hid whom it told."""

from creditmesh.chassis.database.migrations import script

revision = "repair_0006"
down_revision = "repair_0005"
branch_labels = None
depends_on = None

ANSWERED = """
delete from repair.propagation p using bus.node n
 where p.holder = n.code and p.kind = 'node'
   and convert_from(p.data, 'UTF8')::json ->> 'outcome' in ('acknowledged', 'refused');
"""


def upgrade() -> None:
    """Forget these."""
    script(ANSWERED)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
