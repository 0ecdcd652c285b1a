"""A node below the journey's, enrolled by its row: a caller whose keys the test holds."""

from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path

from creditmesh.chassis.vault.keys import Keys
from creditmesh.schemas.acknowledgements import Acknowledgement
from creditmesh.schemas.exchange import feed_origin
from creditmesh.schemas.signed import SignedText, sign
from tests.exchange.conftest import neighbour, row_of
from tests.support.cast import Cast
from tests.support.eventually import eventually

CODE, FEED = "district", "down"


async def with_a_node_below(cast: Cast, folder: Path) -> Cast:
    """The cast with a node below, its key, and what it signed about the catalogue it was told."""
    district = neighbour(CODE, folder)
    row = row_of(CODE, district.keys, place="below", order=790, sends_for=[CODE])
    answer = await cast.node.operator().post("/v1/admin/peers", json=row)
    assert answer.status_code == 200, answer.text
    await cast.node.settled()
    await cast.key("below", "node", CODE)
    cast.ids["keys of below"] = str(folder)
    cast.ids["acknowledgement"] = (await _acknowledged(cast, district.keys)).model_dump_json()
    return cast


async def _published(cast: Cast) -> bool:
    """Whether the node's row for those below stands in its feed."""
    async with cast.node.database.session() as session:
        return bool(await session.fetchval("select count(*) from exchange.chain"))


async def _acknowledged(cast: Cast, keys: Keys) -> SignedText:
    await eventually(lambda: _published(cast))  # the node asks first what the one below holds
    note = await cast.door("below").get(f"/v1/exchange/feeds/{FEED}/checkpoint")
    assert note.status_code == 200, note.text
    origin, size, root = note.text.splitlines()[:3]
    assert origin == feed_origin("city", FEED)
    acknowledgement = Acknowledgement(
        feed=origin,
        by=CODE,
        first=0,
        until=int(size),
        size=int(size),
        root=b64decode(root).hex(),
        at=datetime.now(UTC),
        key=keys.key_id("node"),
        alg=keys.algorithm("node"),
    )
    return sign(acknowledgement, by=keys.sign)
