"""What was refused knows its record: when that ends it is found by it, and the end by an index of ends alone."""

from creditmesh.chassis.database.migrations import script

revision = "exchange_0026"
down_revision = "exchange_0025"
branch_labels = None
depends_on = None

COLUMNS = """
-- Of what is to be seen to once more when its record ends; it is noted when it was seen to first.
alter table exchange.refused_entry add column record uuid, add column rev integer;
update exchange.refused_entry r set record = s.record, rev = s.rev
  from exchange.sent_revision s
 where s.peer = r.peer and r.feed = 'up' and s.index = r.index and r.seen_to
   and r.code not in ('peer_not_enrolled', 'origin_not_allowed')
   and (s.change in ('reopened', 'discharged') or s.change is null);
create index on exchange.refused_entry (peer, feed, record, rev) where seen_to and record is not null;

create index on exchange.sent_revision (record, peer, rev) where change in ('repaired', 'withdrawn', 'withheld');
create index on exchange.sent_revision (record, peer, index) where change is null;
"""


def upgrade() -> None:
    """Say of which record each is, and make the indices."""
    script(COLUMNS)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
