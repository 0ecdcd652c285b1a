"""What pullers sign about our feeds: taken only if it fits, told to the record's case, proven off line."""

from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from creditmesh.chassis.vault.keys import verified
from creditmesh.schemas.acknowledgements import Acknowledgement, Refused, acknowledgement_text
from creditmesh.schemas.events import HolderChanged
from creditmesh.schemas.exchange import Line
from creditmesh.schemas.tlog import leaf_hash, verify_inclusion
from tests.exchange.conftest import NOW, City
from tests.exchange.test_feeds import MARKET, submitted


@dataclass
class Signed:
    """The province's side: it has pulled everything and signs what it likes."""

    city: City

    async def make(self, *, first: int | None = None, until: int | None = None, **more: Any) -> Acknowledgement:
        entries, note = await self.city.page()
        page = self.city.verified(entries, note)
        given = {
            "feed": "creditmesh/city/up",
            "by": "province",
            "first": await self.reached() if first is None else first,
            "until": page.after.size if until is None else until,
            "size": page.after.size,
            "root": page.after.root().hex(),
            "at": NOW,
            "key": self.city.above.keys.key_id("node"),
            "alg": "ed25519",
        }
        unsigned = Acknowledgement.model_validate({**given, **more})
        if "signature" in more:
            return unsigned
        signature = self.city.above.keys.sign(acknowledgement_text(unsigned))
        return unsigned.model_copy(update={"signature": b64encode(signature).decode()})

    async def hand_in(self, given: Acknowledgement, *, by: str = "province") -> httpx.Response:
        answer = await self.city.client(by).post(
            "/v1/exchange/feeds/up/acknowledgements", json=given.model_dump(mode="json")
        )
        await self.city.node.settled()
        return answer

    async def reached(self) -> int:
        async with self.city.node.database.session() as session:
            query = "select until from exchange.reach where feed = 'up' and node = 'province'"
            return await session.fetchval(query) or 0

    async def told(self, record: str) -> list[HolderChanged]:
        query = "select data from bus.event where type = 'holder.changed' order by id"
        async with self.city.node.database.session() as session:
            found = [HolderChanged.model_validate_json(row["data"]) for row in await session.fetch(query)]
        return [each for each in found if str(each.record) == record]


@pytest.fixture
async def signed(city: City) -> Signed:
    return Signed(city)


async def withdrawn(city: City, decision: str) -> str:
    [verdict] = await submitted(city, decision)
    answer = await city.node.client("ingestion", MARKET).post(
        f"/v1/records/{verdict['record']}/withdrawal", json={"reason": "revoked"}, headers={"If-Match": '"1"'}
    )
    assert answer.status_code == 200, answer.text
    await city.node.settled()
    return verdict["record"]


async def test_an_ending_is_told_and_acknowledged_with_a_proof_that_needs_nobody(city: City, signed: Signed):
    record = await withdrawn(city, "示市监罚〔2026〕201号")
    assert [(each.holder, each.outcome) for each in await signed.told(record)] == [("province", "told")]
    assert (await signed.hand_in(await signed.make())).status_code == 204
    last = (await signed.told(record))[-1]
    assert (last.holder, last.kind, last.outcome, last.change, last.rev) == (
        "province", "node", "acknowledged", "withdrawn", 2,
    )  # fmt: skip
    proof = last.proof
    assert proof is not None
    line = Line.model_validate_json(proof.line)
    assert (str(line.record), line.rev, line.change) == (record, 2, "withdrawn")
    assert verified(
        acknowledgement_text(proof.acknowledgement),
        _raw(proof.acknowledgement.signature),
        public=_raw(proof.public),
    )
    assert verify_inclusion(
        leaf=leaf_hash(proof.line.encode()),
        index=proof.index,
        size=proof.acknowledgement.size,
        path=[bytes.fromhex(each) for each in proof.path],
        root=bytes.fromhex(proof.acknowledgement.root),
    )
    assert proof.acknowledgement.first <= proof.index < proof.acknowledgement.until


async def test_a_refusal_is_told_with_its_code(city: City, signed: Signed):
    [verdict] = await submitted(city, "示市监罚〔2026〕202号")
    entries, _ = await city.page()
    index = next(e.index for e in entries if str(Line.model_validate_json(e.line).record) == verdict["record"])
    given = await signed.make(refused=[Refused(index=index, code="unknown_item")])
    assert (await signed.hand_in(given)).status_code == 204
    [line] = await signed.told(verdict["record"])
    assert (line.outcome, line.code, line.change, line.item) == (
        "refused", "unknown_item", "accepted", "administrative_penalty",
    )  # fmt: skip


async def test_the_same_again_changes_nothing(city: City, signed: Signed):
    record = await withdrawn(city, "示市监罚〔2026〕203号")
    given = await signed.make()
    for _ in range(3):
        assert (await signed.hand_in(given)).status_code == 204
    assert [each.outcome for each in await signed.told(record)] == ["told", "acknowledged"]


async def test_what_does_not_fit_is_refused_and_nothing_is_kept(city: City, signed: Signed):
    await withdrawn(city, "示市监罚〔2026〕204号")
    reached = await signed.reached()
    good = await signed.make()
    tampered = good.model_copy(update={"until": good.until - 1})
    wrong = {
        "/feed": await signed.make(feed="creditmesh/city/down"),
        "/root": await signed.make(root="00" * 32),
        "/until": await signed.make(until=10**6),
        "/refused": await signed.make(refused=[Refused(index=good.until, code="x")]),
        "/signature": tampered,
        "/by": await signed.make(key="node-of-nobody"),
    }
    for pointer, given in wrong.items():
        answer = await signed.hand_in(given)
        assert answer.status_code == 422, pointer
        assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
        assert answer.json()["detail_zh"]
    assert await signed.reached() == reached
    assert (await signed.hand_in(good)).status_code == 204


async def test_nobody_acknowledges_for_another(city: City, signed: Signed):
    await withdrawn(city, "示市监罚〔2026〕205号")
    given = await signed.make()
    assert (await signed.hand_in(given, by="district")).status_code == 404
    assert (await signed.hand_in(given)).status_code == 204


async def test_a_gap_names_where_to_begin(city: City, signed: Signed):
    await withdrawn(city, "示市监罚〔2026〕206号")
    reached = await signed.reached()
    answer = await signed.hand_in(await signed.make(first=reached + 1))
    assert answer.status_code == 409
    assert answer.json()["code"] == "acknowledgement_gap"
    assert str(reached) in answer.json()["detail"]


def _raw(text: str) -> bytes:
    return b64decode(text)


async def test_a_body_that_is_none_is_refused_by_field(city: City):
    answer = await city.client("province").post("/v1/exchange/feeds/up/acknowledgements", json={"feed": 1})
    assert answer.status_code == 422
    assert {"/by", "/first"} <= {each["pointer"] for each in answer.json()["errors"]}
