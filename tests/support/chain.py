"""Several whole nodes in one test, each with a database and listeners of its own, enrolled with each other."""

import contextlib
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import asyncpg

from creditmesh.catalogue import operations as catalogue
from creditmesh.catalogue.objects import entry_of
from creditmesh.exchange.operations.chain import own_row, rows_of
from creditmesh.exchange.operations.comparing import compared, readers
from creditmesh.exchange.store import copies
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.exchange import UP
from creditmesh.schemas.rules.numbers import uscc_check
from tests.support.eventually import eventually
from tests.support.node import TestNode, running
from tests.support.postgres import Postgres

_LENGTHS = (
    "select feed, size from exchange.feed_head union all select peer || '/' || feed, size from exchange.copy_head"
    " order by feed"
)
_SIZE = "select coalesce((select size from exchange.feed_head where feed = $1), 0)"
_COPIED = "select coalesce((select size from exchange.copy_head where peer = $1 and feed = $2), 0)"
_ACKNOWLEDGED = """
    select count(*) filter (where sent_at is null), coalesce(max(until), 0)
    from exchange.acknowledgement_made where peer = $1
"""
Tier = Literal["city", "province", "nation"]


@dataclass(frozen=True, kw_only=True)
class Place:
    """One node of a chain: its tier, and the node above it."""

    code: str
    tier: Tier
    above: str | None = None


@dataclass
class Chain:
    """The running nodes by their codes."""

    nodes: Mapping[str, TestNode]
    places: Mapping[str, Place]

    def __getitem__(self, code: str) -> TestNode:
        return self.nodes[code]

    async def settled(self) -> None:
        """Wait until everything that was committed anywhere has come to where it goes, and was acknowledged."""
        async with contextlib.AsyncExitStack() as stack:
            sessions = {
                code: await stack.enter_async_context(node.database.session()) for code, node in self.nodes.items()
            }
            await eventually(partial(self._still, sessions))

    async def _still(self, sessions: Mapping[str, asyncpg.Connection]) -> bool:
        """Whether the copies are whole, and handling all that came so far has made nothing that has yet to travel."""
        if not await self._follow(sessions):
            return False
        before = await _lengths(sessions)
        for node in self.nodes.values():
            await node.settled()
        return await self._follow(sessions) and await _lengths(sessions) == before

    async def _follow(self, sessions: Mapping[str, asyncpg.Connection]) -> bool:
        for place in self.places.values():
            if place.above is not None and not await _follows(place, sessions):
                return False
        return True


async def _lengths(sessions: Mapping[str, asyncpg.Connection]) -> list[tuple[str, int]]:
    """How long every feed and every copy is, at every node."""
    return [
        (f"{code} {row['feed']}", row["size"])
        for code, session in sessions.items()
        for row in await session.fetch(_LENGTHS)
    ]


async def _follows(place: Place, sessions: Mapping[str, asyncpg.Connection]) -> bool:
    """Whether the copies between a node and the one above it are whole and acknowledged."""
    below, above = sessions[place.code], sessions[str(place.above)]
    copies = [("up", below, above, place.code)]
    copies += [(feed, above, below, place.above) for feed in ("down", f"down-{place.code}")]
    for feed, origin, holder, peer in copies:
        if await origin.fetchval(_SIZE, feed) != await holder.fetchval(_COPIED, peer, feed):
            return False
    unsent, made = await above.fetchrow(_ACKNOWLEDGED, place.code)
    return unsent == 0 and made == (await below.fetchval(_SIZE, "up"))


def has_compared(node: TestNode) -> bool:
    """Whether it has heard from all who read its feeds, and gives them: what it has to say leaves it as it comes.

    That one has been heard is not yet that the feed is given to it: who came to the readers since is asked first.
    """
    heard = compared(node.host.equipment["exchange"])
    return all(
        (feed, party.code) in heard.held and party.code in heard.known.get(feed, ())
        for party, feed in readers(node.host.followed)
    )


async def _has_begun(node: TestNode) -> bool:
    """Whether it has compared its feeds, told of itself who is below, and heard how far the feeds from below go.

    By itself it has no more to say; and of what comes from now on every revision is told, not the newest alone.
    """
    row, below = own_row(node.host.equipment["exchange"]), node.host.followed.peers("below")
    async with node.context("exchange") as ctx:
        session = await ctx.session()
        said = await rows_of(session, node.host.settings.node)
        heard = [(await copies.found(session, peer.code, UP)).announced is not None for peer in below]
    return has_compared(node) and all(heard) and (row is None or row.says_as(said.get(row.node)))


async def size_of(node: TestNode, feed: str) -> int:
    """How long a node's own feed is."""
    async with node.database.session() as session:
        return int(await session.fetchval(_SIZE, feed))


async def copied(node: TestNode, peer: str, feed: str) -> int:
    """How far a node's copy of a peer's feed goes."""
    async with node.database.session() as session:
        return int(await session.fetchval(_COPIED, peer, feed))


async def enrol(
    node: TestNode, peer: TestNode, *, place: str | None, sends_for: tuple[str, ...] = (), again: bool = False
) -> None:
    """Publish a node's row at another, as its operator would; without a place it is no neighbour.

    `again`: also where that row stood there before another one did.
    """
    code = peer.host.settings.node
    keys = peer.host.equipment["exchange"].keys
    own = peer.host.followed
    assert isinstance(own, Directory)
    found = own.party(code)
    body = {
        "code": code,
        "name": f"Node {code}",
        "name_zh": f"节点{code}",
        "kind": "node",
        "uscc": found.uscc if found is not None else _uscc(code),
        "url": peer.host.url,
        "place": place,
        "sends_for": list(sends_for),
        "keys": [
            {"id": key.id, "use": use, "alg": keys.algorithm(use), "public": b64encode(key.raw).decode()}
            for use in ("node", "feed")
            for key in keys.public_halves(use)
        ],
    }
    async with node.context("catalogue") as ctx:
        await catalogue.publish(ctx, [entry_of("party", body)], issued_by=node.host.settings.tier, again=again)
    await node.settled()


def _uscc(code: str) -> str:
    first = f"12990000{sum(ord(c) * 7**n for n, c in enumerate(code)) % 10**9:09d}"
    return first + uscc_check(first)


@contextlib.asynccontextmanager
async def chained(postgres: Postgres, folder: Path, *places: Place) -> AsyncIterator[Chain]:
    """These nodes, running, enrolled and at rest; each child sends for itself and for everybody below it."""
    async with contextlib.AsyncExitStack() as stack:
        nodes = {
            place.code: await stack.enter_async_context(
                running(postgres, folder / place.code, code=place.code, tier=place.tier, listen=True)
            )
            for place in places
        }
        chain = Chain(nodes, {place.code: place for place in places})
        for place in places:
            if place.above is not None:
                await enrol(nodes[place.code], nodes[place.above], place="above")
                await enrol(nodes[place.above], nodes[place.code], place="below", sends_for=_below(place, places))
        for node in nodes.values():
            await eventually(partial(_has_begun, node))
        await chain.settled()
        yield chain


def _below(place: Place, places: tuple[Place, ...]) -> tuple[str, ...]:
    children = [each for each in places if each.above == place.code]
    return (place.code, *(code for child in children for code in _below(child, places)))


TWO_CITIES = (
    Place(code="nation", tier="nation"),
    Place(code="province", tier="province", above="nation"),
    Place(code="provinceb", tier="province", above="nation"),
    Place(code="city", tier="city", above="province"),
    Place(code="cityb", tier="city", above="province"),
)
"""A nation with two provinces, one of them with two cities."""
