"""Of the key `credential` there is one, and the check of each credential is made with it: no row has to name it."""

from creditmesh.chassis.database.migrations import script

revision = "gateway_0002"
down_revision = "gateway_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop what nobody reads."""
    script("alter table gateway.credential drop column hash_key;")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
