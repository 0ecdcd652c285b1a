"""What a hostile, broken or merely other sender answers neither fills memory, nor spins, nor stops what is sound."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from prometheus_client import REGISTRY

from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.service import Workplace
from creditmesh.exchange import backoff, peer, puller, pulling
from creditmesh.exchange.operations import receiving
from tests.exchange.conftest import City
from tests.exchange.sender import Puller, answered, pulling_from_a_sender
from tests.support.eventually import eventually

MIB = 1024 * 1024
SEPARATORS = "一\u2028二\u2029三\u0085四\u001c"


@pytest.fixture
async def pulls(city: City, tmp_path: Path) -> AsyncIterator[Puller]:
    async with pulling_from_a_sender(city, tmp_path / "keys") as made:
        yield made


class Poured:
    """A body that does not end, or not soon; it counts what of it was taken."""

    def __init__(self, chunk: bytes, *, most: int, pause: float = 0.0) -> None:
        self.chunk, self.most, self.pause = chunk, most, pause
        self.taken: list[int] = []

    def __call__(self, status: int = 200) -> Callable[[httpx.Request], httpx.Response]:
        return lambda _: httpx.Response(status, content=self._pour())

    async def _pour(self) -> AsyncIterator[bytes]:
        self.taken.append(0)
        while self.taken[-1] < self.most:
            self.taken[-1] += len(self.chunk)
            await asyncio.sleep(self.pause)
            yield self.chunk


async def test_what_other_readers_take_for_a_line_end_is_a_character_like_any(pulls: Puller):
    pulls.sender.add(2, text=SEPARATORS)
    await pulls.step()
    copy = await pulls.copy()
    assert (copy.alarm, copy.range.size) == (None, 2)


@pytest.mark.parametrize("chunk", [b"x" * MIB, b'{"index":0}\n' * 1000], ids=["one line", "many lines"])
async def test_an_endless_page_is_read_no_further_than_its_bound_and_stops_the_feed_in_the_end(
    pulls: Puller, chunk: bytes
):
    poured = Poured(chunk, most=80 * MIB)
    pulls.sender.instead = poured()
    for _ in range(4):
        assert (await pulls.copy()).alarm is None
        await pulls.step()
    assert (await pulls.copy()).alarm == "too_large at index 0"
    assert max(poured.taken) <= peer.MOST_BYTES + len(chunk)
    assert [int(request.url.params["limit"]) for request in pulls.sender.asked] == [1000, 125, 15, 1]


async def test_a_page_that_is_too_slow_is_asked_for_in_smaller_pieces_and_never_stops_the_feed(
    pulls: Puller, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(peer, "SECONDS_FOR_A_PAGE", 0.1)
    monkeypatch.setattr(backoff, "LONGEST", 0.01)
    pulls.sender.instead = Poured(b"x", most=MIB, pause=0.02)()
    for _ in range(6):
        await pulls.step()
    limits = [int(request.url.params["limit"]) for request in pulls.sender.asked]
    assert limits == [1000, 125, 15, 1, 1, 1]
    assert (await pulls.copy()).alarm is None
    pulls.sender.instead = None
    pulls.sender.add(2)
    monkeypatch.undo()
    await pulls.step()
    assert (await pulls.copy()).range.size == 2


async def test_a_page_that_is_too_large_comes_in_smaller_ones(pulls: Puller, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(peer, "MOST_LINES", 3)
    pulls.sender.add(4)
    await pulls.step()
    assert (await pulls.copy()).range.size == 0
    kept, pulls.sender.entries = pulls.sender.entries, pulls.sender.entries[:2]
    await pulls.step()
    pulls.sender.entries = kept
    await pulls.step()
    copy = await pulls.copy()
    assert (copy.alarm, copy.range.size) == (None, 4)
    assert [int(request.url.params["limit"]) for request in pulls.sender.asked] == [1000, 125, 250]


async def test_what_is_compressed_is_not_unpacked(pulls: Puller):
    packed = gzip.compress(b"\0" * 4 * MIB)
    pulls.sender.instead = lambda _: answered(packed, **{"Content-Encoding": "gzip"})
    await pulls.step()
    assert (await pulls.copy()).alarm == "encoded at index 0"
    assert pulls.sender.asked[0].headers["accept-encoding"] == "identity"


async def test_of_a_refusal_no_more_is_read_than_its_code_needs(pulls: Puller):
    poured = Poured(b"x" * 1024, most=MIB)
    pulls.sender.instead = poured(500)
    await pulls.step()
    assert (await pulls.copy()).alarm is None
    assert poured.taken[0] <= 17 * 1024


async def test_a_page_that_comes_byte_by_byte_does_not_hold_the_puller(pulls: Puller, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(peer, "SECONDS_FOR_A_PAGE", 0.3, raising=False)
    pulls.sender.instead = Poured(b"x", most=1200, pause=0.05)()
    began = asyncio.get_running_loop().time()
    await pulls.step()
    assert asyncio.get_running_loop().time() - began < 30, "and not when all has come, after a minute"
    assert (await pulls.copy()).alarm is None, "it may be a slow line: it is asked for again"


@pytest.mark.parametrize(
    "said", [lambda _: b"", lambda note: b'{"checkpoint":"%b"}\n' % note.replace("\n", "\\n").encode()]
)
async def test_a_peer_that_has_nothing_to_say_is_not_asked_in_a_circle(pulls: Puller, said: Callable[[str], bytes]):
    body = said(pulls.sender.note([]))
    pulls.sender.instead = lambda _: answered(body)
    began = asyncio.get_running_loop().time()
    loop = asyncio.create_task(pulls.pulling.run())
    await eventually(lambda: pulls.sender.asked)
    await asyncio.sleep(1.5)
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)
    seconds = asyncio.get_running_loop().time() - began
    assert len(pulls.sender.asked) <= 1 + seconds / pulling.SECONDS_EMPTY
    copy = await pulls.copy()
    assert (copy.alarm, copy.range.size) == (None, 0)


@pytest.mark.parametrize("content", [b"<html>422</html>", b'{"code":"waf"}', b"[]", b'{"code":{"beyond_feed":1}}'])
async def test_a_proxys_refusal_is_not_the_feeds(pulls: Puller, content: bytes):
    pulls.sender.instead = lambda _: answered(content, 422)
    await pulls.step()
    assert (await pulls.copy()).alarm is None


async def test_a_feed_that_says_it_went_back_stops(pulls: Puller):
    pulls.sender.instead = lambda _: answered(b'{"code":"beyond_feed"}', 422)
    await pulls.step()
    assert (await pulls.copy()).alarm == "size at index 0"


async def test_a_page_that_this_node_cannot_take_stops_the_feed_after_some_tries(
    pulls: Puller, monkeypatch: pytest.MonkeyPatch
):
    async def refuse(*_: object, **__: object) -> None:
        raise DatabaseError("insert", kind="DataError", sqlstate="22021")

    monkeypatch.setattr(receiving, "receive", refuse)
    pulls.sender.add(1)
    for _ in range(2):
        with pytest.raises(DatabaseError):
            await pulls.step()
        assert (await pulls.copy()).alarm is None
    await pulls.step()
    assert (await pulls.copy()).alarm.startswith("not taken at index 0: DatabaseError")


async def test_what_stops_a_feed_is_in_readiness_and_metrics_until_it_goes_on(
    pulls: Puller, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pulling, "SECONDS_STOPPED", 0.0)
    host, code = pulls.city.node.host, pulls.sender.who.code
    labels = {"peer": code, "feed": "up"}
    pulls.sender.add(1)
    pulls.sender.spoil = lambda lines: [*lines, lines[0]]
    for _ in range(2):  # as it is stopped, and as it is found stopped
        await pulls.step()
        assert (await host.readiness())["stopped"]["exchange"][f"{code}/up"] == "order at index 1"
        assert REGISTRY.get_sample_value("creditmesh_feed_stopped", labels) == 1
    assert (await host.readiness())["ready"], "the node serves all the same"
    await pulls.city.node.operator().post(f"/v1/admin/feeds/{code}/up/resume")
    pulls.sender.spoil = list
    await pulls.step()
    assert f"{code}/up" not in (await host.readiness())["stopped"].get("exchange", {})
    assert REGISTRY.get_sample_value("creditmesh_feed_stopped", labels) == 0
    assert (await pulls.copy()).range.size == 1


async def test_acknowledgements_do_not_wait_for_a_connection_of_a_long_poll(pulls: Puller):
    equipment = pulls.city.node.host.equipment["exchange"]
    work = puller.Puller(Workplace(equipment=equipment, address=equipment.pool.address, lease=15.0, turn=1))
    async with httpx.AsyncClient(timeout=60) as polls, httpx.AsyncClient(timeout=60) as answers:
        held = frozenset(range(equipment.node.parts))
        loops = dict(work._wanted(held, pulls=polls, answers=answers))
        clients = {name: unit.run.__self__._peer().client for name, unit in loops.items()}
    code = pulls.sender.who.code
    assert clients[f"acknowledge {code}"] is answers
    assert clients[f"pull {code}/up"] is polls


async def test_a_hundred_and_thirty_peers_are_polled_at_once():
    waiting: list[object] = []

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        waiting.append(writer)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    async with puller._client() as client:
        polls = [asyncio.create_task(client.get(url)) for _ in range(130)]
        async with asyncio.timeout(60):
            while len(waiting) < len(polls):  # noqa: ASYNC110 - the server's own list
                await asyncio.sleep(0.05)
        for poll in polls:
            poll.cancel()
        await asyncio.gather(*polls, return_exceptions=True)
    server.close()
