"""A copy that is behind where its feed stood when it was announced tells of no record until it has stood there."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Literal
from uuid import UUID

import httpx
import orjson
import pytest
from prometheus_client import REGISTRY

from creditmesh.chassis.context import Context
from creditmesh.chassis.ids import new_id
from creditmesh.chassis.packing import unpack
from creditmesh.exchange import pulling
from creditmesh.exchange.operations import answering, telling
from creditmesh.exchange.operations.relaying import relayed
from creditmesh.exchange.store import catching_up as store
from creditmesh.exchange.store import copies
from creditmesh.exchange.store.feeds import Placed
from creditmesh.node import feeds
from creditmesh.schemas import received
from creditmesh.schemas.events import EntriesJudged, PageReceived
from creditmesh.schemas.exchange import NEWER_VERSION, AcknowledgedBody, EntryLine, RecordBody
from creditmesh.schemas.words import Change
from tests.exchange.sender import Puller, answered
from tests.exchange.test_pulling import puller  # noqa: F401 - a fixture
from tests.exchange.test_restoring import submit, withdraw
from tests.support.bodies import said
from tests.support.chain import Chain, Place, chained
from tests.support.eventually import eventually
from tests.support.node import TestNode
from tests.support.postgres import Postgres
from tests.support.restoring import copied, put_back

JUDGED = "select data from bus.event where type = 'entries.judged' and key = $1"
PAGES = "select data from exchange.received_page where peer = $1 order by first, id"
TOLD = """
select generate_series(p.first, p.until - 1) as index
  from exchange.received_page p join bus.event_order o on o.event = p.id where p.peer = $1 and not p.keys
 order by o.number
