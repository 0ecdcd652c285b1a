"""The access log is the outbox of query's own accesses (decision 20).

Lines of this service's accesses that its reader had not written yet are taken over from their events, in the order in
which they were told. Whoever else reads them finds their bodies in the log from now on.
"""

from creditmesh.chassis.database.migrations import script

revision = "query_0003"
down_revision = "query_0002"
branch_labels = None
depends_on = None

COLUMNS = """
alter table query.access rename column access to id;
alter table query.access rename column subject to key;
alter table query.access add column legal_date date, add column traceparent text;
update query.access a set legal_date = e.legal_date, traceparent = e.traceparent
  from bus.event e where e.part = a.part and e.id = a.id;
update query.access set legal_date = (at at time zone 'Asia/Shanghai')::date where legal_date is null;
alter table query.access alter column legal_date set not null;
"""
LINES = """
insert into query.access (part, id, key, at, legal_date, traceparent, data)
select part, id, key::uuid, at, legal_date, traceparent, data
  from bus.event where stream = 'query' and type = 'access.recorded' order by at, id
    on conflict do nothing;
delete from query.dead_letter where stream = 'query';
"""


def upgrade() -> None:
    """Add the columns an outbox has, and the lines that are missing."""
    script(COLUMNS)
    script(LINES)
