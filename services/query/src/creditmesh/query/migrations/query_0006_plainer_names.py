"""Names are searched without combining marks and with characters for their parts: those stored are folded anew."""

from creditmesh.query.migrations.query_0004_folded_names import downgrade, upgrade

__all__ = ["downgrade", "upgrade"]

revision = "query_0006"
down_revision = "query_0005"
branch_labels = None
depends_on = None
