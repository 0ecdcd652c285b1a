"""Pulling a peer's feed: a copy whose head is the feed's, and pages that do not fit, which stop it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from hashlib import sha256

import httpx
import orjson
import pytest

from creditmesh.exchange.peer import Peer
from creditmesh.exchange.pulling import Pulling
from creditmesh.exchange.store import copies
from creditmesh.exchange.store.copies import FeedCopy
from creditmesh.schemas.exchange import feed_origin
from creditmesh.schemas.tlog import Checkpoint, Range, checkpoint_text, leaf_hash, signed_note
from tests.exchange.conftest import City, Neighbour, neighbour, row_of

Lines = list[dict]


@dataclass
class Sender:
    """A peer below at the edge of the world: it makes a feed with its own keys, and may spoil the pages it sends."""

    who: Neighbour
    entries: Lines = field(default_factory=list)
    spoil: Callable[[Lines], Lines] = field(default=list)

    def add(self, count: int) -> None:
        for _ in range(count):
            index = len(self.entries)
            body = orjson.dumps({"kind": "list", "n": index}).decode()
            line = orjson.dumps(
                {"v": 1, "type": "catalogue", "at": "2026-11-27T00:00:00Z", "commitment": _commitment(body)}
            ).decode()
            self.entries.append({"index": index, "line": line, "salt": "c2FsdA==", "body": body})

    def note(self, entries: Lines) -> str:
        made, _ = Range.empty().extended(leaf_hash(entry["line"].encode()) for entry in entries)
        origin = feed_origin(self.who.code, "up")
        return signed_note(
            checkpoint_text(Checkpoint(origin, made.size, made.root())),
            name=origin,
            public=self.who.keys.public("node").raw,
            sign=self.who.keys.sign,
        )

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/feeds"):
            return httpx.Response(200, json={"items": [{"feed": "up", "size": len(self.entries), "root": ""}]})
        after = int(request.url.params["after"])
        if after > len(self.entries):
            return httpx.Response(422, json={"code": "beyond_feed"})
        page = self.entries[after:]
        if not page:
            return httpx.Response(200, content=b"")
        lines = self.spoil([*page, {"checkpoint": self.note(self.entries)}])
        return httpx.Response(200, content=b"".join(orjson.dumps(line) + b"\n" for line in lines))


def _commitment(body: str) -> str:
    return sha256(b"salt" + body.encode()).hexdigest()


@dataclass
class Puller:
    """One pull loop of the city's at that sender, a step at a time."""

    city: City
    sender: Sender
    pulling: Pulling

    async def step(self) -> None:
        await self.pulling._step()

    async def copy(self) -> FeedCopy:
        async with self.city.node.context("exchange") as ctx:
            return await copies.copy_of(await ctx.session(), self.sender.who.code, "up")

    async def told(self) -> int:
        """How many of its entries were told."""
        query = "select count(*) from bus.event where type = 'catalogue.received' and key = $1"
        async with self.city.node.database.session() as session:
            return await session.fetchval(query, f"{self.sender.who.code}/up")


_codes = iter(f"sender{n}" for n in range(100))


@pytest.fixture
async def puller(city: City, tmp_path) -> AsyncIterator[Puller]:
    who = neighbour(next(_codes), tmp_path / "keys")
    order = 800 + int(who.code.removeprefix("sender"))
    await city.publish("party", row_of(who.code, who.keys, place="below", order=order, sends_for=[who.code]))
    sender = Sender(who)
    equipment = city.node.host.equipment["exchange"]
    async with httpx.AsyncClient(transport=httpx.MockTransport(sender.answer)) as client:

        def peer() -> Peer:
            party = city.node.host.followed.party(who.code)
            party = party.model_copy(update={"url": "http://sender"})
            return Peer(party=party, node="city", keys=equipment.keys, clock=equipment.clock, client=client)

        yield Puller(city, sender, Pulling(equipment, peer, "up"))


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
    results = await asyncio.gather(puller.step(), puller.step(), puller.step(), return_exceptions=True)
    assert any(result is None for result in results)
    await puller.step()
    assert (await puller.copy()).range.size == 40
    assert await puller.told() == 40


async def test_without_the_compare_and_set_of_a_copy_two_pullers_tell_every_entry_twice(
    puller: Puller, monkeypatch: pytest.MonkeyPatch
):
    async def from_anywhere(*_: object, **__: object) -> None:
        return

    monkeypatch.setattr(copies, "move", from_anywhere)
    monkeypatch.setattr(copies, "write", from_anywhere)
    puller.sender.add(5)
    await asyncio.gather(puller.step(), puller.step())
    assert await puller.told() == 10, "the control of the test above: what it counts does double"
