"""A chain of whole nodes in one process whose network is driven: nothing travels until it is said what and where to.

The nodes are real, with their databases, buses, readers and doors; only the loops that pull and answer are not: a page
goes from one node to another, or an answer back, as one call of what those loops call. So a history is what was called.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from creditmesh.chassis.database.connecting import connect
from creditmesh.chassis.errors import Transient
from creditmesh.chassis.host import Host
from creditmesh.chassis.service import Declaration, Workplace
from creditmesh.chassis.units import Unit
from creditmesh.exchange import backoff, pulling
from creditmesh.exchange.comparer import Comparer
from creditmesh.exchange.forgetter import Forgetter
from creditmesh.exchange.operations import answering, passing, relaying, saying_again
from creditmesh.exchange.operations.comparing import compared, readers
from creditmesh.exchange.passer import Passer
from creditmesh.exchange.peer import LIMIT, NotNow, Peer
from creditmesh.exchange.puller import Puller
from creditmesh.exchange.pulling import Pulling, Sending
from creditmesh.node.declaration import NODE
from creditmesh.node.door import door
from creditmesh.schemas.exchange import DOWN, UP
from tests.histories.network import Hasty, Network
from tests.support.chain import Chain, Place
from tests.support.eventually import eventually
from tests.support.node import TestNode, running
from tests.support.postgres import Postgres
from tests.support.restoring import duplicated, swapped

CHAIN = (
    Place(code="nation", tier="nation"),
    Place(code="province", tier="province", above="nation"),
    Place(code="city", tier="city", above="province"),
)
_DISCONNECT = """
    select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid()
"""


@dataclass(kw_only=True)
class World:
    """The chain, its network, and the loops of each node's present process, which stand still."""

    chain: Chain
    network: Network
    client: httpx.AsyncClient
    workplaces: dict[str, Workplace]
    eyes: dict[str, asyncpg.Connection] = field(default_factory=dict)
    """A session at each database for who looks at it, that nobody kills."""
    _pulls: dict[tuple[str, str, str], Pulling] = field(default_factory=dict)
    _sends: dict[tuple[str, str], Sending] = field(default_factory=dict)
    limit: int = LIMIT

    def links(self, code: str) -> Iterator[tuple[str, str]]:
        """The feeds that a node follows now, by peer."""
        directory = self.chain[code].host.followed
        for party in directory.peers("below"):
            yield party.code, UP
        for party in directory.peers("above"):
            yield party.code, DOWN
            yield party.code, f"{DOWN}-{code}"

    async def pull(self, code: str, peer: str, feed: str, *, limit: int = LIMIT) -> None:
        """The node asks the peer for the next page of the feed, and takes it."""
        self.limit = limit
        pulling = self._pulls.get((code, peer, feed))
        if pulling is None:
            made = Pulling(self.equipment(code), self._peer(code, peer), feed)
            await made._tell_again()
            pulling = self._pulls[code, peer, feed] = made
        try:
            await pulling._step()
        except BaseException:
            del self._pulls[code, peer, feed]  # a loop that failed begins from what is stored
            raise

    async def answer(self, code: str, peer: str) -> None:
        """The node signs what it judged of the peer's feed, and hands it over."""
        judged = UP if self.chain[code].host.followed.party(peer).place == "below" else DOWN
        sending = self._sends.setdefault((code, peer), Sending(self.equipment(code), self._peer(code, peer), judged))
        try:
            await sending._send()
        except NotNow:
            sending._asks = True  # as its loop does
        except BaseException:
            del self._sends[code, peer]
            raise

    async def kill(
        self, code: str, *, during: Awaitable[Any] | None = None, after: float = 0.0
    ) -> tuple[Any, BaseException | None]:
        """Cut every session of the node, and drop its process with all it had in memory; start another.

        `during`: what is under way when that happens, so many seconds after it began; its answer, or its error.
        """
        under_way = None if during is None else asyncio.ensure_future(during)
        await asyncio.sleep(after)
        self.network.down.add(code)
        await self._cut(code)
        await self.stop(code)
        answer, error = None, None
        if under_way is not None:
            (found,) = await asyncio.gather(under_way, return_exceptions=True)
            answer, error = (None, found) if isinstance(found, BaseException) else (found, None)
        await self.start(code)
        return answer, error

    async def copy(self, code: str) -> None:
        """Keep the node's database as it is."""
        await self.away(code, duplicated)

    async def put_back(self, code: str) -> None:
        """Put the copy of the node's database in its place, and do what its guide says of that."""
        await self.away(code, swapped)
        await self.fetch_back(code)

    async def fetch_back(self, code: str) -> None:
        """What its operator does when it runs again."""
        operator = self.chain[code].operator()
        feeds = (await operator.get("/v1/admin/feeds")).raise_for_status().json()["items"]
        for feed in sorted((each["feed"] for each in feeds if each["peer"] is None), key=lambda name: name != "up"):
            fetched: httpx.Response | None = None
            while fetched is None or fetched.json()["peer"] is not None:
                fetched = await operator.post(f"/v1/admin/feeds/{feed}/restore")
                if fetched.status_code == httpx.codes.SERVICE_UNAVAILABLE:
                    break  # nobody who reads it answers: it waits, and holds up no other
                fetched.raise_for_status()

    async def offer(self, code: str, peer: str) -> None:
        """Have judged anew what the node refused of the peer's records."""
        operator, after = self.chain[code].operator(), 0
        while after is not None:
            answer = await operator.post(f"/v1/admin/feeds/{peer}/up/offer", params={"after": after})
            if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
                return  # the peer does not answer, or has taken this node out
            if answer.status_code == httpx.codes.CONFLICT and answer.json()["code"] == "copy_catching_up":
                return  # all of it is judged when it has come
            after = answer.raise_for_status().json()["next"]

    async def away(self, code: str, doing: Callable[[TestNode], Awaitable[None]]) -> None:
        """Stop the node, do this to its database, and start it again."""
        node = self.chain[code]
        await self.stop(code)
        await self.eyes[code].close()
        await doing(node)
        self.eyes[code] = await connect(node.database.admin.of(node.database.name), application_name="test")
        await self.start(code)

    async def stop(self, code: str) -> None:
        self.network.down.add(code)
        for place in [place for place in self._pulls if code == place[0]]:
            del self._pulls[place]
        for place in [place for place in self._sends if code == place[0]]:
            del self._sends[place]
        with contextlib.suppress(Exception):
            await self.chain[code].host.stop()

    async def start(self, code: str) -> None:
        """A new process of the node, which has compared its feeds."""
        node = self.chain[code]
        before = node.host
        node.host = Host(
            declaration=before.declaration,
            settings=before.settings,
            addresses=node.database.addresses,
            hosted=before.hosted,
            door=door,
        )
        node.host.url = before.url
        await node.host.open()
        await node.host.replica.caught_up()
        self.network.down.discard(code)
        await self.compared(code)

    async def settled(self, code: str) -> None:
        """Wait until all that was committed at the node is read, but for what waits for readers of its feeds."""
        host, node = self.chain[code].host, self.chain[code]
        if self.may_append(code):
            await node.settled()
            return
        exchange = host.readers.consumers.pop("exchange")
        try:
            await node.settled()
        finally:
            host.readers.consumers["exchange"] = exchange

    async def compared(self, code: str) -> None:
        """Wait until the process of the node has heard from the readers of its feeds that answer it."""
        known = compared(self.equipment(code))
        await eventually(lambda: all(place in known.held for place in self._readers(code)))

    def may_append(self, code: str) -> bool:
        """Whether the node may append to its feeds."""
        known, directory = compared(self.equipment(code)), self.chain[code].host.followed
        return all(feed in known.known and not known.behind(feed) for _, feed in readers(directory))

    def _readers(self, code: str) -> Iterator[tuple[str, str]]:
        """The feeds of a node with who reads them, and has not taken the node out."""
        for party, feed in readers(self.chain[code].host.followed):
            ours = self.chain[party.code].host.followed.party(code)
            if ours is not None and ours.active and party.code not in self.network.down:
                yield feed, party.code

    def equipment(self, code: str) -> Any:
        return self.chain[code].host.equipment["exchange"]

    async def _cut(self, code: str) -> None:
        await self.eyes[code].execute(_DISCONNECT)

    def _peer(self, code: str, peer: str) -> Any:
        equipment = self.equipment(code)

        def now() -> Peer:
            party = equipment.followed.party(peer)
            if party is None or not party.active or party.url is None:
                raise Transient(f"{peer} is enrolled no more")
            return Hasty(
                party=party,
                node=code,
                keys=equipment.keys,
                clock=equipment.clock,
                client=self.client,
                limit=self.limit,
            )

        return now


