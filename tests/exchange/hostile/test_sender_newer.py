"""A sender of a newer version: what this one has no word for waits and is named, and an upgrade tells it anew."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from pathlib import Path
from typing import Literal
from uuid import uuid4

import orjson
import pytest
from prometheus_client import REGISTRY

from creditmesh.chassis.database.session import Session
from creditmesh.chassis.packing import unpack
from creditmesh.exchange.operations import answering, receiving, telling
from creditmesh.exchange.store import copies, refusals, waiting
from creditmesh.exchange.store import pages as store_pages
from creditmesh.node import feeds
from creditmesh.schemas import exchange, received
from creditmesh.schemas.events import EntriesJudged, PageReceived
from creditmesh.schemas.exchange import NEWER_VERSION, NOT_JUDGED, EntryLine, FeedEntry
from tests.exchange.conftest import City, row_of
from tests.exchange.sender import Puller, pulling_from_a_sender
from tests.support.eventually import eventually

JUDGED = "select data from bus.event where type = 'entries.judged' and key = $1 order by id"
PAGES = """
    select p.data from exchange.received_page p join bus.event_order o on o.event = p.id
     where p.key = $1 order by o.number
"""
FIRST, SECOND, THIRD = (str(uuid4()) for _ in range(3))


BODY = {
    "rev": 3,
    "revision": str(uuid4()),
    "change": "corrected",
    "state": "published",
    "party": "market_regulation",
    "item": "administrative_penalty",
    "kind": "organisation",
    "decided_on": "2026-05-11",
    "display_from": "2026-05-11",
    "issuer": "11990000000000019A",
    "fields": {},
}
"""Of a record's revision, but for its severity and whose it is."""


class NewerLine(EntryLine):
    """As a version reads it that knows one type more."""

    type: Literal["record", "catalogue", "acknowledged", "feed.key", "erased"]


@pytest.fixture
async def pulls(city: City, tmp_path: Path) -> AsyncIterator[Puller]:
    async with pulling_from_a_sender(city, tmp_path / "keys") as made:
        of_record = {"type": "record", "rev": 1, "change": "accepted", "origin": made.sender.who.code}
        made.sender.add(**of_record | {"record": FIRST})
        made.sender.add(type="erased", record=FIRST, until={"a": "newer shape"})
        made.sender.add(**of_record | {"record": FIRST, "rev": 2})  # it waits behind the one before it
        made.sender.add(**of_record | {"record": SECOND})
        made.sender.add(v=2, record=THIRD)
        await made.step()
        await city.node.settled()  # pages that are read in one turn are judged as one
        made.sender.add(**of_record | {"record": FIRST, "rev": 3})
        made.sender.add(**of_record | {"record": SECOND, "rev": 2})
        await made.step()
        await city.node.settled()
        yield made


async def judged(pulls: Puller) -> list[tuple[int, int, dict[int, str]]]:
    await pulls.city.node.settled()
    await eventually(lambda: seen_to(pulls))
    async with pulls.city.node.database.session() as session:
        rows = await session.fetch(JUDGED, f"{pulls.sender.who.code}/up")
    told = [EntriesJudged.model_validate_json(row["data"]) for row in rows]
    return [(each.first, each.until, {refused.index: refused.code for refused in each.refused}) for each in told]


async def seen_to(pulls: Puller) -> bool:
    """Whether of all that could not be judged it is known whether it waits."""
    async with pulls.city.node.database.session() as session:
        return await session.fetchval("select not exists (select from exchange.refused_entry where not seen_to)")


async def pages(pulls: Puller) -> list[PageReceived]:
    await pulls.city.node.settled()
    async with pulls.city.node.database.session() as session:
        rows = await session.fetch(PAGES, f"{pulls.sender.who.code}/up")
    return [PageReceived.model_validate_json(unpack(row["data"])) for row in rows]


