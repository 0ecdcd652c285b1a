"""A feed by its stages, each alone: appended to signed heads, pulled and verified, stored and told, gated and applied.

The province is stopped while the city takes records. Then the city appends all of them anew, this process pulls and
verifies what it serves, pulls it once more into the province's database as its own puller would, and the province is
started and works off what stands there.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import asyncpg
import httpx

from bench import cost
from bench.figures import Table
from bench.ingest import Taking, Way
from bench.standing import Standing, lags
from creditmesh.chassis.bus.listen import Notifications as Wakes
from creditmesh.chassis.clock import Clock
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.equipment import Equipment
from creditmesh.chassis.facts import Facts
from creditmesh.chassis.settings import NodeSettings
from creditmesh.chassis.vault.keys import Keys
from creditmesh.chassis.vault.subjects import Vault
from creditmesh.exchange import service as exchange
from creditmesh.exchange.peer import NotNow, Peer
from creditmesh.exchange.pulling import Pulling
from creditmesh.node.database import role_addresses
from creditmesh.schemas.catalogue import Party
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.tlog import Range

ENTRIES, SECONDS = 20_000, 180
UP = "up"
_ANEW = """
delete from exchange.feed_entry where feed = 'up';
delete from exchange.feed_tile where feed = 'up';
delete from exchange.feed_checkpoint where feed = 'up';
delete from exchange.feed_key where feed = 'up';
delete from exchange.feed_head where feed = 'up';
update bus.event_reader set number = 0 where stream = 'ingestion' and reader = 'exchange';
update exchange.reader_position set number = 0, last = null, hint = null where stream = 'ingestion';
"""
_SIZE = "select coalesce((select size from exchange.feed_head where feed = 'up'), 0)::int"
_COPIED = "select coalesce((select size from exchange.copy_head where feed = 'up'), 0)::int"
_GATED = "select coalesce(sum(number), 0)::int from ingestion.reader_position where stream = 'exchange'"
_TOLD = "select count(*)::int from exchange.received_page"
"""Pages: ingestion's position counts them."""
_A_PAGE = "select coalesce(avg(until - first), 0)::float from exchange.received_page"


async def measure(standing: Standing) -> Table:
    """Entries a second of each stage, and the CPU of an entry where it is spent."""
    province = standing.at("province")
    url = province.url
    async with asyncio.timeout(SECONDS), httpx.AsyncClient(timeout=60) as client:
        await _compared(_peer(standing, province.node.settings, client))
    await asyncio.to_thread(province.node.children["node"].stop)
    table = Table(f"pull: the city's feed, {ENTRIES:,} entries and more, at most 1,000 a page")
    async with standing.session() as city, province.session() as above:
        await _filled(standing, city)
        with _nobody_at(url):
            await _appended(table, standing, city)
        size = await city.fetchval(_SIZE)
        async with httpx.AsyncClient(timeout=60) as client:
            peer = _peer(standing, province.node.settings, client)
            await _timed(table, "pulled and verified", standing, size, lambda: _verified(peer))
            await _timed(
                table, "pulled, verified, stored and told", standing, size, lambda: _stored(peer, province, above, size)
            )
        await _gated(table, province, above)
    table.notes = [
        "own us: CPU an entry of the process that does it (of the city where it appends); city us: of serving it.",
        "gated and applied: by every service of the province, its start not counted; ingestion's position is timed.",
    ]
    return table


async def _compared(peer: Peer) -> None:
    """Wait until the city has heard what the province holds of its feed: before that it appends nothing to it."""
    while True:
        try:
            await peer.standing("up")
        except NotNow:
            await asyncio.sleep(0.1)
        else:
            return


async def _filled(standing: Standing, city: asyncpg.Connection) -> None:
    taking = Taking(standing, city)
    while await city.fetchval("select count(*) from ingestion.revision") < ENTRIES:
        await taking.hand_in(Way("new", 2))
    async with asyncio.timeout(SECONDS):
        while any((await lags(city)).values()):  # noqa: ASYNC110 - in the database
            await asyncio.sleep(0.1)


@contextmanager
def _nobody_at(url: str) -> Iterator[None]:
    """Somebody in the stopped province's place, who holds nothing of the city's: it asks before it appends."""
    server = ThreadingHTTPServer((str(urlsplit(url).hostname), urlsplit(url).port or 0), _Nobody)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


