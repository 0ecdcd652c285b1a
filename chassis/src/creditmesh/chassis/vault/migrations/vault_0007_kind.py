"""Telling of which kind a subject is."""

from creditmesh.chassis.database.migrations import script

revision = "vault_0007"
down_revision = "vault_0006"
branch_labels = None
depends_on = None

KIND = """
create function vault.tell_kind(given uuid)
    returns text language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select s.kind from vault.subject s where s.id = given;
end;
"""


def upgrade() -> None:
    """Make the function; who may call it is granted from the services' declarations."""
    script(KIND)
