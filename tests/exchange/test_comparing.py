"""What others hold of a node's feeds is asked before anything is appended or served; its own signature alone counts."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import httpx
import orjson
import pytest

from creditmesh.chassis.context import Context
from creditmesh.chassis.equipment import Equipment
from creditmesh.chassis.http.signatures import TO
from creditmesh.exchange import comparer
from creditmesh.exchange.comparer import Comparer
from creditmesh.exchange.entries import key_draft
from creditmesh.exchange.errors import FeedBehind, NotCompared, NotRestored
from creditmesh.exchange.operations import comparing, passing, restoring, serving
from creditmesh.exchange.operations.feeds import append
from creditmesh.exchange.store import feeds, tiles
from creditmesh.exchange.store.child_entries import ChildEntry
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.exchange import AcknowledgedBody, feed_origin
from creditmesh.schemas.tlog import Checkpoint, Range, checkpoint_text, leaf_hash, signed_note
from tests.exchange.conftest import NOW, City, appended, node_caller, row_of
from tests.exchange.sender import answered
from tests.support.eventually import eventually

Answer = Callable[[httpx.Request], httpx.Response]
OWN = "select had from bus.catching_up where peer = 'city'"
LEAVES = [leaf_hash(b"%d" % number) for number in range(600)]


def a_draft(number: int):
    return key_draft(key=f"k{number}", alg="a", wrapped=[], at=NOW)


@dataclass
class Process:
    """Another process of the city's exchange, which has heard of nobody yet."""

    city: City
    equipment: Equipment

    async def hears(self, answer: Answer) -> None:
        """Look once; every reader of the city's feeds answers so."""
        comparer = Comparer(SimpleNamespace(equipment=self.equipment))
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            await comparer.look(client)

    async def append(self) -> int:
        context = Context(self.equipment)
        try:
            place = await appended(context, [a_draft(0)])
            await context.commit()
        finally:
            await context.rollback()
        return place

    async def serve(self) -> bytes:
        context = Context(self.equipment, caller=node_caller("province"))
        try:
            return b"".join([part async for part in await serving.page(context, "up", after=0, limit=1000, wait=0)])
        finally:
            await context.rollback()

    async def own_row(self) -> list[int]:
        """How much of its own feed the node has to go by again, where it does."""
        async with self.city.node.database.session() as session:
            return [row["had"] for row in await session.fetch(OWN)]

    async def lacks(self, wanted: list[int]) -> bool:
        return await self.own_row() == wanted

    async def bodies(self, feed: str) -> list[str]:
        query = "select body from exchange.feed_entry where feed = :feed order by index"
        async with self.equipment.pool.session() as session:
            found = [row["body"] for row in await session.fetch(query, {"feed": feed})]
        return [AcknowledgedBody.model_validate_json(body).model_dump_json() for body in found]

    async def city_told(self, body: AcknowledgedBody) -> bool:
        return body.model_dump_json() in await self.bodies("down-district")

    async def range(self, size: int | None = None) -> Range:
        async with self.equipment.pool.session() as session:
            return await (feeds.head(session, "up") if size is None else tiles.range_at(session, "up", size))

    def note(self, head: Range, *, feed: str = "up") -> str:
        origin, keys = feed_origin("city", feed), self.equipment.keys
        text = checkpoint_text(Checkpoint(origin, head.size, head.root()))
        return signed_note(text, name=origin, public=keys.public("node").raw, sign=keys.sign)


@pytest.fixture
async def process(city: City) -> Process:
    asked = Context(city.node.host.equipment["exchange"])
    await eventually(lambda: comparing.is_appendable(asked, "up"))  # those of before have changed who reads it
    async with city.node.context("exchange") as ctx:
        await append(ctx, "up", [a_draft(number) for number in range(300)])
    return Process(city, replace(city.node.host.equipment["exchange"], memory={}))


