"""What pullers sign about our feeds: taken only if it fits, told to the record's case, proven off line."""

import json
from base64 import b64decode, b64encode
from datetime import timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import httpx

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.packing import unpack
from creditmesh.chassis.vault.keys import verified
from creditmesh.exchange.entries import key_draft
from creditmesh.exchange.operations import sharing
from creditmesh.exchange.store import lost
from creditmesh.exchange.store.lost import COPY, LostEntry
from creditmesh.schemas.acknowledgements import Acknowledgement
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.exchange import EntryLine
from creditmesh.schemas.signed import SignedText, read
from creditmesh.schemas.tlog import leaf_hash, verify_inclusion
from tests.exchange.conftest import NOW, City, Signer, appended
from tests.exchange.test_feeds import MARKET, submitted


async def withdrawn(city: City, decision: str) -> str:
    [verdict] = await submitted(city, decision)
    answer = await city.node.client("ingestion", MARKET).post(
        f"/v1/records/{verdict['record']}/withdrawal", json={"reason": "revoked"}, headers={"If-Match": '"1"'}
    )
    assert answer.status_code == 200, answer.text
    await city.node.settled()
    return verdict["record"]


async def test_an_ending_is_told_and_acknowledged_with_a_proof_that_needs_nobody(city: City, signed: Signer):
    record = await withdrawn(city, "示市监罚〔2026〕201号")
    [told] = await signed.told(record)
    assert (told.holder, told.outcome, told.above) == ("city", "told", ("province",))
    assert (await signed.hand_in(await signed.make())).status_code == 200
    last = (await signed.told(record))[-1]
    assert (last.holder, last.kind, last.outcome, last.change, last.rev) == (
        "province", "node", "acknowledged", "withdrawn", 2,
    )  # fmt: skip
    proof = last.proof
    assert proof is not None
    line = EntryLine.model_validate_json(proof.line)
    assert (str(line.record), line.rev, line.change) == (record, 2, "withdrawn")
    given = read(Acknowledgement, proof.acknowledgement, public=lambda _: b64decode(proof.public), verify=verifies)
    assert verify_inclusion(
        leaf=leaf_hash(proof.line.encode()),
        index=proof.index,
        size=given.size,
        path=[bytes.fromhex(each) for each in proof.path],
        root=bytes.fromhex(given.root),
    )
    assert given.first <= proof.index < given.until


async def test_a_refusal_is_told_with_its_code(city: City, signed: Signer):
    [verdict] = await submitted(city, "示市监罚〔2026〕202号")
    entries, _ = await city.page()
    index = next(e.index for e in entries if str(EntryLine.model_validate_json(e.line).record) == verdict["record"])
    given = await signed.make(refused=[{"index": index, "code": "unknown_item"}])
    assert (await signed.hand_in(given)).status_code == 200
    [line] = await signed.told(verdict["record"])
    assert (line.outcome, line.code, line.change, line.item) == (
        "refused", "unknown_item", "accepted", "administrative_penalty",
    )  # fmt: skip


async def test_the_same_again_changes_nothing(city: City, signed: Signer):
    record = await withdrawn(city, "示市监罚〔2026〕203号")
    given = await signed.make()
    for _ in range(3):
        assert (await signed.hand_in(given)).status_code == 200
    assert [each.outcome for each in await signed.told(record)] == ["told", "acknowledged"]


async def test_what_does_not_fit_is_refused_and_nothing_is_kept(city: City, signed: Signer):
    await withdrawn(city, "示市监罚〔2026〕204号")
    reached = await signed.reached()
    good = await signed.make()
    until = json.loads(good.signed)["until"]
    tampered = good.model_copy(update={"signed": good.signed.replace(f'"until": {until}', f'"until": {until - 1}')})
    wrong = {
        "/signed/feed": await signed.make(feed="creditmesh/city/down"),
        "/signed/root": await signed.make(root="00" * 32),
        "/signed/until": await signed.make(until=10**6),
        "/signed/refused": await signed.make(refused=[{"index": until, "code": "x"}]),
        "/signature": tampered,
        "/signed": await signed.make(key="node-of-nobody"),
    }
    for pointer, given in wrong.items():
        answer = await signed.hand_in(given)
        assert answer.status_code == 422, pointer
        assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
        assert answer.json()["detail_zh"]
    assert await signed.reached() == reached
    assert (await signed.hand_in(good)).status_code == 200


async def test_nobody_acknowledges_for_another(city: City, signed: Signer):
    await withdrawn(city, "示市监罚〔2026〕205号")
    given = await signed.make()
    assert (await signed.hand_in(given, by="district")).status_code == 404
    assert (await signed.hand_in(given)).status_code == 200


async def test_what_was_left_out_is_named_and_taken_later(city: City, signed: Signer):
    record = await withdrawn(city, "示市监罚〔2026〕206号")
    reached = await signed.reached()
    later = await signed.make(first=reached + 1)
    answer = await signed.hand_in(later)
    assert (answer.status_code, answer.json()) == (200, {"missing": [{"first": reached, "until": reached + 1}]})
    assert [each.outcome for each in await signed.told(record)] == ["told", "acknowledged"]
    assert (await signed.hand_in(await signed.make(first=reached))).json() == {"missing": []}
    assert [each.outcome for each in await signed.told(record)] == ["told", "acknowledged"]


def verifies(public: bytes, data: bytes, signature: bytes) -> bool:
    return verified(data, signature, public=public)


