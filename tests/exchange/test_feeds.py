"""What a node shares: revisions upwards, sealed, the catalogue downwards; in order, without holes, signed."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from creditmesh.chassis.packing import unpack
from creditmesh.chassis.vault.feeds import FeedCipher, unwrap
from creditmesh.exchange.entries import place_of
from creditmesh.schemas.events import CaseChanged, HolderChanged
from creditmesh.schemas.exchange import EntryLine, FeedKeyBody, RecordBody, commitment, feed_origin
from creditmesh.schemas.pages import BadPage
from creditmesh.schemas.tlog import Range, leaf_hash, verify_consistency, verify_inclusion
from tests.exchange.conftest import City, neighbour, row_of
from tests.support.bodies import of_dictionary
from tests.support.cast import ISSUER, ITEM, penalty, resident
from tests.support.chain import has_compared
from tests.support.eventually import eventually
from tests.support.node import department

MARKET = department("market_regulation")


async def submitted(city: City, *decisions: str, number: str | None = None) -> list[dict]:
    today = city.node.host.clock.legal_date()
    rows = [penalty(decision, today=today, CF_XDR_ZJHM=number or resident(20)) for decision in decisions]
    answer = await city.node.client("ingestion", MARKET).post(f"/v1/items/{ITEM}/records", json=rows)
    assert answer.status_code == 200, answer.text
    await city.node.settled()
    return [orjson.loads(line) for line in answer.content.splitlines()[:-1]]


OWN_BASIS = {"law": "Invented rules", "law_zh": "示例规定", "in_force_from": "2020-01-01", "level": "city"}


async def publish_penalty(city: City, code: str, *, issued_by: str = "nation", **changes: Any) -> None:
    """Another item with the fields of the penalty."""
    item = city.node.host.followed.item(ITEM, on=city.node.host.clock.legal_date())
    await city.publish("item", item.model_dump(mode="json") | {"code": code, **changes}, issued_by=issued_by)


async def submit_one(city: City, item: str, decision: str) -> tuple[dict[str, str], str]:
    """A row, and the record that it makes."""
    row = penalty(decision, today=city.node.host.clock.legal_date(), CF_XDR_ZJHM=resident(22))
    answer = await city.node.client("ingestion", MARKET).post(f"/v1/items/{item}/records", json=row)
    assert answer.status_code == 201, answer.text
    await city.node.settled()
    return row, answer.json()["record"]


def of_record(entries: list, record: str) -> list:
    return [entry for entry in entries if str(EntryLine.model_validate_json(entry.line).record) == record]


async def test_a_record_is_in_the_feed_once_with_its_key_before_it_and_the_parent_can_open_it(city: City):
    [verdict] = await submitted(city, "示市监罚〔2026〕1号")
    entries, note = await city.page()
    page = city.verified(entries, note)
    assert page.after.size == len(entries)
    [entry] = of_record(entries, verdict["record"])
    keys = [e for e in entries[: entry.index] if EntryLine.model_validate_json(e.line).type == "feed.key"]
    body = RecordBody.model_validate_json(entry.body)
    assert body.sealed is not None
    given = FeedKeyBody.model_validate_json(keys[-1].body)
    assert given.key == body.sealed.key
    [mine] = [each for each in given.wrapped if each.node == "province"]
    cipher = FeedCipher(given.key, unwrap(city.above.keys, mine, feed=feed_origin("city", "up")))
    opened = cipher.unseal(body.sealed, place=place_of("city", "up", body.record, body.rev))
    assert opened["subject"]["CF_XDR_ZJHM"] == resident(20)
    assert body.issuer == ISSUER
    assert body.origin == "city"


async def test_no_person_and_no_subject_id_stands_in_the_feed_unsealed(city: City):
    [verdict] = await submitted(city, "示市监罚〔2026〕2号", number=resident(21))
    async with city.node.database.session() as session:
        subject = await session.fetchval("select subject from ingestion.revision where record = $1", verdict["record"])
    entries, _ = await city.page()
    text = "".join(f"{entry.line}{entry.body}" for entry in entries)
    for word in (resident(21), "样某甲", str(subject), subject.hex):
        assert word not in text


async def test_every_revision_follows_in_the_order_it_was_made(city: City):
    [verdict] = await submitted(city, "示市监罚〔2026〕3号")
    record = verdict["record"]
    for rev, note in ((1, "一"), (2, "二")):
        row = penalty("示市监罚〔2026〕3号", today=city.node.host.clock.legal_date(), CF_XDR_ZJHM=resident(20), BZ=note)
        answer = await city.node.client("ingestion", MARKET).post(
            f"/v1/records/{record}/corrections",
            json={"fields": row, "reason": "error"},
            headers={"If-Match": f'"{rev}"'},
        )
        assert answer.status_code == 201, answer.text
    await city.node.settled()
    entries, _ = await city.page()
    lines = [EntryLine.model_validate_json(entry.line) for entry in of_record(entries, record)]
    assert [(line.rev, line.change) for line in lines] == [(1, "accepted"), (2, "corrected"), (3, "corrected")]


async def test_an_item_that_is_not_shared_upwards_never_appears(city: City):
    item = next(
        b for b in city.node.host.followed.objects("item", on=city.node.host.clock.legal_date()) if b.code == ITEM
    )
    body = item.model_dump(mode="json") | {"code": "local_penalty", "shared_upwards": False, "tier": "nation"}
    await city.publish("item", body)
    before, _ = await city.page()
    row = penalty("示市监罚〔2026〕4号", today=city.node.host.clock.legal_date())
    answer = await city.node.client("ingestion", MARKET).post("/v1/items/local_penalty/records", json=row)
    assert answer.status_code == 201, answer.text
    await city.node.settled()
    entries, _ = await city.page()
    assert len(entries) == len(before)
    assert "local_penalty" not in "".join(f"{e.line}{e.body}" for e in entries)


async def test_an_item_goes_no_higher_than_the_tier_that_issued_it(city: City):
    await publish_penalty(city, "city_penalty", issued_by="city", tier="city", basis=[OWN_BASIS])
    before, _ = await city.page()
    await submit_one(city, "city_penalty", "示市监罚〔2026〕401号")
    assert len((await city.page())[0]) == len(before)


async def test_what_becomes_of_a_record_follows_after_its_item_is_shared_no_more(city: City):
    code, client = "fading_penalty", city.node.client("ingestion", MARKET)
    await publish_penalty(city, code)
    row, record = await submit_one(city, code, "示市监罚〔2026〕402号")
    await publish_penalty(city, code, shared_upwards=False)
    correction = {"fields": row | {"BZ": "新"}, "reason": "error"}
    for path, body, rev in (("corrections", correction, 1), ("withdrawal", {"reason": "error"}, 2)):
        answer = await client.post(f"/v1/records/{record}/{path}", json=body, headers={"If-Match": f'"{rev}"'})
        assert answer.is_success, answer.text
    await city.node.settled()
    _, unshared = await submit_one(city, code, "示市监罚〔2026〕403号")
    entries, _ = await city.page()
    assert of_record(entries, unshared) == []
    first, *others = of_record(entries, record)
    assert EntryLine.model_validate_json(first.line).change == "accepted"
    later = [RecordBody.model_validate_json(entry.body) for entry in others]
    assert [(body.change, body.state) for body in later] == [("withheld", "withheld"), ("withdrawn", "withdrawn")]
    assert later[0].reason is None, "why it was corrected is not why it is withheld"
    assert [(body.fields, body.sealed) for body in later] == [({}, None)] * 2


async def test_a_revocation_says_why_also_where_what_it_opens_again_is_shared_no_more(city: City):
    code, case = "closing_penalty", uuid4()
    await publish_penalty(city, code)
    row, record = await submit_one(city, code, "示市监罚〔2026〕404号")
    await publish_penalty(city, code, shared_upwards=False)
    answer = await city.node.client("ingestion", MARKET).post(
        f"/v1/records/{record}/corrections",
        json={"fields": row | {"BZ": "新"}, "reason": "error"},
        headers={"If-Match": '"1"'},
    )
    assert answer.is_success, answer.text
    async with city.node.database.session() as session:
        subject = await session.fetchval("select subject from ingestion.revision where record = $1", UUID(record))
    about = {"case": case, "kind": "repair", "subject": subject, "record": UUID(record)}
    async with city.node.context("repair") as ctx:
        ctx.emit(CaseChanged(state="approved", effect="repair", **about))
        ctx.emit(CaseChanged(state="revoked", effect="reopen", false_material=True, **about))
        await ctx.commit()
    await city.node.settled()
    entries, _ = await city.page()
    newest = RecordBody.model_validate_json(of_record(entries, record)[-1].body)
    said = newest.rev, newest.change, newest.reason, newest.case, newest.fields
    assert said == (4, "withheld", "false_material", case, {})


async def test_what_happens_while_a_peer_above_is_taken_out_is_there_when_it_is_enrolled_again(city: City):
    [verdict] = await submitted(city, "示市监罚〔2026〕411号")
    row = row_of("province", city.above.keys, place="above", order=701)
    await city.publish("party", row | {"active": False})
    withdrawal = {"reason": "error"}
    path = f"/v1/records/{verdict['record']}/withdrawal"
    answer = await city.node.client("ingestion", MARKET).post(path, json=withdrawal, headers={"If-Match": '"1"'})
    assert answer.is_success, answer.text
    [meanwhile] = await submitted(city, "示市监罚〔2026〕412号")
    refused = await city.client("province").get("/v1/exchange/feeds/up/entries")
    assert refused.status_code == 404
    await city.publish("party", row, again=True)
    await eventually(lambda: has_compared(city.node))  # who comes back is asked what it holds, and then given more
    entries, _ = await city.page()
    assert [EntryLine.model_validate_json(e.line).change for e in of_record(entries, verdict["record"])] == [
        "accepted",
        "withdrawn",
    ]
    [entry] = of_record(entries, meanwhile["record"])
    key = RecordBody.model_validate_json(entry.body).sealed.key
    sent = [each for each in (_key_of(e) for e in entries[: entry.index]) if each is not None and each.key == key]
    assert "province" in {wrapped.node for each in sent for wrapped in each.wrapped}


@pytest.mark.parametrize(
    ("said", "given"),
    [({"place": "below", "sends_for": ["province"]}, 404), ({"place": None}, 200)],
    ids=["it stands below now", "its row leaves out where it stands, which leaves it where it was"],
)
async def test_who_was_above_is_named_of_what_ends_whatever_its_row_says_of_its_place(
    city: City, said: dict[str, Any], given: int
):
    [verdict] = await submitted(city, f"示市监罚〔2026〕42{len(said)}号")
    row = row_of("province", city.above.keys, place="above", order=701)
    await city.publish("party", row | said, again=True)
    try:
        answer = await city.node.client("ingestion", MARKET).post(
            f"/v1/records/{verdict['record']}/withdrawal", json={"reason": "error"}, headers={"If-Match": '"1"'}
        )
        assert answer.is_success, answer.text
        await city.node.settled()
        async with city.node.database.session() as session:
            rows = await session.fetch("select data from bus.event where type = 'holder.changed' order by id")
        told = [HolderChanged.model_validate_json(each["data"]) for each in rows]
        own = [each for each in told if (str(each.record), each.holder) == (verdict["record"], "city")]
        assert [(each.rev, each.outcome, each.above) for each in own] == [(2, "told", ("province",))]
        answer = await city.client("province").get("/v1/exchange/feeds/up/entries")
        assert answer.status_code == given, "who stands elsewhere is given no more, and nobody else is refused"
    finally:
        await city.publish("party", row, again=True)


def _key_of(entry: Any) -> FeedKeyBody | None:
    line = EntryLine.model_validate_json(entry.line)
    return FeedKeyBody.model_validate_json(entry.body) if line.type == "feed.key" else None


async def test_feeds_are_read_by_whom_they_are_for_and_to_others_there_are_none(city: City):
    allowed = {("province", "up"), ("district", "down"), ("district", "down-district")}
    for code in ("province", "district", "stranger"):
        for feed in ("up", "down", "down-district", "down-province", "down-other"):
            answer = await city.client(code).get(f"/v1/exchange/feeds/{feed}/entries")
            assert answer.status_code == (200 if (code, feed) in allowed else 404), (code, feed)
            if answer.status_code == 404:
                assert answer.json()["code"] == "no_such_feed"


async def test_the_catalogue_goes_down_without_its_parties(city: City):
    entries, note = await city.page("down", by="district")
    city.verified(entries, note, feed="down")
    kinds = {orjson.loads(entry.body)["kind"] for entry in entries}
    assert {"item", "measure", "list", "code_set"} <= kinds
    assert "party" not in kinds


async def test_pages_of_any_size_lead_to_the_same_head(city: City):
    await submitted(city, *[f"示市监罚〔2026〕5{n}号" for n in range(9)])
    await submitted(city, *[f"示市监罚〔2026〕6{n}号" for n in range(9)])
    whole, note = await city.page()
    range_, after = Range.empty(), 0
    while after < len(whole):
        entries, end = await city.page(after=after, limit=3)
        range_ = city.verified(entries, end, before=range_).after
        after += len(entries)
    assert range_ == city.verified(whole, note).after
    assert (await city.client("province").get("/v1/exchange/feeds/up/entries", params={"after": after})).content == b""


async def test_two_writers_at_once_leave_neither_hole_nor_repeat(city: City):
    before, _ = await city.page()
    await asyncio.gather(*(submitted(city, f"示市监罚〔2026〕7{n}号", number=resident(40 + n)) for n in range(8)))
    entries, note = await city.page()
    city.verified(entries, note)
    records = [EntryLine.model_validate_json(e.line).record for e in entries[len(before) :]]
    assert len(records) == len(set(records)) == 8


async def test_proofs_verify_against_signed_heads(city: City):
    await submitted(city, "示市监罚〔2026〕81号")
    entries, note = await city.page()
    page = city.verified(entries, note)
    size, root = page.after.size, page.after.root()
    client = city.client("province")
    for index in range(size):
        answer = await client.get("/v1/exchange/feeds/up/proofs/inclusion", params={"index": index, "size": size})
        path = [bytes.fromhex(each) for each in answer.json()["proof"]]
        leaf = leaf_hash(entries[index].line.encode())
        assert verify_inclusion(leaf=leaf, index=index, size=size, path=path, root=root)
    for old in range(1, size + 1):
        answer = await client.get("/v1/exchange/feeds/up/proofs/consistency", params={"from": old, "to": size})
        before, _ = Range.empty().extended(leaf_hash(e.line.encode()) for e in entries[:old])
        proof = [bytes.fromhex(each) for each in answer.json()["proof"]]
        assert verify_consistency(old=old, new=size, old_root=before.root(), new_root=root, proof=proof)


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("proofs/inclusion", {"index": 10**6, "size": 10**6 + 1}),
        ("proofs/inclusion", {"index": 1, "size": 1}),
        ("proofs/consistency", {"from": 3, "to": 1}),
        ("checkpoint", {"size": 10**6}),
        ("entries", {"after": 10**6}),
    ],
)
async def test_what_the_feed_does_not_reach_is_said_so(city: City, path: str, params: dict):
    answer = await city.client("province").get(f"/v1/exchange/feeds/up/{path}", params=params)
    assert answer.status_code == 422
    assert answer.json()["code"] == "beyond_feed"
    assert answer.json()["detail_zh"]


async def test_a_pull_that_waits_is_answered_when_something_comes(city: City):
    await submitted(city, "示市监罚〔2026〕90号")
    entries, _ = await city.page()
    waiting = asyncio.create_task(
        city.client("province").get("/v1/exchange/feeds/up/entries", params={"after": len(entries), "wait": 30})
    )
    await submitted(city, "示市监罚〔2026〕91号")
    answer = await asyncio.wait_for(waiting, 29)
    assert answer.content.count(b"\n") >= 2


async def test_a_changed_page_is_found(city: City):
    await submitted(city, "示市监罚〔2026〕92号", "示市监罚〔2026〕93号")
    entries, note = await city.page()
    last = entries[-1]
    bad = {
        "root": [*entries[:-1], last.model_copy(update={"line": last.line.replace('"v":1', '"v":2')})],
        "commitment": [*entries[:-1], last.model_copy(update={"body": last.body.replace("罚款", "警告")})],
        "order": [*entries[:-2], entries[-1], entries[-2]],
        "size": entries[:-1],
    }
    for reason, changed in bad.items():
        with pytest.raises(BadPage) as found:
            city.verified(changed, note)
        assert found.value.reason == reason
    with pytest.raises(BadPage) as found:
        city.verified(entries, note.replace("creditmesh/city/up\n", "creditmesh/city/down\n", 1))
    assert found.value.reason == "signature"


async def test_the_key_serves_until_who_may_read_changes_and_then_older_ones_are_wrapped_again(
    city: City, tmp_path: Path
):
    def keys(entries: list) -> list[FeedKeyBody]:
        lines = [e for e in entries if EntryLine.model_validate_json(e.line).type == "feed.key"]
        return [FeedKeyBody.model_validate_json(e.body) for e in lines]

    await submitted(city, "示市监罚〔2026〕94号")
    before = keys((await city.page())[0])
    await submitted(city, "示市监罚〔2026〕95号")
    assert keys((await city.page())[0]) == before
    second = neighbour("province", tmp_path)
    await city.publish("party", row_of("province", second.keys, place="above", order=701))
    await submitted(city, "示市监罚〔2026〕96号")
    entries, _ = await city.page()
    newest = RecordBody.model_validate_json(entries[-1].body).sealed.key
    assert newest not in {given.key for given in before}, "what was wrapped to a key that is gone seals nothing more"
    theirs = second.keys.public("feed").id

    async def given() -> bool:
        found = keys((await city.page())[0])
        assert found[: len(before)] == before
        return {each.key for each in found} == {
            each.key for each in found if theirs in {wrapped.key for wrapped in each.wrapped}
        }

    await eventually(given)


KEPT = "select body, packed, weight from exchange.feed_entry where feed = 'up' and record = $1 order by rev"


async def test_content_is_kept_packed_and_what_was_kept_plain_is_given_alike(city: City):
    [verdict] = await submitted(city, "示市监罚〔2026〕61号")
    record = UUID(verdict["record"])
    entries, note = await city.page()
    async with city.node.database.session() as session:
        [kept] = await session.fetch(KEPT, record)
        plain = unpack(kept["packed"])
        assert (kept["body"], kept["weight"]) == ("", len(plain))
        assert len(kept["packed"]) * 2 < len(plain)
        assert "示市监罚".encode() not in kept["packed"], "the words are in the dictionary, or nothing is packed"
        await session.execute(
            "update exchange.feed_entry set body = $2, packed = null, weight = null where record = $1",
            record, plain.decode(),
        )  # fmt: skip
    assert await city.page() == (entries, note), "as an earlier version kept it"
    [entry] = of_record(entries, verdict["record"])
    line = EntryLine.model_validate_json(entry.line)
    assert line.commitment == commitment(entry.salt, entry.body.encode()), "what is sent is what is signed"


async def test_an_end_says_nothing_and_stays_plain_where_the_feed_looks_at_it(city: City):
    [verdict] = await submitted(city, "示市监罚〔2026〕62号")
    answer = await city.node.client("ingestion", MARKET).post(
        f"/v1/records/{verdict['record']}/withdrawal", json={"reason": "error"}, headers={"If-Match": '"1"'}
    )
    assert answer.is_success, answer.text
    await city.node.settled()
    async with city.node.database.session() as session:
        *_, end = await session.fetch(KEPT, UUID(verdict["record"]))
    assert RecordBody.model_validate_json(end["body"]).fields == {}
    assert (end["packed"], end["weight"]) == (None, None)


async def test_a_body_that_cannot_be_unpacked_is_not_passed_over(city: City):
    [verdict] = await submitted(city, "示市监罚〔2026〕63号")
    record = UUID(verdict["record"])
    async with city.node.database.session() as session:
        [kept] = await session.fetch(KEPT, record)
        update = "update exchange.feed_entry set packed = $2 where record = $1"
        await session.execute(update, record, of_dictionary(40000, b"x" * 100))
        try:
            answer = await city.client("province").get("/v1/exchange/feeds/up/entries")
        finally:
            await session.execute(update, record, kept["packed"])
    assert answer.status_code == 503
    assert "40000" in answer.json()["detail"]
