"""What was published."""

from alembic import op

from creditmesh.chassis.database.migrations import append_only

revision = "catalogue_0001"
down_revision = None
branch_labels = None
depends_on = None

TABLE = """
create table catalogue.publication (
    kind text not null,
    code text not null,
    number integer not null check (number > 0),
    state text not null check (state in ('published', 'withdrawn')),
    effective date not null,
    issued_by text not null check (issued_by in ('city', 'province', 'nation')),
    basis text,
    digest bytea not null,
    body jsonb not null,
    at timestamptz not null,
    by text not null,
    primary key (kind, code, number)
)
"""


def upgrade() -> None:
    """Make the table; its rows are never changed or removed."""
    op.execute(TABLE)
    append_only("catalogue.publication")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
