"""What proves how far a node has answered is kept; what a sender only says of that is not."""

from creditmesh.chassis.database.migrations import script, service_role

revision = "exchange_0027"
down_revision = "exchange_0026"
branch_labels = None
depends_on = None

# Of each node the first row of a feed has it: whoever adds answers holds that row.
COLUMNS = """
alter table exchange.answer add column until bigint not null default 0, add column signed text;
alter table exchange.copy_head drop column had_answered
"""


def upgrade() -> None:
    """Make the columns; this role alone says what the node has to catch up with."""
    script(COLUMNS)
    script(f"grant insert, update, delete on bus.catching_up to {service_role()}")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