class _Nobody(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


async def _appended(table: Table, standing: Standing, city: asyncpg.Connection) -> None:
    """Stop the city, take its feed back, start it, and wait until every record is in it again."""
    size = await city.fetchval(_SIZE)
    await asyncio.to_thread(standing.node.children["node"].stop)
    await city.execute(_ANEW)
    await city.execute("vacuum analyze")
    standing.node.children["node"] = standing.node.children["node"].restarted()
    first, began = await until(city, _SIZE, 1)
    spent, server = cost.seconds(standing.processes[-1]), cost.seconds(standing.postgres)
    last, ended = await until(city, _SIZE, size)
    count = last - first
    table.rows.append(
        {
            "": "appended to a signed head",
            "entries/s": count / (ended - began),
            "own us": (cost.seconds(standing.processes[-1]) - spent) / count * 1e6,
            "server us": (cost.seconds(standing.postgres) - server) / count * 1e6,
        }
    )
    await asyncio.to_thread(standing.node.ready)


async def _timed(table: Table, name: str, standing: Standing, size: int, work: Callable[[], Awaitable[object]]) -> None:
    before, own = standing.spent(), time.process_time()
    began = time.perf_counter()
    await work()
    seconds, own = time.perf_counter() - began, time.process_time() - own
    city, server = (now - then for now, then in zip(standing.spent(), before, strict=True))
    each = 1e6 / size
    table.rows.append(
        {
            "": name,
            "entries/s": size / seconds,
            "own us": own * each,
            "server us": server * each,
            "city us": city * each,
        }
    )


async def _verified(peer: Peer) -> None:
    at = Range.empty()
    while (pulled := await peer.pull(UP, after=at.size, wait=0)) is not None:
        at = peer.verify(UP, at, pulled).after


async def _stored(peer: Peer, province: Standing, above: asyncpg.Connection, size: int) -> None:
    pool = Pool(role_addresses(province.node.settings)[exchange.name], application_name="bench")
    pulling = asyncio.create_task(Pulling(_equipment(province.node.settings, pool), lambda: peer, UP).run())
    try:
        await until(above, _COPIED, size)
    finally:
        pulling.cancel()
        await asyncio.gather(pulling, return_exceptions=True)
        await pool.close()


async def _gated(table: Table, province: Standing, above: asyncpg.Connection) -> None:
    """Start the province, and wait until its ingestion has judged every record that was told."""
    already = await above.fetchval(_GATED)
    told = already + await above.fetchval(_TOLD)
    province.node.children["node"] = province.node.children["node"].restarted()
    first, began = await until(above, _GATED, already + 1)
    spent, server = cost.seconds(province.processes[-1]), cost.seconds(province.postgres)
    last, ended = await until(above, _GATED, told)
    count = (last - first) * await above.fetchval(_A_PAGE)
    table.rows.append(
        {
            "": "ordered, gated and applied",
            "entries/s": count / (ended - began),
            "own us": (cost.seconds(province.processes[-1]) - spent) / count * 1e6,
            "server us": (cost.seconds(province.postgres) - server) / count * 1e6,
        }
    )
    await asyncio.to_thread(province.node.ready)


def _peer(standing: Standing, province: NodeSettings, client: httpx.AsyncClient) -> Peer:
    """The city, as the province speaks to it."""
    own = standing.node.operator.call("catalogue", "GET", "/v1/admin/peers")["own"]
    keys = Keys.load(province.secrets / "keys", exchange.keys)
    party = Party.model_validate({**own, "url": standing.url})
    return Peer(party=party, node=province.node, keys=keys, clock=Clock(), client=client)


def _equipment(settings: NodeSettings, pool: Pool) -> Equipment:
    """What the province's exchange is given, without the rest of its process."""
    keys = Keys.load(settings.secrets / "keys", exchange.keys)
    return Equipment(
        node=Facts(code=settings.node, tier=settings.tier, parts=settings.parts, sandbox=True),
        service=exchange,
        pool=pool,
        clock=Clock(),
        vault=Vault(pool, keys, parts=settings.parts, allowed=exchange.vault),
        keys=keys,
        followed=Directory(),
        wake=lambda: None,
        notifications=Wakes(pool.address),
    )


async def until(session: asyncpg.Connection, question: str, number: int) -> tuple[int, float]:
    """Wait until the answer is at least that; the answer, and when it was."""
    async with asyncio.timeout(SECONDS):
        while (found := await session.fetchval(question)) < number:  # noqa: ASYNC110 - in the database
            await asyncio.sleep(0.005)
    return found, time.perf_counter()
