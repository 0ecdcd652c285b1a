"""Of what peers relay of nodes that are not known yet it is kept from where on it waits, and not the answers again.

They stand in the pages that came, and are read from these when the node's row has come.
"""

from creditmesh.chassis.database.migrations import script

revision = "exchange_0009"
down_revision = "exchange_0008"
branch_labels = None
depends_on = None

FIRST = """
-- From which index on a peer's answers of a node wait for that node's row.
delete from exchange.relayed
 where (peer, index) not in (select peer, min(index) from exchange.relayed group by peer, node);
alter table exchange.relayed drop column body, drop constraint relayed_pkey;
alter table exchange.relayed rename column index to first;
alter table exchange.relayed add primary key (peer, node);
"""


def upgrade() -> None:
    """Keep the first of each."""
    script(FIRST)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