async def test_what_has_no_word_here_waits_and_the_rest_of_the_feed_goes_on(pulls: Puller):
    told = await judged(pulls)
    assert [each[:2] for each in told] == [(0, 5), (5, 7)]
    refused = {index: code for *_, codes in told for index, code in codes.items()}
    assert [index for index, code in refused.items() if code == NEWER_VERSION] == [0, 1, 2, 4, 5]
    assert {index for index, code in refused.items() if code != NEWER_VERSION} == {3, 6}, "their bodies are no bodies"
    bodies = {entry.index: entry.body for page in await pages(pulls) for entry in page.entries}
    assert {index for index, body in bodies.items() if body is not None} == {0, 1, 2, 4, 5}, "they will be needed"


async def test_it_is_named_where_an_operator_looks(pulls: Puller):
    code = pulls.sender.who.code
    said = "5 entries wait for a newer version: behind another, type erased, v 2"
    await pulls.step()  # nothing came, and it looks how the copy stands
    pulls.pulling._at = None
    await pulls.step()
    assert (await pulls.city.node.host.readiness())["stopped"]["exchange"][f"{code}/up"] == said
    assert REGISTRY.get_sample_value("creditmesh_feed_waiting_entries", {"peer": code, "feed": "up"}) == 5
    assert REGISTRY.get_sample_value("creditmesh_feed_stopped", {"peer": code, "feed": "up"}) == 0
    listed = (await pulls.city.node.operator().get("/v1/admin/feeds")).json()["items"]
    [line] = [each for each in listed if each["peer"] == code]
    assert (line["alarm"], line["waiting"], line["unknown"]) == (None, 5, ["behind another", "type erased", "v 2"])

    class Answering:
        def call(self, *_: object) -> object:
            return {"items": listed}

    [(*place, state)] = [line for line in feeds.listed(Answering()) if line[0] == code]
    assert place == [code, "up", "7"]
    assert state.startswith(f"ok; {said}; refused here: unreadable_entry ")


async def test_a_version_that_knows_the_word_is_told_it_in_the_order_of_each_record(
    pulls: Puller, monkeypatch: pytest.MonkeyPatch
):
    before = len(await judged(pulls))
    await pulls.pulling._tell_again()
    assert len(await pages(pulls)) == 2, "this version knows no more than when they came"
    monkeypatch.setattr(received, "EntryLine", NewerLine)
    await pulls.pulling._tell_again()
    again = (await pages(pulls))[2:]
    assert [[entry.index for entry in page.received] for page in again] == [[0], [1], [2], [5]]
    assert [page.received[0].type for page in again] == ["record", "erased", "record", "record"]
    assert [page.replaced for page in again] == [(0,), (), (2,), ()], "what was replaced meanwhile is not said"
    assert [entry.line for page in again for entry in page.entries] == [
        pulls.sender.entries[index]["line"] for index in (0, 1, 2, 5)
    ]
    told = (await judged(pulls))[before:]
    assert {index for first, until, _ in told for index in range(first, until)} == {0, 1, 2, 5}
    assert NEWER_VERSION not in {code for *_, codes in told for code in codes.values()}
    async with pulls.city.node.context("exchange") as ctx:
        copy = await copies.copy_of(await ctx.session(), pulls.sender.who.code, "up")
    assert (copy.waiting, list(copy.unknown)) == (1, ["v 2"])
    await pulls.pulling._tell_again()
    assert len(await pages(pulls)) == 6, "each once"


async def test_a_page_that_was_told_as_waiting_is_so_for_a_newer_reader_too(
    pulls: Puller, monkeypatch: pytest.MonkeyPatch
):
    [first, _] = await pages(pulls)
    monkeypatch.setattr(received, "EntryLine", NewerLine)  # not before: the node's own loop would tell it again
    assert [entry.type for entry in first.received] == [None, None, None, "record", None]


