"""The puller: a unit that follows peers' feeds, sends them what is signed about theirs, and publishes the node's row.

A peer is one part, leased like any: of several processes each has some. A lease only spares work; what makes two
pullers harmless is that a copy moves from exactly where it was. A page that does not fit stops its feed, in the
database, until an operator has looked: nothing after it is applied, and nothing is lost.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from typing import Literal

import httpx

from creditmesh.chassis.bus.event import part_of
from creditmesh.chassis.bus.leases import Leases
from creditmesh.chassis.bus.listen import FOLLOWED
from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Transient, Unavailable
from creditmesh.chassis.service import Workplace
from creditmesh.chassis.units import Unit, keep_running
from creditmesh.exchange.comparer import Comparer
from creditmesh.exchange.forgetter import Forgetter
from creditmesh.exchange.operations import chain
from creditmesh.exchange.operations.comparing import COMPARED
from creditmesh.exchange.passer import Passer
from creditmesh.exchange.peer import WAIT, Peer
from creditmesh.exchange.pulling import Pulling, Sending
from creditmesh.schemas.catalogue import Party
from creditmesh.schemas.chain import NodeRow
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.exchange import DOWN, UP

PULLS = 2000
"""Added to the service's lock class: the class of these leases."""
SECONDS_TO_LOOK = 1.0
"""How often it looks whom to pull, if nothing tells it: peers come and go with the catalogue."""


def units(workplace: Workplace) -> list[Unit]:
    """The exchange's own units."""
    passer = Passer(workplace)
    return [
        Unit("puller", Puller(workplace).run),
        Unit("comparer", Comparer(workplace).run),
        Unit("passer", passer.run),
        Unit("refused", passer.see_to_refused),
        Unit("forgetter", Forgetter(workplace).run),
    ]


class Puller:
    """Keeps one loop a feed of every peer whose part this process holds."""

    def __init__(self, workplace: Workplace) -> None:
        self._equipment = workplace.equipment
        self._lease = (workplace.address, PULLS + workplace.equipment.service.lock_class, workplace.lease)
        self._loops: dict[str, asyncio.Task[None]] = {}
        self._published: NodeRow | None = None

    async def run(self) -> None:
        """Pull until the lease is lost; every loop ends with it."""
        address, lock_class, lease = self._lease
        async with AsyncExitStack() as stack:
            pulls, answers = [await stack.enter_async_context(_client()) for _ in range(2)]
            leases = Leases(address, lock_class=lock_class, parts=self._equipment.node.parts, lease=lease)
            stack.push_async_callback(leases.close)
            await leases.open()
            ping = asyncio.create_task(leases.ping())
            stack.callback(ping.cancel)
            stack.push_async_callback(self._end_all)
            wake = stack.enter_context(self._equipment.notifications.waking([FOLLOWED, COMPARED]))
            while True:
                await leases.rebalance()
                await self._keep(dict(self._wanted(leases.held, pulls=pulls, answers=answers)))
                await self._publish_own_row()
                await wake.wait(SECONDS_TO_LOOK)

    def _wanted(
        self, held: frozenset[int], *, pulls: httpx.AsyncClient, answers: httpx.AsyncClient
    ) -> Iterator[tuple[str, Unit]]:
        # An acknowledgement must not wait for a connection until a long poll has come back.
        for party in (*self._followed(held, "above"), *self._followed(held, "below")):
            peer = self._peer(pulls, party)
            for feed in self._feeds(party):
                yield _named(f"pull {party.code}/{feed}", Pulling(self._equipment, peer, feed).run)
            judged = UP if party.place == "below" else DOWN
            yield _named(f"acknowledge {party.code}", Sending(self._equipment, self._peer(answers, party), judged).run)

    def _followed(self, held: frozenset[int], place: Literal["above", "below"]) -> list[Party]:
        parts = self._equipment.node.parts
        return [
            each
            for each in self._directory().peers(place)
            if each.url is not None and part_of(each.code, parts) in held
        ]

    def _feeds(self, party: Party) -> tuple[str, ...]:
        return (UP,) if party.place == "below" else (DOWN, f"{DOWN}-{self._equipment.node.code}")

    def _peer(self, client: httpx.AsyncClient, party: Party) -> Callable[[], Peer]:
        code = party.code

        def now() -> Peer:
            found = self._directory().party(code)
            if found is None or not found.active or found.url is None:
                raise Transient(f"{code} is enrolled no more")
            equipment = self._equipment
            return Peer(
                party=found, node=equipment.node.code, keys=equipment.keys, clock=equipment.clock, client=client
            )

        return now

    async def _keep(self, wanted: dict[str, Unit]) -> None:
        await _ended([self._loops.pop(name) for name in self._loops.keys() - wanted.keys()])
        for name in wanted.keys() - self._loops.keys():
            self._loops[name] = asyncio.create_task(keep_running(wanted[name]), name=name)

    async def _end_all(self) -> None:
        await self._keep({})

    async def _publish_own_row(self) -> None:
        """Tell who is below whenever this node says something else of itself."""
        row = chain.own_row(self._equipment)
        if row is None or row.says_as(self._published):
            return
        context = Context(self._equipment)
        try:
            await chain.publish(context, row)
            await context.commit()
        except Unavailable:
            return  # `down` waits until it was compared, or for its operator; readiness tells of it
        finally:
            await context.rollback()
        self._published = row

    def _directory(self) -> Directory:
        followed = self._equipment.followed
        if not isinstance(followed, Directory):
            raise TypeError("the exchange follows the catalogue")
        return followed


def _client() -> httpx.AsyncClient:
    """As many connections as there are loops: each has one request at a time."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
    return httpx.AsyncClient(timeout=httpx.Timeout(10.0, read=WAIT + 10.0), limits=limits)


def _named(name: str, run: Callable[[], Awaitable[None]]) -> tuple[str, Unit]:
    return name, Unit(name, run)


async def _ended(loops: Sequence[asyncio.Task[None]]) -> None:
    # All are told before the first is waited for: whoever waits here may be ended itself, and none goes on then.
    for loop in loops:
        loop.cancel()
    await asyncio.gather(*loops, return_exceptions=True)
