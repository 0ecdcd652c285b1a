"""Ingestion reads what query and matching disclose of copies, from here on: before, nobody said it.

Of a stream that was pruned nobody can read the beginning: who is new to it would take that for a hole.
"""

from creditmesh.chassis.database.migrations import script

revision = "ingestion_0015"
down_revision = "ingestion_0014"
branch_labels = None
depends_on = None

FROM_HERE = """
insert into ingestion.reader_position (stream, part, number, last)
select stream, part, number, last from bus.event_head where stream in ('query', 'matching')
    on conflict do nothing
"""


def upgrade() -> None:
    """Begin at the heads."""
    script(FROM_HERE)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
