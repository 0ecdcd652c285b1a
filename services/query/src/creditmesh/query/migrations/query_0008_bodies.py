"""The read model keeps no bodies: what a record says is read where ingestion wrote it.

Rows are found in ingestion's revisions of the same database. A row whose revision is gone is of a record that was
deleted, and its event is on the way.
"""

from alembic import op

from creditmesh.chassis.database.migrations import script

revision = "query_0008"
down_revision = "query_0007"
branch_labels = None
depends_on = None

KNOWN = "select to_regclass('ingestion.revision') is not null"
KEPT = """
create table query.kept as
select r.part, r.record, r.rev, i.id as body, r.subject, r.item, r.kind, r.state, r.display_from, r.display_until
  from query.record r
  join ingestion.revision i on i.part = r.part and i.subject = r.subject and i.record = r.record and i.rev = r.rev;
"""
# Emptied and written anew: a column that is dropped leaves its bytes where they are.
WITHOUT = """
truncate query.record;
alter table query.record drop column data;
alter table query.record rename column revision to body;
"""
BACK = """
insert into query.record (part, record, rev, body, subject, item, kind, state, display_from, display_until)
select part, record, rev, body, subject, item, kind, state, display_from, display_until from query.kept;
drop table query.kept;
"""


def upgrade() -> None:
    """Write the read model anew without bodies."""
    known = op.get_bind().exec_driver_sql(KNOWN).scalar()
    if known:
        script(KEPT)
    script(WITHOUT)
    if known:
        script(BACK)