"""


class NewerLine(EntryLine):
    """As a version reads it that knows one change more."""

    change: Change | Literal["refined"] | None = None


class Records:
    """Pages of a sender's feed, one entry each, of a feed that is announced as longer than what was pulled so far."""

    def __init__(self, at: Puller) -> None:
        self._at = at
        self._whole = list(at.sender.entries)
        at.sender.entries = self._whole
        self._answer = at.sender.answer
        self.announced: int | None = None
        self.acknowledged = 0

    def add(self, record: UUID, rev: int, change: str) -> None:
        if change == "waits":
            self._at.sender.add_with(_waits(self._at.sender.who.code, record, rev))
            change = "withheld"
        else:
            self._at.sender.add(1)
        entry = self._at.sender.entries[-1]
        line = orjson.loads(entry["line"]) | {"type": "record", "record": record, "rev": rev, "change": change}
        entry["line"] = orjson.dumps(line | {"origin": self._at.sender.who.code}, default=str).decode()

    async def answer(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/feeds"):
            return await self._answer(request)
        feed = {"feed": "up", "size": self.announced, "root": "", "acknowledged": self.acknowledged}
        return answered(orjson.dumps({"items": [feed]}))


def _waits(origin: str, record: UUID, rev: int) -> str:
    """What a node says of a record of which something waits there."""
    day = date(2026, 5, 11)
    return RecordBody(
        record=record, rev=rev, revision=new_id(), change="withheld", state="withheld", reason=NEWER_VERSION,
        origin=origin, party="market", item="penalty", kind="organisation", issuer="x", fields={},
        decided_on=day, display_from=day,
    ).model_dump_json()  # fmt: skip


@pytest.fixture
def records(puller: Puller, monkeypatch: pytest.MonkeyPatch) -> Records:  # noqa: F811 - the fixture
    made = Records(puller)
    client = puller.pulling._peer().client
    monkeypatch.setattr(client, "_transport", httpx.MockTransport(made.answer))
    return made


async def told(at: Puller) -> list[int]:
    """The entries that were told, in the order in which they were, but for what is told ahead of them."""
    await at.city.node.settled()
    async with at.city.node.database.session() as session:
        return [row["index"] for row in await session.fetch(TOLD, at.sender.who.code)]


async def refused(at: Puller) -> list[int]:
    """The entries that said something: the sender's bodies are those of no record."""
    await at.city.node.settled()
    async with at.city.node.database.session() as session:
        rows = await session.fetch(JUDGED, f"{at.sender.who.code}/up")
    judged = [EntriesJudged.model_validate_json(row["data"]) for row in rows]
    return sorted(each.index for run in judged for each in run.refused)


async def test_nothing_is_told_before_the_copy_stands_where_the_feed_stood(puller: Puller, records: Records):  # noqa: F811
    first, second, third = new_id(), new_id(), new_id()
    records.announced = 7
    records.add(first, 1, "accepted")
    records.add(second, 1, "accepted")
    await puller.step()
    records.add(third, 1, "accepted")
    records.add(third, 2, "marked")
    await puller.step()
    assert await told(puller) == []
    records.add(first, 2, "corrected")
    records.add(second, 2, "repaired")
    records.add(first, 3, "corrected")
    await puller.step()
    assert await told(puller) == list(range(7))
    assert await refused(puller) == [2, 6], "what was replaced or ended meanwhile is not said any more"
    assert not (await puller.copy()).behind
    records.add(first, 4, "withdrawn")
    await puller.step()
    assert await told(puller) == list(range(8))


async def _begins_again(at: Puller) -> None:
    at.pulling._announced = False  # as `run` begins


async def _was_away(at: Puller) -> None:
    at.sender.instead = lambda _: answered(b"", 502)
    await at.step()
    at.sender.instead = None


async def _had_stopped(at: Puller) -> None:
    await at.pulling._stop("a page that does not fit")
    await at.step()
    async with at.city.node.database.session() as session:
        await session.execute("update exchange.copy_head set alarm = null where peer = $1", at.sender.who.code)


@pytest.mark.parametrize("meanwhile", [_begins_again, _was_away, _had_stopped])
@pytest.mark.parametrize("far", [True, False])
async def test_what_had_ended_while_a_peer_was_not_followed_never_shows(
    puller: Puller,  # noqa: F811
    records: Records,
    monkeypatch: pytest.MonkeyPatch,
    meanwhile: Callable[[Puller], Awaitable[None]],
    *,
    far: bool,
):
    monkeypatch.setattr(pulling, "MOST_BEHIND", 2 if far else 4)
    monkeypatch.setattr(pulling, "SECONDS_STOPPED", 0.0)
    first, second = new_id(), new_id()
    records.announced = 1
    records.add(first, 1, "accepted")
    await puller.step()
    assert await told(puller) == [0]
    await meanwhile(puller)
    records.announced = 4
    records.add(second, 1, "accepted")
    await puller.step()
    assert await told(puller) == ([0] if far else [0, 1]), "a page alone is told as it comes"
    records.add(second, 2, "repaired")
    records.add(first, 2, "corrected")
    await puller.step()
    assert await told(puller) == list(range(4))
    assert await refused(puller) == ([0, 3] if far else [0, 1, 3]), "nothing is said of what had ended by then"


AHEAD = "select data from exchange.received_page where peer = $1 and keys order by id"


async def test_what_ended_meanwhile_ends_at_once_whoever_goes_away_before_the_copy_has_caught_up(
    puller: Puller,  # noqa: F811
    records: Records,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(pulling, "MOST_BEHIND", 2)
    shown, fresh = new_id(), new_id()
    records.announced = 1
    records.add(shown, 1, "accepted")
    await puller.step()
    await _was_away(puller)
    records.announced = 9
    records.add(fresh, 1, "accepted")
    records.add(shown, 2, "marked")
    records.add(shown, 3, "repaired")
    await puller.step()
    await _was_away(puller)
    assert (await puller.copy()).catches_up
    async with puller.city.node.database.session() as session:
        rows = await session.fetch(AHEAD, puller.sender.who.code)
    (page,) = [PageReceived.model_validate_json(unpack(row["data"])) for row in rows]
    assert (page.ahead, [entry.index for entry in page.entries]) == (True, [3])
    assert await refused(puller) == [0], "nobody answers for it yet"


async def test_a_sender_that_was_put_back_before_the_mark_holds_nothing_back(
    puller: Puller,  # noqa: F811
    records: Records,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(pulling, "MOST_BEHIND", 2)
    monkeypatch.setattr(pulling, "SECONDS_EMPTY", 0.0)
    first = new_id()
    records.announced = 1
    records.add(first, 1, "accepted")
    await puller.step()
    await _was_away(puller)
    records.announced = 10**12
    records.add(first, 2, "corrected")
    records.add(new_id(), 1, "accepted")
    await puller.step()
    assert await told(puller) == [0]
    records.announced = 3
    await _was_away(puller)
    await puller.step()
    await puller.step()
    assert (await told(puller), (await puller.copy()).behind) == ([0, 1, 2], False)


@pytest.mark.parametrize(
    ("changes", "gone"),
    [
        (("accepted", "discharged", "corrected"), []),
        (("accepted", "corrected", "discharged"), [0]),
        (("accepted", "discharged", "corrected", "marked", "corrected"), [2]),
        (("accepted", "discharged", "withdrawn"), [0]),
        (("accepted", "marked", "withheld"), [0]),
        (("accepted", "waits"), []),
        (("accepted", "waits", "marked"), []),
        (("accepted", "waits", "corrected"), [0]),
        (("accepted", "waits", "withheld"), [0]),
    ],
)
@pytest.mark.parametrize("noted", ["now", "by a version before"])
async def test_content_that_says_who_was_discharged_is_told_and_what_else_was_replaced_is_not(
    puller: Puller,  # noqa: F811
    records: Records,
    changes: tuple[str, ...],
    gone: list[int],
    noted: str,
):
    record = new_id()
    records.announced = len(changes)
    for rev, change in enumerate(changes, start=1):
        records.add(record, rev, change)
        if rev == len(changes) and noted != "now":
            async with puller.city.node.database.session("ddl") as session:
                await session.execute("update exchange.sent_revision set change = null where record = $1", record)
        await puller.step()
    async with puller.city.node.database.session() as session:
        rows = await session.fetch(PAGES, puller.sender.who.code)
    told = [PageReceived.model_validate_json(unpack(row["data"])) for row in rows]
    assert [index for page in told for index in page.replaced] == gone
    assert {entry.index for page in told for entry in page.entries if entry.body is None} >= set(gone)


@pytest.mark.parametrize("apart", [False, True])
async def test_what_came_of_what_waited_stands_at_its_number(
    puller: Puller,  # noqa: F811
    records: Records,
    apart: bool,  # noqa: FBT001
):
    record = new_id()
    said = [("accepted", 1), ("waits", 2), ("corrected", 2), ("waits", 2), ("marked", 3)]
    records.announced = len(said)
    for change, rev in said:
        records.add(record, rev, change)
        if apart:
            await puller.step()
    await puller.step()
    async with puller.city.node.database.session() as session:
        rows = await session.fetch(
            "select rev, change, index from exchange.sent_revision"
            " where record = $1 and change <> 'waits' order by rev",
            record,
        )
        told = await session.fetch(PAGES, puller.sender.who.code)
    assert [tuple(row) for row in rows] == [(1, "accepted", 0), (2, "corrected", 2), (3, "marked", 4)]
    assert [index for row in told for index in PageReceived.model_validate_json(unpack(row["data"])).replaced] == [0]


@pytest.mark.parametrize("noted", ["now", "by a version before"])
async def test_an_answer_is_passed_on_about_what_came_of_what_waited(
    puller: Puller,  # noqa: F811
    records: Records,
    noted: str,
):
    record, child, node = new_id(), puller.sender.who.code, puller.city.node
    said = [("accepted", 1), ("waits", 2), ("discharged", 2)]
    records.announced = len(said)
    for change, rev in said:
        records.add(record, rev, change)
    await puller.step()
    if noted != "now":
        async with node.database.session("ddl") as session:
            await session.execute(
                "update exchange.sent_revision set change = null where record = $1 and change in ('waits', 'withheld')",
                record,
            )
    line = orjson.dumps({"origin": child}).decode()
    at, own = node.host.clock.instant(), 77
    entry = Placed(
        index=own,
        line=line,
        record=record,
        rev=2,
        subject=new_id(),
        change="discharged",
        item="penalty",
        party="market",
    )
    async with node.context("exchange") as ctx:
        passed = await relayed(ctx, [entry], by="province", at=at, refused={}, proofs={})
    (body,) = [AcknowledgedBody.model_validate_json(each.body) for each in passed if each.child == child]
    assert [(each.index, each.own, each.rev) for each in body.entries] == [(2, own, 2)]


async def test_what_a_copy_held_back_is_told_some_at_a_time_and_nothing_comes_in_between(
    puller: Puller,  # noqa: F811
    records: Records,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(store, "_AT_ONCE", 1)
    let_go = telling.let_go

    async def once(ctx: Context, peer: str, feed: str) -> bool:
        await let_go(ctx, peer, feed)
        return False

    monkeypatch.setattr(telling, "let_go", once)
    record = new_id()
    records.announced = 3
    for rev, change in enumerate(("accepted", "corrected", "withdrawn"), start=1):
        records.add(record, rev, change)
        await puller.step()
    assert (await told(puller), (await puller.copy()).behind) == ([0], True)
    before = await puller.copy()
    records.add(new_id(), 1, "accepted")
    monkeypatch.setattr(telling, "let_go", let_go)
    await puller.step()
    assert (await told(puller), (await puller.copy()).range.size) == ([0, 1, 2], before.range.size)
    await puller.step()
    assert await told(puller) == [0, 1, 2, 3]
    async with puller.city.node.database.session() as session:
        rows = await session.fetch(PAGES, puller.sender.who.code)
    assert [index for row in rows for index in PageReceived.model_validate_json(unpack(row["data"])).replaced] == [0, 1]


async def test_while_a_copy_catches_up_its_operator_sees_how_far_it_is_and_offers_nothing(
    puller: Puller,  # noqa: F811
    records: Records,
):
    records.announced = 3
    records.add(new_id(), 1, "accepted")
    await puller.step()
    code, operator = puller.sender.who.code, puller.city.node.operator()
    answer = await operator.post(f"/v1/admin/feeds/{code}/up/offer")
    assert (answer.status_code, answer.json()["code"]) == (409, "copy_catching_up")
    listed = (await operator.get("/v1/admin/feeds")).json()

    class Answering:
        def call(self, *_: object) -> object:
            return listed

    assert (code, "up", "1", "ok; catching up 1/3") in feeds.listed(Answering())


async def test_what_waits_for_a_newer_version_is_told_after_what_was_held_back(
    puller: Puller,  # noqa: F811
    records: Records,
    monkeypatch: pytest.MonkeyPatch,
):
    record = new_id()
    records.announced = 4
    records.add(record, 1, "accepted")
    records.add(record, 2, "refined")
    await puller.step()
    records.add(record, 3, "corrected")
    await puller.step()
    monkeypatch.setattr(received, "EntryLine", NewerLine)
    await puller.pulling._tell_again()
    assert await told(puller) == []
    records.add(new_id(), 1, "accepted")
    puller.pulling._at = None
    await puller.step()
    assert await told(puller) == [0, 1, 2, 3, 0, 1, 2], "the pages as they were judged, then what had waited"
    assert not (await puller.copy()).waiting


async def test_what_is_held_back_is_told_in_the_order_of_the_feed(puller: Puller, records: Records):  # noqa: F811
    records.announced = 40
    for number in range(40):
        records.add(new_id(), 1, "accepted")
        if number % 7 == 0:
            await puller.step()
    await puller.step()
    assert await told(puller) == list(range(40))


async def test_a_copy_that_lost_what_it_had_answered_for_holds_back_again(puller: Puller, records: Records):  # noqa: F811
    records.announced = 1
    records.add(new_id(), 1, "accepted")
    await puller.step()
    assert await told(puller) == [0]
    records.announced, records.acknowledged = 3, 2
    puller.pulling._at, puller.pulling._announced = None, False
    records.add(new_id(), 1, "accepted")
    await puller.step()
    assert await told(puller) == [0]
    async with puller.city.node.context("exchange") as ctx:
        assert (await copies.found(await ctx.session(), puller.sender.who.code, "up")).behind
    records.add(new_id(), 1, "accepted")
    await puller.step()
    assert await told(puller) == [0, 1, 2]


@pytest.fixture
async def chain(postgres: Postgres, tmp_path: Path) -> AsyncIterator[Chain]:
    places = Place(code="province", tier="province"), Place(code="city", tier="city", above="province")
    async with chained(postgres, tmp_path, *places) as made:
        yield made


async def test_a_receiver_that_begins_late_never_shows_what_had_ended(chain: Chain, monkeypatch: pytest.MonkeyPatch):
    city, province = chain["city"], chain["province"]
    await chain.settled()
    await copied(province)
    await chain.settled()
    monkeypatch.setattr(pulling, "LIMIT", 1)  # so that the way there is many pages
    ended, corrected = await submit(city, 11), await submit(city, 12)
    others = [await submit(city, number) for number in range(13, 17)]
    await withdraw(city, ended, 1)
    await chain.settled()
    await put_back(province)
    await chain.settled()
    held = await chain_revisions(chain, "province")
    assert held.keys() == {UUID(record) for record in [corrected, *others]}
    assert all(changes == ["accepted"] for changes in held.values())


async def test_a_receiver_that_went_back_tells_so_until_it_shows_no_more_what_it_had_ended(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
):
    city, province = chain["city"], chain["province"]
    record = await submit(city, 21)
    await chain.settled()
    await copied(province)
    await chain.settled()
    await withdraw(city, record, 1)
    await chain.settled()
    unsent = answering.unsent
    monkeypatch.setattr(answering, "unsent", answers_nothing)  # so that it cannot be over before it is looked at
    await put_back(province)
    await eventually(lambda: "catch up city/up" in province.host.equipment["exchange"].stopped)
    said = await province.operator().get("/health/ready")
    assert said.is_success, "a node that is cut off from its peers catches up with nobody"
    assert "catch up city/up" in said.json()["stopped"]["exchange"]
    assert gauge("city") > 0
    monkeypatch.setattr(answering, "unsent", unsent)
    await eventually(lambda: "catch up city/up" not in province.host.equipment["exchange"].stopped)
    assert await shown(province, record) == 0
    assert gauge("city") == 0


async def answers_nothing(*_: object, **__: object) -> answering.Waiting:
    return answering.Waiting([], soon=False)


def gauge(peer: str) -> float | None:
    return REGISTRY.get_sample_value("creditmesh_feed_lagging_entries", {"peer": peer})


async def shown(node: TestNode, record: str) -> int:
    """Whether the query service has it as something that stands."""
    query = "select count(*) from query.record where record = $1 and state = 'published'"
    async with node.database.session() as session:
        return int(await session.fetchval(query, UUID(record)))


async def chain_revisions(chain: Chain, code: str) -> dict[UUID, list[str]]:
    found: dict[UUID, list[str]] = {}
    async with chain[code].database.session() as session:
        for row in await session.fetch("select record, data from ingestion.revision order by record, rev"):
            found.setdefault(row["record"], []).append(said(row["data"])["change"])
    return found
