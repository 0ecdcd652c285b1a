"""A node below the journey's, enrolled by its row: a caller whose keys the test holds."""

from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path

import httpx

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


async def _answered(door: httpx.AsyncClient, path: str) -> bool:
    return (await door.get(path)).status_code == httpx.codes.OK


async def _acknowledged(cast: Cast, keys: Keys) -> SignedText:
    door, path = cast.door("below"), f"/v1/exchange/feeds/{FEED}/checkpoint"
    await eventually(lambda: _answered(door, path))  # the node asks first what the one below holds
    note = await door.get(path)
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
