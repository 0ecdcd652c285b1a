"""Which repairs were obtained by false material is kept: their records are shown longer, and no other is taken yet."""

from creditmesh.chassis.database.migrations import script

revision = "repair_0005"
down_revision = "repair_0004"
branch_labels = None
depends_on = None

FALSE_MATERIAL = """
alter table repair.case add column false_material_on date;
alter table repair.record add column false_material boolean not null default false;
"""


def upgrade() -> None:
    """Add the columns."""
    script(FALSE_MATERIAL)