def holding(note: str | None, size: int = 0, *, of: str = "up") -> Answer:
    """Who reads that feed holds that; who reads another holds nothing of it."""

    def answer(request: httpx.Request) -> httpx.Response:
        feed = request.url.path.rpartition("/")[2]
        said = {"feed": feed, "peer": "city", "size": size, "root": "", "checkpoint": note if feed == of else None}
        return answered(orjson.dumps(said))

    return answer


def only(code: str, answer: Answer) -> Answer:
    """Only that peer answers."""

    def answers(request: httpx.Request) -> httpx.Response:
        return answer(request) if request.headers[TO] == code else away(request)

    return answers


def away(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("away", request=request)


async def test_nothing_is_appended_or_served_before_a_reader_has_answered(process: Process):
    for answer in (None, away, lambda _: answered(b"", 503), lambda _: answered(b'{"code":"x"}', 401)):
        if answer is not None:
            await process.hears(answer)
        for act in (process.append, process.serve):
            with pytest.raises(NotCompared):
                await act()
    await process.hears(holding(None))
    assert await process.append() > 0
    assert await process.serve()


async def test_a_node_of_an_older_version_cannot_say_and_holds_nothing_up(process: Process):
    await process.hears(lambda _: answered(b'{"code":"not_found"}', 404))
    await process.append()


@asynccontextmanager
async def another_above(city: City) -> AsyncIterator[None]:
    """A second node above the city, while this lasts."""
    row = row_of("yonder", city.above.keys, place="above", order=741)
    await city.publish("party", row, again=True)
    try:
        yield
    finally:
        await city.publish("party", row | {"active": False}, again=True)


async def test_who_holds_nothing_speaks_for_nobody_who_was_not_heard(process: Process):
    longer, _ = (await process.range()).extended(LEAVES[:5])
    async with another_above(process.city):
        for answer in (holding(None), lambda _: answered(b'{"code":"not_found"}', 404)):
            await process.hears(only("province", answer))
            for act in (process.append, process.serve):
                with pytest.raises(NotCompared):
                    await act()
        await process.hears(holding(process.note(longer), longer.size))
        with pytest.raises(FeedBehind):
            await process.append()


async def test_who_holds_a_head_lets_the_feed_go_on_while_others_are_away(process: Process):
    size = (await process.range()).size - 17
    async with another_above(process.city):
        await process.hears(only("province", holding(process.note(await process.range(size)), size)))
        await process.append()


async def test_who_has_no_address_cannot_say(process: Process):
    directory = process.equipment.followed
    assert isinstance(directory, Directory)
    party = directory.party("province")
    assert party is not None
    nowhere = Comparer(SimpleNamespace(equipment=process.equipment))._ask
    async with httpx.AsyncClient(transport=httpx.MockTransport(away)) as client:
        assert await nowhere(client, party, "up") is None
        assert await nowhere(client, party.model_copy(update={"url": None}), "up") == (("up", "province"), None)


async def test_a_reader_that_answers_a_byte_at_a_time_delays_no_feed_but_its_own(process: Process):
    ends = asyncio.Event()

    async def drips(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/up"):
            return holding(None)(request)
        await ends.wait()
        raise httpx.ConnectError("gone", request=request)

    looking = asyncio.create_task(process.hears(drips))
    try:
        await eventually(lambda: "up" in comparing.compared(process.equipment).known)
        assert not looking.done()
        await process.append()
    finally:
        ends.set()
        await looking


async def test_nobody_has_longer_than_the_time_to_answer(process: Process, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(comparer, "SECONDS_TO_ANSWER", 0.05)

    async def drips(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Drips())

    await process.hears(drips)
    assert comparing.compared(process.equipment).held == {}


class Drips(httpx.AsyncByteStream):
    async def __aiter__(self):
        while True:
            await asyncio.sleep(0.01)
            yield b" "


LESS = [{"place": None}, {"place": None, "url": None}, {"place": "below", "sends_for": ["province"]}]


@pytest.mark.parametrize("less", LESS, ids=["no place", "no place and no address", "another place"])
async def test_who_has_read_a_feed_is_waited_for_whatever_its_row_says_since(process: Process, less: dict[str, Any]):
    city, longer = process.city, (await process.range()).extended(LEAVES[:5])[0]
    row = city.node.host.followed.party("province").model_dump(mode="json")
    said = {name: value for name, value in (row | less).items() if value is not None}
    try:
        await city.publish("party", said)
        await process.hears(away)
        with pytest.raises(NotCompared):
            await process.append()
        await process.hears(holding(process.note(longer), longer.size))
        with pytest.raises(FeedBehind):
            await process.append()
        await process.hears(away)
        assert await process.own_row() == [longer.size]
        await city.publish("party", row | {"active": False}, again=True)
        await process.hears(away)
        await process.append()
        await eventually(partial(process.lacks, []))
    finally:
        await city.publish("party", row, again=True)


async def test_who_is_enrolled_later_is_asked_as_well_before_anything_more_is_appended(process: Process):
    longer, _ = (await process.range()).extended(LEAVES[:5])
    await process.hears(holding(None))
    await process.append()
    async with another_above(process.city):
        with pytest.raises(NotCompared):
            await process.append()
        await process.hears(only("yonder", holding(process.note(longer), longer.size)))
        with pytest.raises(FeedBehind):
            await process.append()
    await process.hears(away)
    await eventually(partial(process.lacks, []))


async def test_what_a_process_heard_before_takes_away_nothing_of_what_another_has_heard_since(process: Process):
    beside = replace(process, equipment=replace(process.equipment, memory={}, stopped={}))
    longer, _ = (await process.range()).extended(LEAVES[:5])
    await process.hears(holding(None))
    try:
        await beside.hears(holding(process.note(longer), longer.size))
        for _ in range(2):
            await process.hears(away)
            assert await process.own_row() == [longer.size]
    finally:
        async with process.city.node.database.session("ddl") as session:
            await session.execute("delete from bus.catching_up")


async def test_a_database_that_may_be_another_is_one_that_nobody_was_asked_about(process: Process):
    running = process.city.node.host.equipment["exchange"]
    before = comparing.compared(running)
    await process.hears(holding(None))
    await process.append()
    async with process.city.node.database.session("ddl") as session:
        await session.execute("vacuum full exchange.feed_head")  # as if it had been filled anew
    with pytest.raises(NotCompared):
        await process.append()
    await process.hears(away)
    with pytest.raises(NotCompared):
        await process.append()
    await process.hears(holding(None))
    await process.append()
    await eventually(lambda: comparing.compared(running) is not before)


async def test_who_holds_the_beginning_of_the_feed_holds_nothing_up(process: Process):
    size = (await process.range()).size - 17
    await process.hears(holding(process.note(await process.range(size)), size))
    await process.append()
    assert await process.serve()


async def test_the_range_of_any_size_is_had_from_the_tiles_and_the_lines(process: Process):
    entries, _ = await process.city.page(limit=5000)
    whole = Range.empty()
    for entry in entries:
        whole, _ = whole.extended([leaf_hash(entry.line.encode())])
        if whole.size % 37 in {0, 1} or whole.size % 256 in {0, 1}:
            assert await process.range(whole.size) == whole


async def test_a_feed_that_others_have_more_of_is_neither_appended_to_nor_served(process: Process):
    longer, _ = (await process.range()).extended(LEAVES[:5])
    await process.hears(holding(process.note(longer), longer.size))
    for act in (process.append, process.serve):
        with pytest.raises(FeedBehind):
            await act()
    assert comparing.told(process.equipment) == {"restore up": {"province": longer.size}}


async def test_a_feed_of_another_history_is_not_gone_on_with_and_cannot_be_fetched_back(process: Process):
    other, _ = Range.empty().extended(LEAVES[:300])
    await process.hears(holding(process.note(other), other.size))
    with pytest.raises(FeedBehind):
        await process.append()
    context = Context(process.equipment)
    with pytest.raises(NotRestored):
        await restoring.restore_page(context, "up")
    await context.rollback()


async def test_a_head_that_this_node_did_not_sign_says_nothing(process: Process):
    longer, _ = (await process.range()).extended(LEAVES[:5])
    origin, keys = feed_origin("city", "up"), process.city.above.keys
    text = checkpoint_text(Checkpoint(origin, longer.size, longer.root()))
    forged = signed_note(text, name=origin, public=keys.public("node").raw, sign=keys.sign)
    for note in (forged, process.note(longer, feed="down"), "no note"):
        await process.hears(holding(note, longer.size))
        await process.append()


async def test_a_feed_that_is_whole_again_goes_on_without_being_asked_about(process: Process):
    draft = a_draft(1)
    longer, _ = (await process.range()).extended([leaf_hash(draft.line.encode())])
    await process.hears(holding(process.note(longer), longer.size))
    async with process.city.node.context("exchange") as ctx:
        await append(ctx, "up", [draft])
    await process.hears(away)
    await process.append()


async def test_a_database_that_goes_back_under_a_running_process_is_found(process: Process):
    await process.hears(holding(None))
    await process.append()
    comparing.compared(process.equipment).least["up"] += 10
    for _ in range(2):
        with pytest.raises(NotCompared):
            await process.append()
    longer, _ = (await process.range()).extended(LEAVES[:10])
    await process.hears(holding(process.note(longer), longer.size))
    with pytest.raises(FeedBehind):
        await process.append()


async def test_what_a_child_is_to_be_told_waits_for_its_own_feed_alone(process: Process):
    """Whoever answers for many children is not refused for one of them; another process tells it that may."""
    longer, _ = (await process.range()).extended(LEAVES[:5])
    ahead = process.note(longer, feed="down-district")
    for number, answer in enumerate((away, holding(ahead, longer.size, of="down-district"))):
        await process.hears(answer)
        body = AcknowledgedBody(by="province", at=NOW + timedelta(seconds=number), entries=())
        context = Context(process.equipment)
        await passing.pass_on(context, [ChildEntry("district", "acknowledged", body.model_dump_json())])
        await context.commit()
        await eventually(partial(process.city_told, body))


async def test_what_waited_for_a_child_is_told_once_and_in_its_order(process: Process):
    bodies = [AcknowledgedBody(by="province", at=NOW + timedelta(days=1 + number), entries=()) for number in range(25)]
    context = Context(process.equipment)
    await passing.pass_on(context, [ChildEntry("district", "acknowledged", each.model_dump_json()) for each in bodies])
    await context.commit()
    await eventually(partial(process.city_told, bodies[-1]))
    told = await process.bodies("down-district")
    assert told[-25:] == [body.model_dump_json() for body in bodies]
    assert len(told) == len(set(told))


def test_what_a_waiting_feed_says_is_what_lets_it_go_on():
    told = NotCompared()
    assert told.detail.startswith("It goes on when all have answered, or one that holds a head")
    assert told.detail_zh.startswith("全部读取节点应答")


async def test_of_a_child_for_whom_much_waits_an_operator_hears(process: Process, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(passing, "MANY", 3)
    stopped, place = process.city.node.host.equipment["exchange"].stopped, "down-nobody answers"
    bodies = [AcknowledgedBody(by="province", at=NOW + timedelta(days=40 + n), entries=()) for n in range(4)]
    entries = [ChildEntry("nobody", "acknowledged", each.model_dump_json()) for each in bodies]
    # The children are found whatever others wait; a feed that nobody is enrolled to read may not be appended to here.
    monkeypatch.setattr(passing, "is_appendable", lambda _, feed: feed != "down-nobody")
    async with process.city.node.context("exchange") as context:
        await passing.pass_on(context, entries[:3])
    assert place not in stopped
    async with process.city.node.context("exchange") as context:
        await passing.pass_on(context, entries[3:])
    await eventually(lambda: place in stopped)
    async with process.city.node.database.session() as session:
        await session.execute("delete from exchange.child_entry where child = 'nobody'")
    await eventually(lambda: place not in stopped)
