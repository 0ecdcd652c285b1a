"""What a peer passes on of another node is asked to be proven, and until it answers nothing is refused."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from pathlib import Path
from uuid import uuid4

import httpx
import orjson
import pytest

from creditmesh.chassis.bus.faults import PATIENCE
from creditmesh.chassis.metrics import FEED_REFUSED
from creditmesh.exchange.operations import offering
from creditmesh.exchange.peer import MOST_OF_ORIGINS
from creditmesh.schemas.exchange import feed_origin
from creditmesh.schemas.origins import OriginRun, OriginsOut
from creditmesh.schemas.tlog import Checkpoint, Range, checkpoint_text, leaf_hash, signed_note
from tests.exchange.conftest import City, Neighbour, neighbour, row_of
from tests.exchange.sender import Puller, answered, pulling_from_a_sender
from tests.support.eventually import eventually

UNPROVEN = "select index::int from exchange.unproven_entry where peer = $1 order by index"
Asked = tuple[int, int]
_codes = count(1)


@dataclass
class PassedOn:
    """A sender that passes on what a town said, whose row the city has, and its answers when asked for the proof."""

    puller: Puller
    town: Neighbour
    proves: bool = True
    answers: Callable[[int, int], httpx.Response] = lambda *_: answered(b'{"code":"not_found"}', 404)
    asked: list[Asked] = field(default_factory=list)

    def add(self, entries: int, *, origin: str | None = None) -> None:
        by = origin or self.town.code
        for _ in range(entries):
            self.puller.sender.add(type="record", origin=by, record=str(uuid4()), rev=1, change="accepted")

    def answer(self, request: httpx.Request) -> httpx.Response:
        sender, params = self.puller.sender, request.url.params
        if request.url.path.endswith("/feeds"):
            feed = {"feed": "up", "size": len(sender.entries), "root": "", "proves": self.proves}
            return answered(orjson.dumps({"items": [feed]}))
        if request.url.path.endswith("/origins"):
            self.asked.append((int(params["after"]), int(params["until"])))
            return self.answers(*self.asked[-1])
        page = sender.entries[int(params["after"]) :]
        lines = [*page, {"checkpoint": sender.note(sender.entries)}] if page else []
        return answered(b"".join(orjson.dumps(line) + b"\n" for line in lines))

    def proof(self, until: int) -> httpx.Response:
        """All that the town said, as far as the answer speaks."""
        leaves = [leaf_hash(each["line"].encode()) for each in self.puller.sender.entries]
        whole, origin, keys = Range.empty().extended(leaves)[0], feed_origin(self.town.code, "up"), self.town.keys
        text = checkpoint_text(Checkpoint(origin, whole.size, whole.root()))
        note = signed_note(text, name=origin, public=keys.public("node").raw, sign=keys.sign)
        run = OriginRun(origin=self.town.code, first=0, stack=b"", leaves=b"".join(leaves), checkpoint=note)
        return answered(OriginsOut(runs=(run,), until=until).model_dump_json().encode())

    async def step(self) -> int:
        """How much of the feed is here after a step."""
        await self.puller.step()
        return (await self.puller.copy()).range.size

    async def shown(self) -> tuple[str | None, float]:
        """What readiness and metrics say by this loop; the node has one of its own, which asks nobody."""
        copy, code = await self.puller.copy(), self.puller.sender.who.code
        self.puller.pulling._show(copy)
        stopped = self.puller.city.node.host.equipment["exchange"].stopped
        return stopped.get(f"{code}/up pages"), FEED_REFUSED.labels(code, "up")._value.get()

    async def unproven(self) -> list[int]:
        async with self.puller.city.node.database.session() as session:
            return [row["index"] for row in await session.fetch(UNPROVEN, self.puller.sender.who.code)]


@pytest.fixture
async def passed(city: City, tmp_path: Path) -> AsyncIterator[PassedOn]:
    number = next(_codes)
    town = neighbour(f"town{number}", tmp_path / "town")
    await city.publish("party", row_of(town.code, town.keys, place="below", order=880 + number) | {"place": None})
    async with pulling_from_a_sender(city, tmp_path / "keys") as made:
        at, peer = PassedOn(made, town), made.pulling._peer
        async with httpx.AsyncClient(transport=httpx.MockTransport(at.answer)) as client:
            made.pulling._peer = lambda: replace(peer(), client=client)
            yield at


async def test_where_a_peer_that_proves_has_no_answer_it_is_asked_again_and_nothing_is_refused(passed: PassedOn):
    passed.add(3)
    assert [await passed.step(), await passed.step()] == [0, 0]
    passed.answers = lambda _, until: passed.proof(until)
    assert await passed.step() == 3
    assert await passed.unproven() == []


async def test_an_answer_that_speaks_of_nothing_refuses_nothing(passed: PassedOn):
    passed.add(2)
    passed.answers = lambda after, _: passed.proof(after)
    assert await passed.step() == 0
    passed.answers = lambda _, until: passed.proof(until)
    assert await passed.step() == 2
    assert await passed.unproven() == []


async def test_what_a_peer_of_an_older_version_passes_on_is_not_proven(passed: PassedOn):
    passed.proves = False
    passed.add(2)
    assert await passed.step() == 2
    assert await passed.unproven() == [0, 1]


async def test_nobody_is_asked_to_prove_what_it_says_of_records_of_this_node(passed: PassedOn):
    city = passed.puller.city
    equipment = city.node.host.equipment["exchange"]
    await city.publish("party", row_of("city", equipment.keys, place="below", order=879) | {"place": None})
    await eventually(lambda: bool(equipment.followed.origin_keys("city")))
    passed.add(2, origin="city")
    assert await passed.step() == 2
    assert passed.asked == []
    assert await passed.unproven() == []


async def test_a_page_that_waits_for_its_proof_is_seen_in_readiness_and_metrics(passed: PassedOn):
    passed.add(3)
    assert [await passed.step() for _ in range(PATIENCE)] == [0] * PATIENCE
    assert await passed.shown() == (None, 0), "it may be upgraded just now"
    assert await passed.step() == 0
    why, stopped = await passed.shown()
    assert "does not say what proves up" in (why or "")
    assert stopped == 1
    passed.answers = lambda _, until: passed.proof(until)
    assert await passed.step() == 3
    assert await passed.shown() == (None, 0)


async def test_what_an_answer_does_not_speak_of_is_asked_for_in_the_next(passed: PassedOn):
    passed.add(5)
    passed.answers = lambda after, _: passed.proof(after + 2)
    assert await passed.step() == 5
    assert passed.asked == [(0, 5), (2, 5), (4, 5)]
    assert await passed.unproven() == []


async def test_a_proof_that_is_too_large_is_asked_for_in_smaller_pieces_like_a_page(passed: PassedOn):
    passed.add(20)

    def answers(after: int, until: int) -> httpx.Response:
        return answered(b" " * (MOST_OF_ORIGINS + 1)) if until - after > 15 else passed.proof(until)

    passed.answers = answers
    assert [await passed.step() for _ in range(3)] == [0, 0, 20]
    assert passed.asked[-2:] == [(0, 15), (15, 20)]
    assert await passed.unproven() == []


async def test_what_was_not_proven_and_is_offered_again_is_asked_for_once_a_stretch(
    passed: PassedOn, monkeypatch: pytest.MonkeyPatch
):
    passed.add(4)
    passed.answers = lambda _, until: answered(OriginsOut(until=until).model_dump_json().encode())
    assert await passed.step() == 4
    await passed.puller.city.node.settled()
    assert await passed.unproven() == [0, 1, 2, 3]
    passed.answers = lambda _, until: passed.proof(until)
    transport = httpx.MockTransport(passed.answer)
    monkeypatch.setattr(offering.httpx, "AsyncClient", partial(httpx.AsyncClient, transport=transport))
    passed.asked.clear()
    code = passed.puller.sender.who.code
    answer = await passed.puller.city.node.operator().post(f"/v1/admin/feeds/{code}/up/offer")
    assert (answer.status_code, answer.json()["offered"]) == (200, 4), answer.text
    assert passed.asked == [(0, 4)]
    assert await passed.unproven() == []
