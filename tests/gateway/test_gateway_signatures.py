"""An enrolled node is let in by its signature, for what nodes may do; whatever is not the signed request is refused."""

import hashlib
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from creditmesh.chassis.http.signatures import LIFE, signed_headers
from creditmesh.chassis.vault.keys import Keys
from creditmesh.gateway import peers
from creditmesh.gateway.door import Door
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import CatalogueChanged
from tests.gateway.standing import Standing, Told, bearer, client
from tests.support.eventually import eventually

URL = "http://node.test"
PULL = "/v1/feeds/up?after=3&limit=10"


@dataclass
class Peer:
    """A node, its keys, and how this node's catalogue knows it."""

    keys: Keys
    directory: Directory
    clock: Any
    code: str = "province"

    def publish(self, **other: object) -> None:
        """Its row, as enrolled or otherwise."""
        public = self.keys.public("node")
        key = {"id": public.id, "use": "node", "alg": "ed25519", "public": b64encode(public.raw).decode()}
        row = {"code": self.code, "name": self.code, "name_zh": self.code, "kind": "node", "place": "above"}
        body = row | {"uscc": "119900000000000943", "keys": [key]} | other
        number = self.directory.number + 1
        told = CatalogueChanged(
            kind="party", code=self.code, number=number, state="published", effective=date(2020, 1, 1), body=body
        )
        self.directory.apply(Told(number, told.model_dump_json().encode()))

    def signs(
        self, method: str, path: str, body: bytes = b"", *, at: datetime | None = None, to: str = "city"
    ) -> dict[str, str]:
        """The headers of a request of its own."""
        at = at or self.clock.instant()
        return signed_headers(self.keys, node=self.code, to=to, method=method, url=URL + path, body=body, at=at)


@pytest.fixture
def peer(standing: Standing, tmp_path: Path) -> Peer:
    Keys.create(tmp_path, ["node"])
    made = Peer(Keys.load(tmp_path, {"node"}), Directory(), standing.clock)
    made.publish()
    return made


@pytest.fixture
async def door(standing: Standing, peer: Peer) -> AsyncIterator[Door]:
    def takes_part(code: str) -> bool:
        party = peer.directory.party(code)
        return party is not None and party.active

    door = standing.door(takes_part=takes_part, peer_key=peer.directory.peer_key)
    yield door
    await door.close()


@pytest.fixture
async def outside(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    async with client(door) as outside:
        yield outside


async def refused(standing: Standing, answer: httpx.Response) -> tuple[int, str, str | None]:
    """What is on file of a refusal, once it is."""
    request_id = answer.headers["x-request-id"]

    found: list[tuple[int, str, str | None]] = []

    async def on_file() -> bool:
        async with standing.database.session("gateway") as session:
            query = "select status, reason, key from gateway.security_log where request_id = $1"
            found.extend(map(tuple, await session.fetch(query, request_id)))
        return bool(found)

    await eventually(on_file)
    assert answer.status_code == found[0][0]
    return found[0]


async def test_an_enrolled_node_is_known_by_its_signature(outside: httpx.AsyncClient, peer: Peer):
    told = (await outside.get(PULL, headers=peer.signs("GET", PULL))).json()
    assert (told["kind"], told["party"], told["scopes"]) == ("node", "province", ["exchange:pull"])
    assert told["credential"] == "node-province"
    passed = {name for name, _ in told["headers"]}
    assert not passed & {"signature", "signature-input", "creditmesh-to", "authorization"}


async def test_a_node_may_what_nodes_may_and_nothing_else(standing: Standing, outside: httpx.AsyncClient, peer: Peer):
    answer = await outside.get("/v1/toys/duck", headers=peer.signs("GET", "/v1/toys/duck"))
    assert answer.status_code == 403
    assert await refused(standing, answer) == (403, "forbidden", "node-province")


async def test_a_signed_body_arrives_whole(outside: httpx.AsyncClient, peer: Peer):
    body = b"acknowledged " * 50_000
    answer = await outside.post("/v1/digests", content=body, headers=peer.signs("POST", "/v1/digests", body))
    assert answer.json() == {"size": len(body), "digest": hashlib.sha256(body).hexdigest()}


async def test_a_body_that_was_not_signed_never_reaches_the_service(
    standing: Standing, outside: httpx.AsyncClient, peer: Peer
):
    for signed, reason in ((b"another", "digest_wrong"), (b"", "signature_incomplete")):
        answer = await outside.post("/v1/digests", content=b"sent", headers=peer.signs("POST", "/v1/digests", signed))
        assert (answer.status_code, answer.json()["code"]) == (401, "signature_invalid")
        assert await refused(standing, answer) == (401, reason, "node-province")


async def test_a_signed_body_has_a_cap_of_its_own(outside: httpx.AsyncClient, peer: Peer):
    body = bytes(peers.MOST + 1)
    answer = await outside.post("/v1/digests", content=body, headers=peer.signs("POST", "/v1/digests", body))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/feeds/down?after=3&limit=10"), ("GET", "/v1/feeds/up"), ("HEAD", PULL)]
)
async def test_a_signature_is_of_one_request(outside: httpx.AsyncClient, peer: Peer, method: str, path: str):
    answer = await outside.request(method, path, headers=peer.signs("GET", PULL))
    assert answer.status_code == 401


