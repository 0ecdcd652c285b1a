"""What is left of a record that was kept for its term is deleted, answers and discharges too."""

from creditmesh.chassis.database.migrations import script, service_role

revision = "matching_0003"
down_revision = "matching_0002"
branch_labels = None
depends_on = None

PURGE = """
create function matching.purge(parts integer[], records uuid[], subjects uuid[])
    returns void language sql volatile security definer set search_path = pg_catalog, pg_temp
begin atomic
    delete from matching.standing s using unnest(parts, records, subjects) as g(part, record, subject)
     where s.part = g.part and s.record = g.record and s.subject = g.subject;
    delete from matching.feedback f using unnest(parts, records, subjects) as g(part, record, subject)
     where f.part = g.part and f.record = g.record and f.subject = g.subject;
    delete from matching.discharged d using unnest(parts, records, subjects) as g(part, record, subject)
     where d.part = g.part and d.record = g.record and d.subject = g.subject;
end;

revoke all on function matching.purge from public;
"""


def upgrade() -> None:
    """Make the function, for matching's role alone."""
    script(PURGE)
    script(f"grant execute on function matching.purge to {service_role()}")