async def test_two_processes_that_begin_at_once_tell_it_once(pulls: Puller, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(received, "EntryLine", NewerLine)
    code = pulls.sender.who.code
    async with pulls.city.node.context("exchange") as one:
        await receiving.tell_again(one, code, "up")
    async with pulls.city.node.context("exchange") as other:
        await receiving.tell_again(other, code, "up")
    assert len(await pages(pulls)) == 6


async def test_an_end_acts_at_once_whatever_waits_before_it_and_again_in_its_order(
    pulls: Puller, monkeypatch: pytest.MonkeyPatch
):
    pulls.sender.add(type="record", rev=4, change="withdrawn", origin=pulls.sender.who.code, record=FIRST)
    await pulls.step()
    (first, until, codes) = (await judged(pulls))[-1]
    assert (first, until, codes) == (7, 8, {}), "it was applied"
    async with pulls.city.node.context("exchange") as ctx:
        assert (await copies.copy_of(await ctx.session(), pulls.sender.who.code, "up")).waiting == 5
    monkeypatch.setattr(received, "EntryLine", NewerLine)
    await pulls.pulling._tell_again()
    again = (await pages(pulls))[3:]
    assert [[entry.index for entry in page.received] for page in again] == [[0], [1], [2], [5], [7]]
    assert [page.replaced for page in again] == [(0,), (), (2,), (5,), ()], "none of it is shown for a moment"


async def test_a_page_asks_for_nothing_that_waits_but_of_its_own_records(pulls: Puller):
    await pulls.city.node.settled()
    async with pulls.city.node.database.session() as other, other.transaction():
        await other.fetch("select from exchange.waiting for update")
        pulls.sender.add(type="record", rev=1, change="accepted", origin=pulls.sender.who.code, record=str(uuid4()))
        await asyncio.wait_for(pulls.step(), 60)
    assert (await pulls.copy()).range.size == 8


async def test_of_many_words_some_are_named_and_all_that_waits_is_counted(pulls: Puller):
    for n in range(40):
        pulls.sender.add(type=f"word{n}")
    await pulls.step()
    copy = await pulls.copy()
    assert (copy.waiting, len(copy.unknown)) == (45, 20)


NEWER_BODY = {"severity": "a word of a newer version"} | BODY
KEPT = "select first, data from exchange.received_page where key = $1 and first <= $2 and until > $2 order by id"
REFUSED = "select index, code from exchange.refused_entry where peer = $1 order by index"


async def unjudged(pulls: Puller, record: str, rev: int = 1, *, origin: str | None = None) -> str:
    """The next entry, of which this version lacks a word; its body."""
    code = origin or pulls.sender.who.code
    said = NEWER_BODY | {"record": record, "rev": rev, "change": "accepted", "origin": code}
    pulls.sender.add_with(orjson.dumps(said).decode(), type="record", **said_of(said))
    await pulls.step()
    assert (await judged(pulls))[-1][2] == {len(pulls.sender.entries) - 1: NOT_JUDGED}
    return orjson.dumps(said).decode()


def said_of(body: dict[str, object]) -> dict[str, object]:
    return {name: body[name] for name in ("record", "rev", "change", "origin")}


async def kept(pulls: Puller, index: int) -> list[str | None]:
    """The body of that entry in each row that has the entry."""
    async with pulls.city.node.database.session() as session:
        rows = await session.fetch(KEPT, f"{pulls.sender.who.code}/up", index)
    found = [PageReceived.model_validate_json(unpack(row["data"])).entries[index - row["first"]] for row in rows]
    return [entry.body for entry in found]


def knows_the_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "read_body", lambda _: None)


async def test_what_could_not_be_judged_is_told_again_by_whoever_has_the_word(
    pulls: Puller, monkeypatch: pytest.MonkeyPatch
):
    body = await unjudged(pulls, str(uuid4()))
    copy = await pulls.copy()
    assert (copy.waiting, "not judged" in copy.unknown) == (6, True)
    before = len(await pages(pulls))
    await pulls.pulling._tell_again()
    assert len(await pages(pulls)) == before, "this version lacks the word still"
    knows_the_word(monkeypatch)
    await pulls.pulling._tell_again()
    assert [(entry.index, entry.body) for entry in (await pages(pulls))[-1].entries] == [(7, body)]
    assert (await judged(pulls))[-1] == (7, 8, {7: NOT_JUDGED})
    assert (await pulls.copy()).waiting == 6, "ingestion has it no more than before, so it waits again"
    await pulls.pulling._tell_again()
    await judged(pulls)
    assert await kept(pulls, 7) == [None, None, body], "a body stands once, however often it is told"


