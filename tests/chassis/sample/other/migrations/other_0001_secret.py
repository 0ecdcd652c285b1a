"""One table that another service must not see."""

from creditmesh.chassis.database.migrations import read_write, script

revision = "other_0001"
down_revision = None


def upgrade() -> None:
    script("create table other.secret (id integer primary key)")
    read_write("other.secret")
