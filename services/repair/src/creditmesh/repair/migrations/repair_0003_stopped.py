"""The time for an appeal stops while the node refuses the appeal, because another case is open."""

from creditmesh.chassis.database.migrations import script

revision = "repair_0003"
down_revision = "repair_0002"
branch_labels = None
depends_on = None

# Who cannot appeal keeps at the least the working days that are left: all days are counted, from the last legal day on
# which anything was done.
STOPPED = """
alter table repair.case add column days_left integer;
update repair.case c set due = null, calendar = 'stopped', days_left = c.due - today.day
  from (select max(legal_date) as day from repair.step) today
 where c.state = 'refused' and not c.final and c.due >= today.day
   and exists (
        select from repair.case o
         where o.part = c.part and o.record = c.record and o.kind = c.kind
           and (o.state in ('filed', 'accepted', 'appealed') and (c.kind = 'objection' or o.subject = c.subject)
                or o.state = 'returned' and o.subject = c.subject));
"""


def upgrade() -> None:
    """Add the column, and stop the clocks of those who cannot appeal now."""
    script(STOPPED)