@pytest.mark.parametrize("change", ["withdrawn", "discharged", "marked"])
async def test_what_could_not_be_judged_is_told_again_with_what_came_of_its_record(
    pulls: Puller, monkeypatch: pytest.MonkeyPatch, change: str
):
    record = str(uuid4())
    await unjudged(pulls, record)
    code = pulls.sender.who.code
    pulls.sender.add(type="record", rev=2, change=change, origin=code, record=record)
    await pulls.step()
    waits = (await pages(pulls))[-1].waiting
    assert waits == (() if change == "withdrawn" else (8,)), "an end holds at once, all else waits with its record"
    knows_the_word(monkeypatch)
    await pulls.pulling._tell_again()
    again = (await pages(pulls))[-2:]
    assert [[entry.index for entry in page.received] for page in again] == [[7], [8]]
    assert [page.replaced for page in again] == [(7,) if change == "withdrawn" else (), ()]


async def test_what_was_ended_before_it_was_known_that_it_waits_does_not_wait(pulls: Puller):
    code, record = pulls.sender.who.code, str(uuid4())
    said = NEWER_BODY | {"record": record, "rev": 1, "change": "accepted", "origin": code}
    pulls.sender.add_with(orjson.dumps(said).decode(), type="record", **said_of(said))
    pulls.sender.add(type="record", rev=2, change="withdrawn", origin=code, record=record)
    await pulls.step()
    assert (await judged(pulls))[-1] == (7, 9, {7: NOT_JUDGED})
    assert (await pulls.copy()).waiting == 5
    assert await kept(pulls, 7) == [None]


