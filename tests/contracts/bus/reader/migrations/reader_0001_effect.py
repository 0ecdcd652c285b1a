"""Effects, with nothing that would hide a doubled one."""

from creditmesh.chassis.bus.tables import positions
from creditmesh.chassis.database.migrations import append_only, script

revision = "reader_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    positions()
    script("""
        create table reader.effect (
            place bigint generated always as identity (cache 1) primary key, stream text not null,
            part integer not null, number bigint not null, event uuid not null, type text not null, key text not null
        )
    """)
    append_only("reader.effect")
