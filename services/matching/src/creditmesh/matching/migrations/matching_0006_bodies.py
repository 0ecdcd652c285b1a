"""Places keep no bodies: what a record says is read where ingestion wrote it.

Rows are found in ingestion's revisions of the same database. A row whose revision is gone is of a record that was
deleted, and its event is on the way.
"""

from alembic import op

from creditmesh.chassis.database.migrations import script

revision = "matching_0006"
down_revision = "matching_0005"
branch_labels = None
depends_on = None

KNOWN = "select to_regclass('ingestion.revision') is not null"
# Everybody's place by a record comes from one revision, which is in the part of the listed.
KEPT = """
create table matching.kept as
select s.part, s.record, s.subject, s.rev, s.role, s.handle, s.kind, s.item, s.list, s.nature, s.origin, s.state,
       s.mark, s.decided_on, s.display_from, s.display_until, s.since, s.at, i.part as home, i.id as body,
       case when s.role = 'listed' then array(
            select o.subject from matching.standing o
             where o.record = s.record and o.role = 'responsible' order by o.subject) else '{}' end as responsible
  from matching.standing s
  join matching.standing l on l.record = s.record and l.role = 'listed'
  join ingestion.revision i on i.part = l.part and i.subject = l.subject and i.record = l.record and i.rev = s.rev;
"""
# Emptied and written anew: a column that is dropped leaves its bytes where they are.
WITHOUT = """
truncate matching.standing;
alter table matching.standing drop column data;
alter table matching.standing add column home integer not null,
                              add column body uuid not null,
                              add column responsible uuid[] not null;
"""
BACK = """
insert into matching.standing select * from matching.kept;
drop table matching.kept;
"""


def upgrade() -> None:
    """Write the places anew without bodies."""
    known = op.get_bind().exec_driver_sql(KNOWN).scalar()
    if known:
        script(KEPT)
    script(WITHOUT)
    if known:
        script(BACK)
