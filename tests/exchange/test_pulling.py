"""Pulling a peer's feed: a copy whose head is the feed's, and pages that do not fit, which stop it."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from creditmesh.chassis.bus import event
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import Uncertain
from creditmesh.chassis.packing import FRAME, unpack
from creditmesh.exchange.chunks import _written, alone
from creditmesh.exchange.operations import answering
from creditmesh.exchange.puller import Puller as AllPullers
from creditmesh.exchange.store import copies, pages
from creditmesh.exchange.store.copies import FeedCopy
from creditmesh.exchange.store.pages import ReceivedPage
from creditmesh.schemas.events import Event, PageReceived
from creditmesh.schemas.exchange import FeedEntry
from creditmesh.schemas.received import BEHIND
from creditmesh.schemas.tlog import Range, leaf_hash
from tests.exchange.conftest import City, Neighbour, neighbour
from tests.exchange.sender import Lines, Puller, pulling_from_a_sender


@pytest.fixture
async def puller(city: City, tmp_path: Path) -> AsyncIterator[Puller]:
    async with pulling_from_a_sender(city, tmp_path / "keys") as made:
        yield made


async def test_the_copy_has_the_feeds_head_and_every_entry_is_told_once(puller: Puller):
    for count in (3, 1, 7):
        puller.sender.add(count)
        await puller.step()
    copy = await puller.copy()
    whole, _ = Range.empty().extended(leaf_hash(e["line"].encode()) for e in puller.sender.entries)
    assert copy.range == whole
    assert copy.note == puller.sender.note(puller.sender.entries)
    assert copy.alarm is None
    assert await puller.told() == 11
    await puller.step()
    assert await puller.told() == 11


async def test_a_page_is_parsed_once_and_read_by_all_who_are_told(puller: Puller, monkeypatch: pytest.MonkeyPatch):
    kept, write = list[ReceivedPage](), pages.write
    parsed, read_event = list[tuple[type[Event], bytes]](), event.read_event

    async def noted(session: Session, rows: Sequence[ReceivedPage]) -> None:
        kept.extend(rows)
        await write(session, rows)

    def counted(cls: type[Event], data: bytes, **how: Any) -> Event:
        parsed.append((cls, data))
        return read_event(cls, data, **how)

    puller.sender.add(1)
    await puller.step()  # from here on the copy is not behind
    monkeypatch.setattr(pages, "write", noted)
    monkeypatch.setattr(event, "read_event", counted)
    puller.sender.add(3)
    await puller.step()
    assert await puller.told() == 4
    [row] = kept
    told = event._PARSED.read(PageReceived, row.data, PageReceived.version)
    assert (PageReceived, row.data) not in parsed
    whole = PageReceived.model_validate_json(unpack(row.data))
    assert isinstance(told, PageReceived)
    assert (told, told.received) == (whole, whole.received)


KEPT = "select part, id, data, weight from exchange.received_page where peer = $1 and first = 0 and not keys"
PLAIN = "update exchange.received_page set data = $3, weight = null where part = $1 and id = $2"


async def test_what_was_pulled_is_kept_packed_and_read_once_in_a_process(
    puller: Puller, monkeypatch: pytest.MonkeyPatch
):
    puller.sender.add(3)
    await puller.step()
    peer = puller.sender.who.code
    async with puller.city.node.database.session() as session:
        row = await session.fetchrow(KEPT, peer)
    plain = unpack(row["data"])
    assert row["data"].startswith(FRAME)
    assert row["weight"] == len(plain) > len(row["data"])
    async with puller.city.node.context("exchange") as ctx:
        first = await pages.read_at(await ctx.session(), peer, "up", [0, 2])
        monkeypatch.setattr(event, "read_event", None)  # nobody parses the page once more
        again = await pages.read_at(await ctx.session(), peer, "up", [0, 2])
    whole = PageReceived.model_validate_json(plain)
    assert [each.kept for each in first.values()] == [whole.entries[0], whole.entries[2]]
    assert all(again[index].read is first[index].read for index in (0, 2))
    assert first[0].read.said is again[0].read.said


async def test_a_page_that_was_kept_plain_is_read_as_it_is_and_packed_when_it_forgets(puller: Puller):
    puller.sender.add(3)
    await puller.step()
    assert await puller.told() == 3
    peer = puller.sender.who.code
    entries = tuple(FeedEntry.model_validate_json(json.dumps(each)) for each in puller.sender.entries)
    plain = _written(PageReceived(peer=peer, feed="up", first=0, until=3, entries=entries)).data
    async with puller.city.node.database.session() as session:
        row = await session.fetchrow(KEPT, peer)
        await session.execute(PLAIN, row["part"], row["id"], plain)
    async with puller.city.node.context("exchange") as ctx:
        session = await ctx.session()
        assert await pages.at(session, peer, "up", [1]) == {1: entries[1]}
        assert await pages.kept(session, peer, "up", after=0, until=3) == list(entries)
        assert await pages.lines(session, peer, "up", after=1, until=3) == [each.line for each in entries[1:]]
        stretch = await pages.kept_until(session, peer, "up", after=0, limit=10)
        assert stretch is not None
        assert (stretch.whole, stretch.weight) == (True, len(plain))
        await answering.forget(session, [(peer, "up", 1)])
        await ctx.commit()
    async with puller.city.node.database.session() as session:
        now = await session.fetchrow(KEPT, peer)
    assert now["data"].startswith(FRAME)
    assert now["weight"] == len(unpack(now["data"])) < len(plain)
    left = PageReceived.model_validate_json(unpack(now["data"])).entries
    assert [each.body is None for each in left] == [False, True, False]
    assert [each.line for each in left] == [each.line for each in entries]


def test_what_is_read_of_a_page_is_of_the_page_as_it_is_told():
    entry = FeedEntry(index=7, line='{"v":1}', salt=None, body=None)
    chunk = alone("sender", "up", entry)
    assert [each.index for each in chunk.page.received if each.unknown == BEHIND] == []
    waiting = chunk.with_waiting([7])
    assert waiting.page.received == PageReceived.model_validate_json(waiting.data).received
    assert [each.index for each in waiting.page.received if each.unknown == BEHIND] == [7]


@pytest.mark.parametrize("changed", [{}, {"peer": "city"}, {"waiting": (7,), "replaced": (8,), "anew": True}])
def test_a_chunk_is_written_as_its_model_writes_it(changed: dict[str, Any]):
    salted = FeedEntry(index=7, line='{"v":1}', salt=bytes(range(250, 256)), body='{"说":"\u2028é"}')
    entries = (salted, FeedEntry(index=8, line="", salt=None, body=None))
    page = PageReceived(peer="sender", feed="up", first=7, until=9, entries=entries).model_copy(update=changed)
    assert _written(page).data == page.model_dump_json().encode()
    assert set(FeedEntry.model_fields) == {"index", "line", "salt", "body"}


def tampered(lines: Lines) -> Lines:
    return [lines[0] | {"line": lines[0]["line"].replace('"v":1', '"v": 1')}, *lines[1:]]


def other_body(lines: Lines) -> Lines:
    return [lines[0] | {"body": '{"kind":"list","n":99}'}, *lines[1:]]


def truncated(lines: Lines) -> Lines:
    return [*lines[:-2], lines[-1]]


def reordered(lines: Lines) -> Lines:
    return [lines[1], lines[0], *lines[2:]]


def renumbered(lines: Lines) -> Lines:
    swapped = [lines[1] | {"index": lines[0]["index"]}, lines[0] | {"index": lines[1]["index"]}]
    return [*swapped, *lines[2:]]


def longer(lines: Lines) -> Lines:
    return [*lines[:-1], lines[0] | {"index": lines[-2]["index"] + 1}, lines[-1]]


def after_the_end(lines: Lines) -> Lines:
    return [*lines, lines[0]]


def not_json(lines: Lines) -> Lines:
    return [{"index": "x"}, *lines[1:]]


SPOILT = [tampered, other_body, truncated, reordered, renumbered, longer, after_the_end, not_json]


@pytest.mark.parametrize("spoil", SPOILT, ids=lambda spoil: spoil.__name__)
async def test_a_page_that_does_not_fit_stops_the_feed_and_nothing_of_it_is_applied(puller: Puller, spoil):
    puller.sender.add(2)
    await puller.step()
    before = await puller.copy()
    puller.sender.add(3)
    puller.sender.spoil = spoil
    await puller.step()
    stopped = await puller.copy()
    assert stopped.alarm
    assert stopped.range == before.range
    assert await puller.told() == 2
    listed = (await puller.city.node.operator().get("/v1/admin/feeds")).json()["items"]
    [line] = [each for each in listed if each["peer"] == puller.sender.who.code]
    assert line["alarm"] == stopped.alarm


async def test_a_replayed_page_stops_the_feed(puller: Puller):
    puller.sender.add(2)
    await puller.step()
    first = [*puller.sender.entries, {"checkpoint": puller.sender.note(puller.sender.entries)}]
    puller.sender.add(2)
    puller.sender.spoil = lambda _: first
    await puller.step()
    assert (await puller.copy()).alarm == "order at index 2"


async def test_a_forked_log_stops_the_feed(puller: Puller):
    puller.sender.add(4)
    await puller.step()
    before = await puller.copy()
    puller.sender.entries[1]["line"] = puller.sender.entries[1]["line"].replace("T00:00:00", "T00:00:01")
    puller.sender.add(1)
    await puller.step()
    after = await puller.copy()
    assert after.alarm == "root at index 4"
    assert after.range == before.range


async def test_a_feed_that_went_back_stops(puller: Puller):
    puller.sender.add(4)
    await puller.step()
    del puller.sender.entries[2:]
    await puller.step()
    assert (await puller.copy()).alarm == "size at index 4"


async def test_a_head_signed_by_another_key_stops_the_feed(puller: Puller, tmp_path):
    puller.sender.add(1)
    puller.sender.who = Neighbour(puller.sender.who.code, neighbour("other", tmp_path / "other").keys)
    await puller.step()
    assert (await puller.copy()).alarm == "signature at index 0"


async def test_a_page_that_was_cut_off_on_the_way_is_asked_for_again(puller: Puller):
    puller.sender.add(3)
    puller.sender.spoil = lambda lines: lines[:-1]
    await puller.step()
    assert (await puller.copy()).range.size == 0
    assert (await puller.copy()).alarm is None
    puller.sender.spoil = list
    await puller.step()
    assert (await puller.copy()).range.size == 3


async def test_a_stopped_feed_goes_on_when_the_operator_says_so_and_skips_nothing(puller: Puller):
    puller.sender.add(3)
    puller.sender.spoil = tampered
    await puller.step()
    code = puller.sender.who.code
    answer = await puller.city.node.operator().post(f"/v1/admin/feeds/{code}/up/resume")
    assert answer.status_code == 200
    assert answer.json()["alarm"] is None
    puller.sender.spoil = list
    await puller.step()
    assert (await puller.copy()).range.size == 3
    again = await puller.city.node.operator().post(f"/v1/admin/feeds/{code}/up/resume")
    assert again.status_code == 409
    assert again.json()["code"] == "not_stopped"


async def test_two_pullers_of_one_feed_apply_every_entry_once(puller: Puller):
    puller.sender.add(40)
    ends = await puller.at_once(3)
    assert sorted(map(type, ends), key=str) == sorted([type(None), Uncertain, Uncertain], key=str)
    await puller.step()
    assert (await puller.copy()).range.size == 40
    assert await puller.told() == 40


async def test_without_the_compare_and_set_of_a_copy_two_pullers_tell_every_entry_twice(
    puller: Puller, monkeypatch: pytest.MonkeyPatch
):
    async def from_anywhere(_: object, before: FeedCopy, after: Range, *, note: str) -> FeedCopy:
        return replace(before, range=after, note=note, held_from=None)

    monkeypatch.setattr(copies, "move", from_anywhere)
    puller.sender.add(5)
    assert await puller.at_once(2) == [None, None]
    assert await puller.told() == 10, "the control of the test above: what it counts does double"


async def test_a_puller_that_is_ended_while_it_ends_its_loops_leaves_none_running():
    async def lingers() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)

    made = AllPullers.__new__(AllPullers)
    made._loops = {name: asyncio.create_task(lingers(), name=name) for name in ("pull a", "pull b", "acknowledge a")}
    loops = [*made._loops.values()]
    await asyncio.sleep(0)
    ending = asyncio.create_task(made._end_all())
    await asyncio.sleep(0)
    ending.cancel()
    await asyncio.wait([ending, *loops], timeout=10)
    assert all(loop.done() for loop in loops)
