"""How long what only grows is kept is one for the node, as `migrate` was told: not each process's own."""

from creditmesh.chassis.database.migrations import script

revision = "bus_0008"
down_revision = "bus_0007"
branch_labels = None
depends_on = None

TERMS = "create table bus.kept_term (name text primary key, term interval not null)"


def upgrade() -> None:
    """Make the table; `chassis.installation` fills it, `chassis.bus.declare` grants it."""
    script(TERMS)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
