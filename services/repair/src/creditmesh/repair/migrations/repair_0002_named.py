"""Whom records name: they may object and have a record repaired for themselves, beside its subject.

Whom the known records name, and what their severity is judged from, is read from the revisions that ingestion keeps in
the same database, where there are any: of these all clear fields, of a later revision those that the rules read.
"""

from alembic import op

from creditmesh.chassis.database.migrations import script

revision = "repair_0002"
down_revision = "repair_0001"
branch_labels = None
depends_on = None

COLUMNS = """
alter table repair.record add column named uuid[] not null default '{}',
                          add column discharged uuid[] not null default '{}',
                          add column fields jsonb not null default '{}';
"""
KNOWN = "select to_regclass('ingestion.revision') is not null"
ROWS = """
update repair.record r
   set named = array(select (each ->> 'subject')::uuid
                       from jsonb_array_elements(said.event -> 'related') each
                      where (each ->> 'subject')::uuid <> r.subject),
       fields = said.event -> 'fields'
  from ingestion.revision i
 cross join lateral (select convert_from(i.data, 'UTF8')::jsonb as event offset 0) said
 where i.part = r.part and i.subject = r.subject and i.record = r.record and i.rev = r.rev;
"""
CASES = """
drop index repair.case_record_kind_part_idx;
create unique index one_open_case
    on repair.case (record, kind, (case when kind = 'repair' or state = 'returned' then subject else record end), part)
 where state in ('filed', 'returned', 'accepted', 'appealed');
"""


def upgrade() -> None:
    """Add the columns; one objection to a record is decided at a time, one repair for each who may ask for it."""
    script(COLUMNS)
    if op.get_bind().exec_driver_sql(KNOWN).scalar():
        script(ROWS)
    script(CASES)