async def test_a_signature_is_refused_when_its_minute_is_over(
    standing: Standing, outside: httpx.AsyncClient, peer: Peer
):
    past = standing.clock.instant() - timedelta(seconds=LIFE)
    answer = await outside.get(PULL, headers=peer.signs("GET", PULL, at=past))
    assert await refused(standing, answer) == (401, "signature_expired", None)
    ahead = standing.clock.instant() + timedelta(seconds=LIFE)
    answer = await outside.get(PULL, headers=peer.signs("GET", PULL, at=ahead))
    assert await refused(standing, answer) == (401, "signature_not_yet_valid", None)


async def test_a_request_that_was_signed_for_another_node_is_refused(
    standing: Standing, outside: httpx.AsyncClient, peer: Peer
):
    """Who received it and is an enrolled node's neighbour too cannot send it on here."""
    answer = await outside.get(PULL, headers=peer.signs("GET", PULL, to="nation"))
    assert answer.json()["code"] == "signature_invalid"
    key = f"province/{peer.keys.key_id('node')}"
    assert await refused(standing, answer) == (401, "signature_for_another_node", key)


@pytest.mark.parametrize(
    "row",
    [{"active": False}, {"kind": "association"}, {"keys": []}],
    ids=["taken out", "no node", "without its key"],
)
async def test_a_node_that_is_not_enrolled_any_more_is_nobody(
    standing: Standing, outside: httpx.AsyncClient, peer: Peer, row: dict[str, object]
):
    assert (await outside.get(PULL, headers=peer.signs("GET", PULL))).status_code == 200
    peer.publish(**row)
    answer = await outside.get(PULL, headers=peer.signs("GET", PULL))
    assert await refused(standing, answer) == (401, "signature_key_unknown", None)


async def test_a_row_that_leaves_out_where_a_peer_stands_takes_nobody_out(outside: httpx.AsyncClient, peer: Peer):
    peer.publish(place=None)
    assert (await outside.get(PULL, headers=peer.signs("GET", PULL))).status_code == 200


async def test_a_key_for_another_use_signs_nothing(outside: httpx.AsyncClient, peer: Peer):
    public = peer.keys.public("node")
    key = {"id": public.id, "use": "feed", "alg": "x25519", "public": b64encode(public.raw).decode()}
    peer.publish(keys=[key])
    assert (await outside.get(PULL, headers=peer.signs("GET", PULL))).status_code == 401


async def test_either_of_two_keys_signs_while_one_replaces_the_other(
    outside: httpx.AsyncClient, peer: Peer, tmp_path: Path
):
    (tmp_path / "next").mkdir(mode=0o700)
    Keys.create(tmp_path / "next", ["node"])
    successor = Peer(Keys.load(tmp_path / "next", {"node"}), peer.directory, peer.clock)
    publics = [each.keys.public("node") for each in (peer, successor)]
    keys = [{"id": p.id, "use": "node", "alg": "ed25519", "public": b64encode(p.raw).decode()} for p in publics]
    assert (await outside.get(PULL, headers=successor.signs("GET", PULL))).status_code == 401
    peer.publish(keys=keys)
    for signer in (peer, successor):
        assert (await outside.get(PULL, headers=signer.signs("GET", PULL))).status_code == 200


async def test_a_signature_and_a_bearer_are_one_too_many(standing: Standing, outside: httpx.AsyncClient, peer: Peer):
    key = await standing.key()
    answer = await outside.get(PULL, headers=peer.signs("GET", PULL) | bearer(key))
    assert await refused(standing, answer) == (401, "two_credentials", None)


@pytest.mark.parametrize("half", ["Signature", "Signature-Input"])
async def test_half_a_signature_is_no_anonymous_request(
    standing: Standing, outside: httpx.AsyncClient, peer: Peer, half: str
):
    headers = {half: peer.signs("GET", "/v1/toys")[half]}
    answer = await outside.get("/v1/toys", headers=headers)
    assert await refused(standing, answer) == (401, "signature_malformed", None)


async def test_an_auditors_key_of_kind_node_still_works(standing: Standing):
    key = await standing.key(kind="node", party="node.all", scopes=("exchange:pull",))
    async with client(standing.door()) as outside:
        told = (await outside.get(PULL, headers=bearer(key))).json()
    assert (told["kind"], told["credential"]) == ("node", key.key)
