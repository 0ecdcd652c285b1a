"""What a peer sent and was refused is kept no more: of entries that were refused before, the bodies go too.

They are found by what this node signed about them, in the shape of today and in that of before.
"""

from alembic import op
from sqlalchemy import text

from creditmesh.chassis.database.migrations import service_role
from creditmesh.exchange.entries import without_body

revision = "exchange_0005"
down_revision = "exchange_0004"
branch_labels = None
depends_on = None

_REFUSED = text("""
    with made as (
        select m.peer, m.feed, coalesce((m.data::json ->> 'signed')::json, m.data::json) -> 'refused' as refused
          from exchange.acknowledgement_made m
    )
    select r.part, r.id from made m cross join lateral json_array_elements(m.refused) as e(entry)
      join exchange.received r on r.peer = m.peer and r.feed = m.feed and r.index = (e.entry ->> 'index')::bigint
     order by r.part, r.id
""")
_TEXT = text("select data from exchange.received where part = :part and id = :id")
_FORGET = text("update exchange.received set data = :data where part = :part and id = :id")


def upgrade() -> None:
    """Let the service forget a text, and forget those there are."""
    op.execute(f"grant update (data) on exchange.received to {service_role()}")
    bind = op.get_bind()
    for part, row in bind.execute(_REFUSED).all():
        place = {"part": part, "id": row}
        data = bind.execute(_TEXT, place).scalar_one()
        bind.execute(_FORGET, place | {"data": without_body(bytes(data))})


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
