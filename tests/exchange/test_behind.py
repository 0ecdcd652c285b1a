"""What proves that this node has lost what it had answered for: its own signature, and nothing that a sender says."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import orjson
import pytest
from prometheus_client import REGISTRY

from creditmesh.chassis.equipment import Equipment
from creditmesh.chassis.vault.keys import Keys
from creditmesh.exchange.comparer import Comparer
from creditmesh.exchange.store import copies
from creditmesh.exchange.store.copies import Made
from creditmesh.node.putting_back import MARK
from creditmesh.schemas.acknowledgements import Acknowledgement
from creditmesh.schemas.exchange import feed_origin
from creditmesh.schemas.signed import SignedText, sign
from tests.exchange.conftest import row_of
from tests.exchange.sender import Puller, answered
from tests.exchange.test_pulling import puller  # noqa: F401 - a fixture
from tests.support.eventually import eventually

BEHIND = "select peer, had from bus.catching_up where peer = $1"
NOW = datetime(2026, 11, 30, tzinfo=UTC)


@dataclass
class Said:
    """What a node below says of its `up`, and how often it was asked; None: it does not answer."""

    to: Puller
    feed: dict[str, Any] | None = None
    asked: int = 0
    processes: list[Equipment] = field(default_factory=list)
    comparers: dict[int, Comparer] = field(default_factory=dict)

    @property
    def code(self) -> str:
        return self.to.sender.who.code

    @property
    def own(self) -> Keys:
        return self.to.city.node.host.equipment["exchange"].keys

    def says(self, proof: SignedText | None = None, *, number: int = 0, head: str | None = None) -> None:
        answered = None if proof is None else proof.model_dump()
        said = {"feed": "up", "size": 2**53, "root": "", "checkpoint": head}
        self.feed = {**said, "acknowledged": number, "answered": answered}

    def proof(self, until: int, *, by: Keys | None = None, **more: Any) -> SignedText:
        keys = by or self.own
        given: dict[str, Any] = {
            "feed": feed_origin(self.code, "up"),
            "by": "city",
            "first": 0,
            "until": until,
            "size": until,
            "root": "00" * 32,
            "at": NOW,
            "key": keys.key_id("node"),
            "alg": keys.algorithm("node"),
        }
        return sign(Acknowledgement.model_validate(given | more), by=keys.sign)

    async def answer(self, request: httpx.Request) -> httpx.Response:
        if request.headers["creditmesh-to"] != self.code or not request.url.path.endswith("/feeds"):
            return answered(b"", 503)
        self.asked += 1
        return answered(b"", 503) if self.feed is None else answered(orjson.dumps({"items": [self.feed]}))

    async def told(self) -> list[str | None]:
        """What each of two processes says of it in readiness, after it has looked twice."""
        async with httpx.AsyncClient(transport=httpx.MockTransport(self.answer)) as client:
            for each in self.processes * 2:
                made = Comparer(cast("Any", SimpleNamespace(equipment=each)))
                await self.comparers.setdefault(id(each), made).look(client)
        said = [each.stopped.get(f"catch up {self.code}/up") for each in self.processes]
        return [None if each is None else each.partition(":")[0] for each in said]

    async def behind(self) -> list[tuple]:
        async with self.to.city.node.database.session() as session:
            return [tuple(row) for row in await session.fetch(BEHIND, self.code)]

    async def mark(self) -> None:
        async with self.to.city.node.context("exchange") as ctx:
            await (await ctx.session()).fetch(MARK, {"node": "city", "feed": "up"})

    async def judged(self, *, sent: bool) -> None:
        """Two entries of it are pulled, and answered for."""
        self.to.sender.add(2)
        await self.to.step()
        await self.to.city.node.settled()
        async with self.to.city.node.context("exchange") as ctx:
            session = await ctx.session()
            assert await copies.unsent(session, self.code, "up", limit=10)
        if sent:
            await self.sent()

    async def sent(self) -> None:
        """It has the answers to all that was judged."""
        async with self.to.city.node.context("exchange") as ctx:
            session = await ctx.session()
            for each in await copies.unsent(session, self.code, "up", limit=10):
                await copies.sent(session, self.code, "up", number=each.number, at=ctx.instant)

    async def answered_for(self, *ranges: tuple[int, int]) -> None:
        """It was answered for these, each by one row."""
        rows = [(first, until, self.proof(until, first=first).signed) for first, until in ranges]
        async with self.to.city.node.context("exchange") as ctx:
            session = await ctx.session()
            await copies.add_made(session, [Made(self.code, "up", *row, [], [], [], [], "ingestion") for row in rows])
        await self.sent()


@pytest.fixture
async def said(puller: Puller) -> AsyncIterator[Said]:  # noqa: F811 - the fixture
    equipment = puller.city.node.host.equipment["exchange"]
    made = Said(puller, processes=[replace(equipment, memory={}, stopped={}) for _ in range(2)])
    yield made
    async with puller.city.node.database.session("ddl") as session:
        await session.execute("delete from bus.catching_up")


async def test_what_a_node_signed_itself_closes_it_until_it_has_answered_as_far_again(said: Said):
    host = said.to.city.node.host
    assert (await said.told(), await said.behind()) == ([None, None], []), "who is away is waited for by nobody"
    said.says(said.proof(2))
    assert await said.told() == ["0/2", "0/2"]
    assert said.asked == 4 + 2, "whoever was heard is asked no more"
    await eventually(lambda: f"catch up {said.code}/up" in host.equipment["exchange"].stopped)
    assert f"creditmesh-node peers remove {said.code}" in host.equipment["exchange"].stopped[f"catch up {said.code}/up"]
    assert gauge(said.code) == 2
    assert (await host.readiness())["ready"], "its peers reach it by the same door"
    await said.judged(sent=False)
    assert await said.told() == ["0/2", "0/2"]
    await said.judged(sent=True)
    assert (await said.told(), await said.behind()) == ([None, None], [])


async def test_nothing_else_closes_it(said: Said, tmp_path: Path):
    await said.judged(sent=True)
    other = Keys.load(made_keys(tmp_path), {"node"})
    altered = said.proof(2)
    for proof in (
        None,
        said.proof(2),
        said.proof(1),
        said.proof(9, by=said.to.sender.who.keys),
        said.proof(9, by=other, key=said.own.key_id("node")),
        said.proof(9, feed=feed_origin(said.code, "down")),
        said.proof(9, feed=feed_origin("district", "up")),
        altered.model_copy(update={"signed": altered.signed.replace('"until":2', '"until":9')}),
        altered.model_copy(update={"signed": "{}"}),
    ):
        said.says(proof, number=2**53)
        for each in said.processes:
            each.memory.clear()
        assert (await said.told(), await said.behind()) == ([None, None], []), proof
    said.says(said.proof(9))
    for each in said.processes:
        each.memory.clear()
    assert await said.told() == ["2/9", "2/9"], "each of these was read"


def made_keys(folder: Path) -> Path:
    Keys.create(folder / "other")
    return folder / "other"


async def test_an_answer_of_before_about_more_than_one_may_be_closes_nothing(said: Said):
    await said.answered_for((0, 13_500), (13_400, 13_401))
    said.says(said.proof(13_500))
    assert (await said.told(), await said.behind()) == ([None, None], [])
    said.says(said.proof(13_501))
    for each in said.processes:
        each.memory.clear()
    assert await said.told() == ["13500/13501", "13500/13501"]


async def test_a_process_that_ended_before_it_noted_what_it_had_handed_over_has_lost_nothing(said: Said):
    await said.judged(sent=False)
    said.says(said.proof(2))
    assert (await said.told(), await said.behind()) == ([None, None], [])


async def test_a_node_of_which_its_operator_says_so_waits_for_a_peer_that_is_away(said: Said):
    await said.judged(sent=True)
    await said.mark()
    assert (await said.told(), await said.behind()) == (["2/not heard", "2/not heard"], [(said.code, None)])
    assert gauge(said.code) == 1
    said.says()
    assert (await said.told(), await said.behind()) == ([None, None], []), "it has nothing that this node lacks"
    await said.mark()
    said.to.sender.add(5)
    head = said.to.sender.note(said.to.sender.entries)
    said.says(number=5, head=head)
    assert (await said.told(), await said.behind()) == (["2/5", "2/5"], [(said.code, 5)]), "of a version before this"
    await said.mark()
    said.says(number=2**53, head=head)
    assert (await said.told(), await said.behind()) == (["2/7", "2/7"], [(said.code, 7)]), "its feed goes no further"
    for unsigned in (None, "", head.replace("\n7\n", "\n9\n")):
        await said.mark()
        said.says(number=2**53, head=unsigned)
        assert (await said.told(), await said.behind()) == ([None, None], []), unsigned
    await said.mark()
    said.says(said.proof(2), number=5)
    assert await said.told() == [None, None], "processes that have heard it ask again, and a proof is better"


async def test_what_was_judged_and_not_gone_by_is_not_all_that_a_backup_needs(said: Said):
    await said.judged(sent=False)
    await said.mark()
    said.says(said.proof(2))
    assert (await said.told(), await said.behind()) == (["0/2", "0/2"], [(said.code, 2)])
    await said.sent()
    assert (await said.told(), await said.behind()) == ([None, None], [])


async def test_a_peer_that_is_taken_out_is_waited_for_no_more_and_asked_when_it_comes_again(said: Said):
    said.says(said.proof(7))
    assert await said.told() == ["0/7", "0/7"]
    row = row_of(said.code, said.to.sender.who.keys, place="below", order=799, sends_for=[said.code])
    await said.to.city.publish("party", row | {"active": False})
    assert (await said.told(), await said.behind()) == ([None, None], [])
    await eventually(lambda: gauge(said.code) is None)
    await said.to.city.publish("party", row)
    assert await said.told() == ["0/7", "0/7"]


@pytest.mark.parametrize("without", [("place", "sends_for"), ("place", "sends_for", "url")], ids=", ".join)
async def test_a_peer_whose_row_says_less_now_is_waited_for_as_before(said: Said, without: tuple[str, ...]):
    said.says(said.proof(7))
    assert await said.told() == ["0/7", "0/7"]
    row = said.to.city.node.host.followed.party(said.code).model_dump(mode="json")
    await said.to.city.publish("party", {name: value for name, value in row.items() if name not in without})
    assert (await said.told(), await said.behind()) == (["0/7", "0/7"], [(said.code, 7)])
    await said.to.city.publish("party", row | {"active": False})
    assert (await said.told(), await said.behind()) == ([None, None], [])


async def test_a_peer_that_stands_above_now_has_no_feed_for_this_node_any_more(said: Said):
    said.says(said.proof(7))
    assert await said.told() == ["0/7", "0/7"]
    party = said.to.city.node.host.followed.party(said.code)
    await said.to.city.publish("party", party.model_dump(mode="json") | {"place": "above", "sends_for": []})
    for each in said.processes:
        each.memory.clear()
    before = said.asked
    assert (await said.told(), await said.behind(), said.asked) == ([None, None], [], before)


def gauge(peer: str) -> float | None:
    return REGISTRY.get_sample_value("creditmesh_feed_lagging_entries", {"peer": peer})