async def test_of_what_could_not_be_judged_so_much_waits_and_no_more(pulls: Puller, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(answering, "_MOST_NOT_JUDGED", 1)
    await unjudged(pulls, str(uuid4()))
    await unjudged(pulls, str(uuid4()))
    assert (await pulls.copy()).waiting == 6
    assert await kept(pulls, 8) == [None]
    async with pulls.city.node.database.session() as session:
        rows = await session.fetch(REFUSED, pulls.sender.who.code)
    assert [tuple(row) for row in rows][-1] == (8, NOT_JUDGED), "its operator may offer it"
    assert 7 not in [row["index"] for row in rows]


async def test_what_could_not_be_judged_of_one_origin_takes_no_other_its_room(
    pulls: Puller, monkeypatch: pytest.MonkeyPatch
):
    who = pulls.sender.who
    more = {"place": "below", "order": 800 + int(who.code.removeprefix("sender")), "sends_for": [who.code, "county9"]}
    await pulls.city.publish("party", row_of(who.code, who.keys, **more))
    monkeypatch.setattr(answering, "_MOST_NOT_JUDGED", 1)
    for _ in range(2):
        await unjudged(pulls, str(uuid4()))
    await unjudged(pulls, str(uuid4()), origin="county9")
    assert await refused(pulls) == [3, 6, 8]
    assert (await pulls.copy()).waiting == 7


async def test_what_waited_before_an_upgrade_is_said_to_wait_and_an_end_among_it_holds(pulls: Puller):
    code = pulls.sender.who.code
    await pulls.city.node.settled()
    pulls.sender.add(type="record", rev=4, change="withdrawn", origin=code, record=FIRST)
    await pulls.step()
    before = len(await pages(pulls))
    async with pulls.city.node.database.session("ddl") as session:
        await session.execute("update exchange.waiting set unsaid = true, record = null where index < 3")
        await session.execute("delete from exchange.sent_revision where index = 7 and peer = $1", code)
        await session.execute(
            "insert into exchange.waiting (peer, feed, index, unknown, record, unsaid)"
            " values ($1, 'up', 7, 'behind another', $2, true)", code, FIRST
        )  # fmt: skip
    for _ in range(2):
        await pulls.pulling._tell_again()
        again = (await pages(pulls))[before:]
        assert [(page.first, page.waiting) for page in again] == [(0, (0,)), (1, (1,)), (2, (2,)), (7, ())]
    async with pulls.city.node.database.session() as session:
        rows = await session.fetch("select index, record::text from exchange.waiting where peer = $1", code)
    assert sorted(tuple(row) for row in rows) == [(0, FIRST), (1, FIRST), (2, FIRST), (4, THIRD), (5, FIRST)]


async def test_what_waited_is_told_in_turns_and_who_begins_anew_goes_on_where_another_ended(
    pulls: Puller, monkeypatch: pytest.MonkeyPatch
):
    tell_again = receiving.tell_again

    async def not_yet(*_: object, **__: object) -> None:
        """The node's own loop begins some time."""

    monkeypatch.setattr(receiving, "tell_again", not_yet)
    monkeypatch.setattr(receiving, "_AT_ONCE", 2)
    monkeypatch.setattr(received, "EntryLine", NewerLine)
    code = pulls.sender.who.code
    async with pulls.city.node.context("exchange") as ctx:
        assert await tell_again(ctx, code, "up") == 2
    assert [page.first for page in (await pages(pulls))[2:]] == [0, 1]
    assert ((await pulls.copy()).waiting, list((await pulls.copy()).unknown)) == (3, ["behind another", "v 2"])
    monkeypatch.setattr(receiving, "tell_again", tell_again)
    await pulls.pulling._tell_again()
    assert [page.first for page in (await pages(pulls))[2:]] == [0, 1, 2, 5]
    assert ((await pulls.copy()).waiting, list((await pulls.copy()).unknown)) == (1, ["v 2"])


async def test_what_no_word_is_known_of_is_not_read_however_much_it_is(pulls: Puller, monkeypatch: pytest.MonkeyPatch):
    looked: list[int] = []
    at = store_pages.at

    async def counted(session: Session, peer: str, feed: str, indices: Collection[int]) -> dict[int, FeedEntry]:
        looked.extend(indices)
        return await at(session, peer, feed, indices)

    await pulls.pulling._tell_again()
    monkeypatch.setattr(store_pages, "at", counted)
    async with pulls.city.node.database.session() as other, other.transaction():
        await other.fetch("select from exchange.copy_head for update")
        await pulls.pulling._tell_again()
    assert looked == [1, 4], "one that says so of each word, and nobody's head is waited for"


async def test_what_is_refused_waits_for_nobody_who_moves_the_copy(pulls: Puller):
    await pulls.city.node.settled()
    code = pulls.sender.who.code
    async with pulls.city.node.database.session() as session:
        [row] = [row for row in await session.fetch(JUDGED, f"{code}/up") if b'"refused":[]' not in row["data"]][:1]
    said = EntriesJudged.model_validate_json(row["data"])
    refused = tuple(each for each in said.refused if each.code not in {NEWER_VERSION, NOT_JUDGED})
    assert refused
    async with pulls.city.node.database.session() as other, other.transaction():
        await other.fetch("select from exchange.copy_head where peer = $1 for update", code)
        async with pulls.city.node.context("exchange") as ctx:
            await answering._note_refused(await ctx.session(), [said.model_copy(update={"refused": refused})])


async def test_two_who_take_bodies_out_of_one_page_leave_none_of_them(pulls: Puller):
    code = pulls.sender.who.code
    await pulls.city.node.settled()
    async with pulls.city.node.context("exchange") as one, pulls.city.node.context("exchange") as other:
        await answering.forget(await one.session(), [(code, "up", 0)])
        second = asyncio.create_task(answering.forget(await other.session(), [(code, "up", 1)]))
        await asyncio.wait({second}, timeout=0.5)
        await one.commit()
        await second
    assert (await kept(pulls, 0), await kept(pulls, 1)) == ([None], [None])


async def test_of_more_than_may_wait_the_rest_is_refused_is_named_and_can_be_offered(
    pulls: Puller, monkeypatch: pytest.MonkeyPatch
):
    code, fourth = pulls.sender.who.code, str(uuid4())
    for module in (waiting, exchange, received):
        monkeypatch.setattr(module, "MOST_WAITING", 5, raising=False)
    pulls.sender.add(type="erased", record=fourth)
    pulls.sender.add(type="record", rev=1, change="accepted", origin=code, record=str(uuid4()))
    await pulls.step()
    assert (await judged(pulls))[-1][:2] == (7, 9), "the feed goes on"
    copy = await pulls.copy()
    assert (copy.range.size, copy.waiting) == (9, 5)
    assert await refused(pulls) == [3, 6, 7, 8]
    pulls.pulling._at = None
    await pulls.step()
    said = (await pulls.city.node.host.readiness())["stopped"]["exchange"][f"{code}/up"]
    assert said.startswith("5 entries wait for a newer version, and more are refused until they are offered again")
    monkeypatch.setattr(received, "EntryLine", NewerLine)
    async with pulls.city.node.context("exchange") as ctx:
        await telling.tell_anew(ctx, code, "up", [7])
        await ctx.commit()
    assert (await judged(pulls))[-1][:2] == (7, 8)
    assert [page.received[0].type for page in await pages(pulls) if page.first == 7 and page.until == 8] == ["erased"]


async def refused(pulls: Puller) -> list[int]:
    await pulls.city.node.settled()
    async with pulls.city.node.context("exchange") as ctx:
        return await refusals.refused(await ctx.session(), pulls.sender.who.code, "up", after=0, limit=50)


@pytest.fixture
async def turns(pulls: Puller, monkeypatch: pytest.MonkeyPatch) -> Callable[[], AsyncIterator[int]]:
    """Turns of telling what waits, by whoever begins to follow the feed with one word more: places read in each."""
    tell_again, at, looked = receiving.tell_again, store_pages.at, list[int]()

    async def not_yet(*_: object, **__: object) -> None:
        """The node's own loop begins some time."""

    async def counted(session: Session, peer: str, feed: str, indices: Collection[int]) -> dict[int, FeedEntry]:
        looked.extend(indices)
        return await at(session, peer, feed, indices)

    async def take() -> AsyncIterator[int]:
        monkeypatch.setattr(received, "EntryLine", NewerLine)
        first: int | None = 0
        while first is not None:
            looked.clear()
            async with pulls.city.node.context("exchange") as ctx:
                first = await tell_again(ctx, pulls.sender.who.code, "up", first=first)
            yield len(looked)

    monkeypatch.setattr(receiving, "tell_again", not_yet)
    monkeypatch.setattr(store_pages, "at", counted)
    monkeypatch.setattr(receiving, "_AT_ONCE", 2)
    monkeypatch.setattr(receiving, "_MOST_AHEAD", 4, raising=False)
    return take


async def test_of_a_record_that_waits_longer_no_more_is_read_than_tells_that_it_does(
    pulls: Puller, turns: Callable[[], AsyncIterator[int]]
):
    record = str(uuid4())
    pulls.sender.add(type="erased", record=record)
    pulls.sender.add(80, type="later", record=record)
    await pulls.step()
    assert max([read async for read in turns()]) < 30
    assert ((await pulls.copy()).waiting, list((await pulls.copy()).unknown)) == (
        82, ["behind another", "type later", "v 2"]
    )  # fmt: skip


async def test_what_is_known_of_one_record_is_read_in_turns_and_told_in_its_order(
    pulls: Puller, turns: Callable[[], AsyncIterator[int]]
):
    record = str(uuid4())
    pulls.sender.add(80, type="erased", record=record)
    await pulls.step()
    before = len(await pages(pulls))
    assert max([read async for read in turns()]) < 30
    told = [each.index for page in (await pages(pulls))[before:] for each in page.entries]
    assert told == [0, 1, 2, 5, *range(7, 87)]
    assert (await pulls.copy()).waiting == 1


async def test_an_end_that_is_known_now_holds_also_where_whoever_read_it_stopped(
    pulls: Puller, turns: Callable[[], AsyncIterator[int]]
):
    """It stands among much that waits still, behind what nobody can use."""
    record, code = str(uuid4()), pulls.sender.who.code
    pulls.sender.add(20, type="erased", record=record)
    pulls.sender.add(type="erased", record=record, rev=2, change="withdrawn", origin=code)
    pulls.sender.add(20, type="erased", record=record)
    pulls.sender.add(type="later", record=record)
    await pulls.step()
    before = len(await pages(pulls))
    for _ in range(12):
        taken = turns()
        async for _ in taken:
            break  # after one turn: who follows the feed next begins anew, where that one ended
        await taken.aclose()
    told = [each.index for page in (await pages(pulls))[before:] for each in page.entries]
    assert told.count(27) == 1
    assert not {*range(7, 49)} - {27} & {*told}
    assert (await pulls.copy()).waiting == 42
