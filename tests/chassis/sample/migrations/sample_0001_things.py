"""A partitioned append-only table, a table that may change, and idempotency keys."""

from creditmesh.chassis.database.migrations import (
    append_only,
    idempotency,
    partition_by_part,
    read_write,
    script,
)

revision = "sample_0001"
down_revision = None


def upgrade() -> None:
    script(
        """
        create table sample.fact (
            part integer not null, id uuid not null, value text, primary key (part, id)
        ) partition by list (part);
        create table sample.state (id integer primary key, value text);
        """
    )
    partition_by_part("sample.fact")
    append_only("sample.fact")
    read_write("sample.state")
    idempotency()
