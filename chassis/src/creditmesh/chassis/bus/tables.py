"""What a reader's migrations call: the tables of its positions and of its dead letters, in its own schema."""

from alembic import op

from creditmesh.chassis.bus.dead import dead_letter_table
from creditmesh.chassis.bus.position import position_table
from creditmesh.chassis.database.migrations import OPTION, Run, read_write


def positions() -> None:
    """Make `reader_position` and `dead_letter` for the service whose migration runs, and grant them to its role."""
    run: Run = op.get_context().opts[OPTION]
    for table in (position_table(run.schema), dead_letter_table(run.schema)):
        table.create(op.get_bind())
        read_write(f"{run.schema}.{table.name}")
