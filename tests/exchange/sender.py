"""A peer at the edge of the world that makes a feed with its own keys, and one pull loop of the city's at it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from pathlib import Path

import httpx
import orjson

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
    instead: Callable[[httpx.Request], httpx.Response] | None = None
    """Answers in place of the feed."""
    asked: list[httpx.Request] = field(default_factory=list)
    meeting: asyncio.Barrier | None = None
    """Whoever asks for a page has it when so many have asked: all of them have read the copy, and none has moved it."""

    def add(self, count: int = 1, *, text: str = "", **said: object) -> None:
        """Entries of the catalogue, or of what is said; `text` stands in their body, its beginning in their line."""
        for _ in range(count):
            index = len(self.entries)
            body = orjson.dumps({"kind": "list", "n": index, "text": text}).decode()
            self.add_with(body, text=text[:1000], **said)

    def add_with(self, body: str, **said: object) -> None:
        """An entry with that body; what is said stands in its line."""
        line = {"v": 1, "type": "catalogue", "at": "2026-11-27T00:00:00Z", "commitment": _commitment(body)}
        text = orjson.dumps(line | said).decode()
        self.entries.append({"index": len(self.entries), "line": text, "salt": "c2FsdA==", "body": body})

    def note(self, entries: Lines) -> str:
        made, _ = Range.empty().extended(leaf_hash(entry["line"].encode()) for entry in entries)
        origin = feed_origin(self.who.code, "up")
        return signed_note(
            checkpoint_text(Checkpoint(origin, made.size, made.root())),
            name=origin,
            public=self.who.keys.public("node").raw,
            sign=self.who.keys.sign,
        )

    async def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/feeds"):
            feed = {"feed": "up", "size": len(self.entries), "root": ""}
            return answered(orjson.dumps({"items": [feed]}))
        self.asked.append(request)
        if self.meeting is not None:
            await self.meeting.wait()
        if self.instead is not None:
            return self.instead(request)
        after = int(request.url.params["after"])
        if after > len(self.entries):
            return answered(b'{"code":"beyond_feed"}', 422)
        page = self.entries[after:]
        if not page:
            return answered(b"")
        lines = self.spoil([*page, {"checkpoint": self.note(self.entries)}])
        return answered(b"".join(orjson.dumps(line) + b"\n" for line in lines))


def answered(content: bytes, status: int = 200, **headers: str) -> httpx.Response:
    """An answer as it comes over the wire: nobody has read it yet."""
    return httpx.Response(status, stream=httpx.ByteStream(content), headers=headers)


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

    async def at_once(self, pullers: int) -> list[BaseException | None]:
        """A step of so many at the same page, none of which knows of another; how each ended."""
        others = [Pulling(self.pulling._equipment, self.pulling._peer, "up") for _ in range(pullers)]
        self.sender.meeting = asyncio.Barrier(pullers)
        found = await asyncio.gather(*(each._step() for each in others), return_exceptions=True)
        self.sender.meeting = None
        return found

    async def copy(self) -> FeedCopy:
        async with self.city.node.context("exchange") as ctx:
            return await copies.copy_of(await ctx.session(), self.sender.who.code, "up")

    async def told(self) -> int:
        """How many of its entries were told."""
        query = """
            select coalesce(sum(p.until - p.first), 0)::int
              from exchange.received_page p join bus.event_order o on o.event = p.id where p.key = $1
        """
        await self.city.node.settled()
        async with self.city.node.database.session() as session:
            return await session.fetchval(query, f"{self.sender.who.code}/up")


_codes = (f"sender{n}" for n in count())


@asynccontextmanager
async def pulling_from_a_sender(city: City, keys: Path) -> AsyncIterator[Puller]:
    """A new peer below, enrolled, and who pulls it."""
    who = neighbour(next(_codes), keys)
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
