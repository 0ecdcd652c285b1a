"""How far each object was heard before anybody noted it: what waits since then is told late, and has its place too.

Read from the pages that the exchange keeps in the same database, as far as this service has handled them.
"""

from uuid import UUID

from alembic import op
from pydantic import ValidationError

from creditmesh.schemas.events import PageReceived
from creditmesh.schemas.exchange import CatalogueBody
from creditmesh.schemas.identifiers import RANK

revision = "catalogue_0004"
down_revision = "catalogue_0003"
branch_labels = None
depends_on = None

KNOWN = "select to_regclass('exchange.received_page') is not null"
TIER = "select tier from bus.node"
WAITING = "select peer, index from exchange.waiting where feed = 'down'"
UNREAD = """
select o.event from bus.event_order o
  left join catalogue.reader_position p on p.stream = o.stream and p.part = o.part
 where o.stream = 'exchange' and o.type = 'page.received' and o.number > coalesce(p.number, 0)
union select event from bus.event_queue where stream = 'exchange' and type = 'page.received'
union select id from catalogue.dead_letter where stream = 'exchange'
"""
PAGES = """
select id, peer, first, data from exchange.received_page
 where feed = 'down' and (peer, first, id) > ($1, $2, $3)
 order by peer, first, id limit 100
"""
BEGINNING = ("", -1, UUID(int=0))
HEARD = """
insert into catalogue.heard (peer, feed, kind, code, index) values ($1, 'down', $2, $3, $4)
    on conflict (peer, feed, kind, code) do update set index = greatest(heard.index, excluded.index)
"""
Heard = dict[tuple[str, str, str], int]


def upgrade() -> None:
    """Note the highest index of each object that a higher tier published or withdrew."""
    connection = op.get_bind()
    if not connection.exec_driver_sql(KNOWN).scalar():
        return
    tier = connection.exec_driver_sql(TIER).scalar_one()
    waiting = {(row["peer"], row["index"]) for row in connection.exec_driver_sql(WAITING).mappings()}
    unread = set(connection.exec_driver_sql(UNREAD).scalars())
    found: Heard = {}
    after = BEGINNING
    while rows := connection.exec_driver_sql(PAGES, after).mappings().all():
        for row in (row for row in rows if row["id"] not in unread):
            _note(found, PageReceived.model_validate_json(row["data"]), tier, waiting)
        after = (rows[-1]["peer"], rows[-1]["first"], rows[-1]["id"])
    if found:
        connection.exec_driver_sql(HEARD, [(*key, index) for key, index in found.items()])


def _note(found: Heard, page: PageReceived, tier: str, waiting: set[tuple[str, int]]) -> None:
    for entry in page.received:
        if entry.type != "catalogue" or (entry.peer, entry.index) in waiting:
            continue
        try:
            said = CatalogueBody.model_validate_json(entry.body or "")
        except ValidationError:
            continue
        if said.kind != "party" and RANK[said.issued_by] > RANK[tier]:
            key = (entry.peer, said.kind, said.code)
            found[key] = max(entry.index, found.get(key, 0))


def downgrade() -> None:
    """Migrations go forward only."""
    raise NotImplementedError
