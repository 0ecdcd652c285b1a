"""Where a revision stands in a child's feed is a row of its own, once however often it was sent, and no array."""

from creditmesh.chassis.database.migrations import append_only, script

revision = "exchange_0012"
down_revision = "exchange_0011"
branch_labels = None
depends_on = None

SENT = """
-- Where in which peer's `up` a revision stands first: its answers go there.
create table exchange.sent_revision (
    record uuid not null,
    rev integer not null,
    peer text not null,
    index bigint not null,
    primary key (record, rev, peer)
);
insert into exchange.sent_revision (record, rev, peer, index)
select e.record, e.rev, p.peer, min(p.first + e.place - 1)
  from exchange.received_page p
 cross join lateral unnest(p.records, p.revs) with ordinality as e(record, rev, place)
 where p.feed = 'up' and e.record is not null and e.rev is not null
 group by e.record, e.rev, p.peer;
alter table exchange.received_page drop column records, drop column revs;
"""


def upgrade() -> None:
    """Make the table of what was received, and take the arrays away with their index."""
    script(SENT)
    append_only("exchange.sent_revision")


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
