"""Records of this node alone are kept: a case about a copy is filed with its origin."""

from creditmesh.chassis.database.migrations import script

revision = "repair_0004"
down_revision = "repair_0003"
branch_labels = None
depends_on = None

OWN = """
delete from repair.record r using bus.node n where r.origin <> n.code;
alter table repair.record drop column origin;
"""


def upgrade() -> None:
    """Forget the copies."""
    script(OWN)
