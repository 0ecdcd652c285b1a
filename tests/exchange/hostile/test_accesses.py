"""Looks at copies that a peer above tells of: believed under the signature of the node where they were alone."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from creditmesh.exchange import events
from creditmesh.schemas.accesses import MOST_ABOUT
from creditmesh.schemas.events import AccessToPass
from creditmesh.schemas.exchange import AcknowledgedBody, RelayedEntry, base64_text
from creditmesh.schemas.signed import SignedText
from tests.exchange.conftest import NOW, City, Neighbour, neighbour
from tests.exchange.hostile.test_relay import Province, keep, province, told
from tests.exchange.test_feeds import submitted
from tests.exchange.test_holders import delivered
from tests.support.eventually import eventually

NUMBERS = iter(range(300, 400))
__all__ = ["province"]
LOGGED = "select data from query.access where convert_from(data, 'UTF8')::jsonb ->> 'node' is not null order by entry"


def statement(by: Neighbour, record: str | UUID, *, signer: Neighbour | None = None, **more: Any) -> SignedText:
    """A look at a copy of that record, as a node signs it."""
    who = signer or by
    said: dict[str, Any] = {
        "by": by.code, "origin": "city", "at": NOW, "access": uuid4(), "caller": "department", "party": "finance",
        "officer": "W-1", "purpose": "statutory_duty", "matter": "m1", "ground": "statutory",
        "about": [{"record": str(record)}], "key": who.keys.key_id("node"), "alg": "ed25519",
    }  # fmt: skip
    text = json.dumps(said | more, default=str)
    return SignedText(signed=text, signature=base64_text(who.keys.sign(text.encode())))


async def a_record(city: City) -> str:
    [verdict] = await submitted(city, f"示市监罚〔2026〕{next(NUMBERS)}号")
    return str(verdict["record"])


async def passes(province: Province, *given: SignedText) -> None:
    for each in given:
        event = told("down-city", "accessed", next(province.indices), each.model_dump_json())
        async with province.city.node.context("exchange") as ctx:
            await keep(ctx, [event])
            await events.on_page_received(ctx, [delivered(event)])
    await province.city.node.settled()


async def logged(city: City) -> list[dict[str, Any]]:
    await city.node.settled()
    async with city.node.database.session() as session:
        return [json.loads(row["data"]) for row in await session.fetch(LOGGED)]


async def test_it_is_believed_under_the_signature_of_the_node_where_it_was(province: Province, tmp_path: Path):
    await province.tells_chain()
    record = await a_record(province.city)
    before = len(await logged(province.city))
    other = neighbour("other", tmp_path / "other")
    forged = [
        statement(province.nation, record, signer=other),
        statement(province.nation, record, signer=other, key=province.nation.keys.key_id("node")),
        statement(province.nation, record, signer=province.city.above),
        statement(province.nation, record, alg="none"),
        statement(other, record),
    ]
    await passes(province, *forged)
    assert len(await logged(province.city)) == before
    true = [statement(province.nation, record), statement(province.city.above, record)]
    await passes(province, *true)
    found = (await logged(province.city))[before:]
    assert [(each["node"], each["party"], each["records"]) for each in found] == [
        (province.nation.code, "finance", [record]),
        ("province", "finance", [record]),
    ]


async def test_what_it_says_is_bounded_and_about_records_of_this_node(province: Province):
    await province.tells_chain()
    city = province.city
    record = await a_record(city)
    before = len(await logged(city))
    many = [{"record": str(uuid4())} for _ in range(MOST_ABOUT + 1)]
    refused = [
        statement(province.nation, record, about=many),
        statement(province.nation, record, about=[]),
        statement(province.nation, record, officer="样某 990000196304120017"),
        statement(province.nation, record, at="300000-01-01T00:00:00Z"),
        statement(province.nation, record, purpose="x" * 65),
        SignedText(signed="[" * 5000, signature=""),
        SignedText(signed='{"by": "nation", "by": "city"}', signature="AAAA"),
    ]
    elsewhere = [statement(province.nation, uuid4()), statement(province.nation, record, origin="cityb")]
    await passes(province, *refused, *elsewhere)
    assert len(await logged(city)) == before
    ahead = NOW + timedelta(days=4000)
    await passes(province, statement(province.nation, record, at=ahead))
    (line,) = (await logged(city))[before:]
    assert line["looked_at"] < ahead.isoformat(), "no later than it is here"


async def test_of_a_node_that_nobody_has_named_yet_it_waits_for_that_nodes_row(province: Province, tmp_path: Path):
    city, far, nation = province.city, neighbour("far", tmp_path / "far"), province.nation.code
    record = await a_record(city)
    await province.tells_chain()
    before = len(await logged(city))
    await passes(province, statement(far, record), statement(province.nation, record))
    assert [each["node"] for each in (await logged(city))[before:]] == [nation]
    await province.tells(nation, province.row(province.nation, above=("far",)))
    await province.tells("far", province.row(far))
    assert [each["node"] for each in (await logged(city))[before:]] == [nation, "far"]


async def test_it_is_passed_on_to_a_child_about_records_alone_that_this_node_has_told_of(
    province: Province, tmp_path: Path
):
    city, far, nation = province.city, neighbour("farthest", tmp_path / "farthest"), province.nation
    await province.tells_chain()
    record = await a_record(city)
    about = [{"record": str(uuid4())}, {"record": record}]
    invented = [statement(by, uuid4(), origin="district") for by in (nation, far) for _ in range(2)]
    true = [statement(by, record, origin="district", about=about) for by in (nation, far)]
    await passes(province, *invented, *true)
    await province.tells(nation.code, province.row(nation, above=(far.code,)))
    await province.tells(far.code, province.row(far))
    wanted, never = ({each.model_dump_json() for each in some} for some in (true, invented))
    await eventually(lambda: _are_told(city, wanted))
    assert never.isdisjoint(await told_to_district(city))


async def _are_told(city: City, wanted: set[str]) -> bool:
    return wanted <= set(await told_to_district(city))


async def told_to_district(city: City) -> list[str]:
    async with city.node.database.session() as session:
        rows = await session.fetch("select line, body from exchange.feed_entry where feed = 'down-district'")
    return [row["body"] for row in rows if json.loads(row["line"])["type"] == "accessed"]


async def test_what_a_child_is_to_be_told_goes_into_its_own_feed_whoever_holds_the_others(city: City):
    """In a turn of its own: who is told of records in the same batch holds the head of `up`, and waits for no child."""
    text = statement(city.above, uuid4())
    async with city.node.database.session() as session, session.transaction():
        await session.fetch("select from exchange.feed_head where feed = 'down-district' for update")
        async with city.node.context("exchange") as ctx:
            await events.on_access_to_pass(ctx, [delivered(AccessToPass(child="district", statement=text))])

    await eventually(lambda: _are_told(city, {text.model_dump_json()}))


BLOCKED = "select exists (select from pg_locks where not granted and $1 = any(pg_blocking_pids(pid)))"
HELD = "select from exchange.answer where feed = 'up' and node = $1 for update nowait"


async def test_whoever_waits_until_what_waits_of_a_peer_was_taken_holds_no_answers(province: Province, tmp_path: Path):
    """Whoever takes that takes answers as well: each would wait for the other."""
    await province.tells_chain()
    city, nation = province.city, province.nation.code
    before, record = await province.withdrawn(), await province.withdrawn()
    await province.passes_on(before, province.proof(before))
    entry = RelayedEntry(
        index=await province.index_of(record, 2), own=2, record=UUID(record), rev=2, proof=province.proof(record)
    )
    answer = AcknowledgedBody(by=nation, at=NOW, entries=(entry,)).model_dump_json()
    look = statement(neighbour("farther", tmp_path / "farther"), record)
    given = [
        told("down-city", "acknowledged", next(province.indices), answer),
        told("down-city", "accessed", next(province.indices), look.model_dump_json()),
    ]

    async def take() -> None:
        async with city.node.context("exchange") as ctx:
            await keep(ctx, given)
            await events.on_page_received(ctx, [delivered(each) for each in given])

    async with city.node.database.session() as taking, city.node.database.session() as other:
        pid = await taking.fetchval("select pg_backend_pid()")

        async def waits() -> bool:
            return bool(await other.fetchval(BLOCKED, pid))

        async with taking.transaction():
            await taking.execute("insert into exchange.grown (peer) values ('province')")
            reading = asyncio.create_task(take())
            await eventually(waits)
            assert len(await other.fetch(HELD, nation)) == 1
        await reading
    await eventually(province.all_taken)
    assert len(await province.said(record)) == 1
