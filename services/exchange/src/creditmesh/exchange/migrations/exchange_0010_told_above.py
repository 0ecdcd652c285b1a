"""Of marks and ends that were sent up it is told, once each, to whom: a certificate is complete by that alone.

Whoever the feed's keys were ever wrapped to may have read them; what was never in the feed was told of before.
"""

import json
from datetime import UTC, datetime

from alembic import op
from sqlalchemy import text

from creditmesh.chassis.bus.event import part_of
from creditmesh.chassis.database.migrations import parts
from creditmesh.chassis.ids import new_id
from creditmesh.schemas.rules.calendar import shanghai_day

revision = "exchange_0010"
down_revision = "exchange_0009"
branch_labels = None
depends_on = None

SHARED = """
select t.* from exchange.told t
 where exists (select from exchange.feed_entry e where e.feed = 'up' and e.record = t.record)
"""
ABOVE = """
select distinct split_part(r, '/', 1) from exchange.feed_key k cross join lateral unnest(k.receivers) r
 where k.feed = 'up' and split_part(r, '/', 1) <> :node order by 1
"""
EVENT = """
insert into bus.event (stream, part, id, type, version, key, at, legal_date, data)
values ('exchange', :part, :id, 'holder.changed', 2, :key, now(), :legal_date, convert_to(:data, 'UTF8'))
"""
QUEUE = "insert into bus.event_queue (stream, part, type, event) values ('exchange', :part, 'holder.changed', :id)"


def upgrade() -> None:
    """Tell it of each."""
    connection = op.get_bind()
    node = connection.execute(text("select code from bus.node")).scalar_one()
    above = connection.execute(text(ABOVE), {"node": node}).scalars().all()
    said = {"holder": node, "kind": "node", "outcome": "told", "above": list(above)}
    day = shanghai_day(datetime.now(UTC))
    for told in connection.execute(text(SHARED)).mappings().all():
        key = str(told["subject"])
        place = {"part": part_of(key, parts()), "id": new_id()}
        data = json.dumps({**said, **told}, default=str)
        connection.execute(text(EVENT), {**place, "key": key, "legal_date": day, "data": data})
        connection.execute(text(QUEUE), place)


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
