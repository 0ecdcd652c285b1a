"""What hides a record is found by an index of its own: erased is among it now."""

from creditmesh.chassis.database.migrations import script

revision = "exchange_0031"
down_revision = "exchange_0030"
branch_labels = None
depends_on = None

HIDING = """
drop index exchange.sent_revision_record_peer_rev_idx;
create index sent_revision_record_peer_rev_idx on exchange.sent_revision (record, peer, rev)
 where change in ('erased', 'repaired', 'withdrawn', 'withheld');
"""


def upgrade() -> None:
    """Make the index anew."""
    script(HIDING)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
