"""A measure that was applied and never lifted outlives the purge of its record: somebody has to be told to lift it."""

from creditmesh.chassis.database.migrations import script

revision = "matching_0004"
down_revision = "matching_0003"
branch_labels = None
depends_on = None

PURGE = """
create or replace function matching.purge(parts integer[], records uuid[], subjects uuid[])
    returns void language sql volatile security definer set search_path = pg_catalog, pg_temp
begin atomic
    delete from matching.standing s using unnest(parts, records, subjects) as g(part, record, subject)
     where s.part = g.part and s.record = g.record and s.subject = g.subject;
    delete from matching.feedback f using unnest(parts, records, subjects) as g(part, record, subject)
     where f.part = g.part and f.record = g.record and f.subject = g.subject
       and 'applied' <> (
           select n.outcome from matching.feedback n
            where n.part = f.part and n.record = f.record and n.subject = f.subject and n.measure = f.measure
              and n.party = f.party
            order by n.entry desc limit 1);
    delete from matching.discharged d using unnest(parts, records, subjects) as g(part, record, subject)
     where d.part = g.part and d.record = g.record and d.subject = g.subject;
end;
"""


def upgrade() -> None:
    """Replace the function; who may call it stays."""
    script(PURGE)