async def test_a_body_that_is_none_is_refused_by_field(city: City):
    answer = await city.client("province").post("/v1/exchange/feeds/up/acknowledgements", json={"feed": 1})
    assert answer.status_code == 422
    assert {"/signed", "/signature"} <= {each["pointer"] for each in answer.json()["errors"]}


UNHELD: list[tuple[str, dict[str, Any]]] = [
    ("/signed/at", {"at": "9999-12-31T23:59:59-12:00"}),
    ("/signed/at", {"at": "0001-01-01T00:00:00+14:00"}),
    ("/signed/at", {"at": "2026-03-02T01:15:31"}),
    ("/signed/at", {"at": (NOW + timedelta(days=400)).isoformat()}),
    ("/signed/size", {"size": 2**63}),
    ("/signed/first", {"first": -1}),
    ("/signed/until", {"until": 10**30}),
    ("/signed/refused/0/code", {"refused": [{"index": 0, "code": "whatever you like <script>"}]}),
    ("/signed/refused/0/code", {"refused": [{"index": 0, "code": ""}]}),
    ("/signed/refused/0/code", {"refused": [{"index": 0, "code": "x" * 65}]}),
    ("/signed/refused/0/index", {"refused": [{"index": 2**63, "code": "x"}]}),
]


async def test_what_no_database_holds_is_refused_by_its_field_however_well_it_is_signed(city: City, signed: Signer):
    record = await withdrawn(city, "示市监罚〔2026〕207号")
    for pointer, members in UNHELD:
        answer = await signed.hand_in(await signed.make(**members))
        assert answer.status_code == 422, members
        assert [each["pointer"] for each in answer.json()["errors"]] == [pointer], members
    assert [each.outcome for each in await signed.told(record)] == ["told"]


async def test_one_member_more_in_a_newer_version_is_signed_too_and_ignored(city: City, signed: Signer):
    record = await withdrawn(city, "示市监罚〔2026〕208号")
    given = await signed.make(tier="province")
    assert (await signed.hand_in(given)).status_code == 200
    last = (await signed.told(record))[-1]
    assert last.proof is not None
    assert last.proof.acknowledgement == given


async def test_a_text_that_says_something_twice_is_refused(city: City, signed: Signer):
    await withdrawn(city, "示市监罚〔2026〕209号")
    text = (await signed.make()).signed.replace('{"feed"', '{"first": 0, "feed"', 1)
    signature = b64encode(city.above.keys.sign(text.encode())).decode()
    answer = await signed.hand_in(SignedText(signed=text, signature=signature))
    assert [each["pointer"] for each in answer.json()["errors"]] == ["/signed"]


async def test_an_answer_about_a_revision_that_is_being_made_again_is_asked_for_again(city: City, signed: Signer):
    async with city.node.context("exchange") as ctx:
        drafts = [key_draft(key=f"again-{n}", alg="a", wrapped=[], at=NOW) for n in range(3)]
        first = await appended(ctx, drafts)
        await lost.add(await ctx.session(), [LostEntry("up", first + 1, uuid4(), 1, "repaired")])
    given = await signed.make(first=first, refused=[{"index": first + 1, "code": "unknown_item"}])
    for _ in range(2):
        answer = await signed.hand_in(given)
        assert {"first": first + 1, "until": first + 2} in answer.json()["missing"], answer.text
    async with city.node.context("exchange") as ctx:
        await lost.refuse(await ctx.session(), "up", [(first + 1, "another_record")])
    answer = await signed.hand_in(given)
    assert not [each for each in answer.json()["missing"] if each["until"] > first]
    async with city.node.context("exchange") as ctx:
        assert await lost.dismiss(await ctx.session(), "up", first + 1)


def lacks(answer: httpx.Response, index: int) -> bool:
    """Whether the node that answers asks for what was signed about this entry."""
    return any(each["first"] <= index < each["until"] for each in answer.json()["missing"])


async def test_an_answer_about_a_copy_that_comes_back_is_asked_for_again_and_told(city: City, signed: Signer):
    """Its sender was away, for however long; meanwhile its entry was nobody's."""
    record = UUID(await withdrawn(city, "示市监罚〔2026〕210号"))
    await submitted(city, "示市监罚〔2026〕211号")
    async with city.node.context("exchange") as ctx:
        session = await ctx.session()
        entry = "from exchange.feed_entry where feed = 'up' and record = :record and rev = 2"
        index = await session.value(f"select index {entry}", {"record": record})
        await lost.add(session, [LostEntry("up", index, record, 2, "withdrawn", why=COPY)])
        await session.execute(
            "update exchange.feed_entry set subject = null where feed = 'up' and index = :index", {"index": index}
        )
    given = await signed.make(refused=[{"index": index, "code": "unknown_item"}])
    assert not lacks(await signed.hand_in(given), index), "nobody is asked for ever for what may never come"
    assert "refused" not in [each.outcome for each in await signed.told(str(record))]
    async with city.node.database.session() as owner:
        data = await owner.fetchval("select data from ingestion.revision where record = $1 and rev = 2", record)
    async with city.node.context("exchange") as ctx:
        there = cast("Delivered", None), RecordChanged.model_validate_json(unpack(data))
        assert await sharing._not_there(ctx, [there]) == []
    assert lacks(await signed.hand_in(await signed.make(first=index + 1, until=index + 2)), index)
    assert (await signed.hand_in(given)).status_code == 200
    assert [(each.holder, each.outcome) for each in await signed.told(str(record))][-1] == ("province", "refused")
