"""A public form says under which version of the rule it was searched for persons' numbers: no read does it again."""

from creditmesh.chassis.database.migrations import script

revision = "query_0007"
down_revision = "query_0006"
branch_labels = None
depends_on = None

SEARCHED = """
-- 0: before there was a version to say.
alter table query.public_record add column searched integer not null default 0;
"""


def upgrade() -> None:
    """Add the column; what is there is searched when it is read, as before."""
    script(SEARCHED)