def _driven(workplaces: dict[str, Workplace]) -> Declaration:
    """The node as it is declared; of the exchange's loops these remain: comparer, own row, what waited, forgetter."""

    def units(workplace: Workplace) -> list[Unit]:
        workplaces[workplace.equipment.node.code] = workplace

        async def run() -> None:
            comparer, puller, passer = Comparer(workplace), Puller(workplace), Passer(workplace)
            forgetter = Forgetter(workplace)
            async with httpx.AsyncClient() as client:
                while True:
                    await comparer.look(client)
                    await puller._publish_own_row()
                    await passer._round(saying_again.waiting, saying_again.say_again)
                    await passer._round(relaying.grown, relaying.take_waiting)
                    await passer._round(passing.waiting_children, passing.pass_on_waiting)
                    await passer._round(answering.unseen_copies, answering.take_unseen)
                    await forgetter.turn()
                    await asyncio.sleep(0.05)

        return [Unit("comparer", run)]

    services = [replace(each, units=units) if each.name == "exchange" else each for each in NODE.services]
    return replace(NODE, services=tuple(services))


@contextlib.asynccontextmanager
async def made(postgres: Postgres, folder: Path, *places: Place) -> AsyncIterator[World]:
    """These nodes, running; nobody is enrolled yet."""
    network, workplaces = Network(), {}
    declaration = _driven(workplaces)
    async with contextlib.AsyncExitStack() as stack:
        wire = stack.enter_context(pytest.MonkeyPatch.context())
        wire.setattr(httpx.AsyncHTTPTransport, "handle_async_request", network.carried())
        wire.setattr(backoff, "LONGEST", 0)  # who was not there is asked when the history says so
        wire.setattr(pulling, "SECONDS_EMPTY", 0)
        client = await stack.enter_async_context(httpx.AsyncClient())
        for place in places:
            node = await stack.enter_async_context(
                running(postgres, folder / place.code, code=place.code, tier=place.tier, declaration=declaration)
            )
            node.host.url = f"http://{place.code}.example"
            network.nodes[place.code] = node
        chain = Chain(network.nodes, {place.code: place for place in places})
        world = World(chain=chain, network=network, client=client, workplaces=workplaces)
        for code, node in network.nodes.items():
            world.eyes[code] = await connect(node.database.admin.of(node.database.name), application_name="test")
        try:
            yield world
        finally:
            for eye in world.eyes.values():
                await eye.close()
