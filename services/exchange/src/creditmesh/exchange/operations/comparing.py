"""What others hold of this node's feeds: asked before anything is appended to or served of one, and remembered.

A database that was restored does not know it. Whoever appended to such a feed would sign a second history of the same
sizes; so every process asks the nodes that read a feed first. What they say counts only under this node's signature.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Literal

import structlog

from creditmesh.chassis.context import Context
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.equipment import Equipment
from creditmesh.chassis.vault.keys import Keys, verified
from creditmesh.exchange.errors import FeedBehind, NotCompared
from creditmesh.exchange.store import catching_up, feeds, tiles
from creditmesh.schemas.catalogue import Party
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.exchange import DOWN, UP, FeedOut, feed_origin
from creditmesh.schemas.pages import BadPage, signed_head
from creditmesh.schemas.tlog import Checkpoint

_log = structlog.get_logger(__name__)
_PLACES: tuple[Literal["above", "below"], ...] = ("above", "below")
COMPARED = "compared"
"""The word for whoever waits until a feed may be appended to: said within the process that has heard its readers."""
Reader = tuple[str, str]
"""A feed of this node, and a peer that reads it."""


def feeds_of(party: Party) -> tuple[str, ...]:
    """The feeds of this node that a peer reads now: `up` from above, `down` and its own `down-<node>` from below."""
    return _read_from(party.place, party.code)


def _read_from(place: str | None, code: str) -> tuple[str, ...]:
    return {"above": (UP,), "below": (DOWN, f"{DOWN}-{code}")}.get(place or "", ())


def readers(directory: Directory) -> Iterator[tuple[Party, str]]:
    """Every peer with each feed that it has read: whoever asks what others hold of a feed asks these.

    It is no question of today. Whoever was given a feed has it, whatever its row says since: only taking it out lets
    a feed go on without it. What is given to whom, and wrapped for whom, goes by where a peer stands now (`feeds_of`,
    `Directory.enrolled`).
    """
    for place in _PLACES:
        for party in directory.holders(place):
            yield from ((party, feed) for feed in _read_from(place, party.code))


def copied_from(directory: Directory, code: str, *, node: str) -> frozenset[str]:
    """The feeds of a peer that this node has pulled, and keeps: for its author, wherever that stands now."""
    feeds = {"below": (UP,), "above": (DOWN, f"{DOWN}-{node}")}
    stood = [place for place in _PLACES if any(each.code == code for each in directory.holders(place))]
    return frozenset(feed for place in stood for feed in feeds[place])


@dataclass(slots=True)
class Compared:
    """What this process has heard since it began."""

    known: dict[str, frozenset[str]] = field(default_factory=dict)
    """The feeds of which every reader, these, has answered, or one that holds a head: who holds nothing vouches for
    nobody."""
    held: dict[Reader, Checkpoint | None] = field(default_factory=dict)
    """What each that answered holds, as this node signed it; None: nothing, or it cannot say."""
    fits: set[Reader] = field(default_factory=set)
    """Those whose head is the beginning of what stands here."""
    senders: set[str] = field(default_factory=set)
    """The peers below that have said how far this node had answered for their `up`."""
    database: str | None = None
    """Which database it was when this process began to ask; None: it has not looked."""
    least: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """How long each feed was when this process last saw it: a database that goes back beneath it is found by that."""

    def keep(self, wanted: AbstractSet[Reader]) -> None:
        """These are all readers; forget who reads nothing any more."""
        self.held = {place: head for place, head in self.held.items() if place in wanted}
        self.fits &= wanted

    def release(self, feed: str, peers: Collection[str]) -> bool:
        """All its readers, these, were asked and had their time; whether what they said is enough to go on by now."""
        heard = [self.held[feed, peer] for peer in peers if (feed, peer) in self.held]
        if len(heard) == len(peers) or any(head is not None for head in heard):
            before, self.known[feed] = self.known.get(feed), frozenset(peers)
            return before != self.known[feed]
        return False

    def unfit(self, feed: str) -> dict[Reader, Checkpoint | None]:
        """Those that hold of the feed what did not stand here when it was looked."""
        return {place: head for place, head in self.held.items() if place[0] == feed and place not in self.fits}

    def behind(self, feed: str) -> dict[str, int]:
        """The peers that hold of the feed what does not stand here, and how much they hold."""
        return {peer: head.size for (_, peer), head in self.unfit(feed).items() if head is not None}


def compared(equipment: Equipment) -> Compared:
    """What the process of this equipment has heard."""
    made: Compared = equipment.memory.setdefault(Compared, Compared())
    return made


def assert_compared(ctx: Context, feed: str) -> Compared:
    """What was heard; NotCompared or FeedBehind where the feed may neither be appended to nor served."""
    heard = compared(ctx.equipment)
    if not _readers_of(ctx, feed) <= heard.known.get(feed, frozenset()):
        raise NotCompared
    if heard.behind(feed):
        raise FeedBehind
    return heard


def all_heard(ctx: Context, feed: str) -> bool:
    """Whether each of its readers has said what it holds: what does not stand here then, nobody has."""
    held = compared(ctx.equipment).held
    return all((feed, peer) in held for peer in _readers_of(ctx, feed))


def _readers_of(ctx: Context, feed: str) -> set[str]:
    return {party.code for party, name in readers(ctx.followed(Directory)) if name == feed}


def is_appendable(ctx: Context, feed: str) -> bool:
    """Whether what was heard lets the feed be appended to."""
    try:
        assert_compared(ctx, feed)
    except (NotCompared, FeedBehind):
        return False
    return True


async def assert_appendable(ctx: Context, feed: str, size: int) -> None:
    """The same, for a head that is held and of that size.

    Where it was longer a moment ago, or the database may be another, all are asked anew.
    """
    heard = assert_compared(ctx, feed)
    if size < heard.least[feed] or await is_another(ctx.equipment, await ctx.session()):
        ctx.equipment.memory[Compared] = Compared()
        raise NotCompared
    heard.least[feed] = size


async def is_another(equipment: Equipment, session: Session) -> bool:
    """Whether the database may have been put back since this process has begun to ask."""
    return compared(equipment).database not in {None, await catching_up.database(session)}


def own_head(keys: Keys, node: str, feed: str, note: str) -> Checkpoint:
    """The head of a note that this node signed for its feed; BadPage if it did not."""
    return signed_head(
        note,
        origin=feed_origin(node, feed),
        publics=[half.raw for half in keys.public_halves("node")],
        verify=lambda public, data, signature: verified(data, signature, public=public),
        at=0,
    )


def signed_here(equipment: Equipment, peer: str, feed: str, answer: FeedOut | None) -> Checkpoint | None:
    """The head that a peer says it holds; None where this node did not sign it: then it says nothing."""
    if answer is None or answer.checkpoint is None:
        return None
    try:
        return own_head(equipment.keys, equipment.node.code, feed, answer.checkpoint)
    except BadPage:
        _log.warning("a peer shows a head that this node did not sign", peer=peer, feed=feed)
        return None


async def judge(equipment: Equipment, session: Session, heard: Mapping[Reader, Checkpoint | None]) -> None:
    """Remember what these hold, and whether it is the beginning of what stands here.

    All at once, when all is looked at: whoever reads it meanwhile finds what was known before.
    """
    known = compared(equipment)
    fits = {place for place, head in heard.items() if head is None or await begins(session, place[0], head)}
    known.fits = known.fits - heard.keys() | fits
    known.held |= heard
    for feed, peer in fits:
        head = heard[feed, peer]
        known.least[feed] = max(known.least[feed], 0 if head is None else head.size)


async def begins(session: Session, feed: str, head: Checkpoint) -> bool:
    """Whether a head is the beginning of what stands here."""
    if (await feeds.head(session, feed)).size < head.size:
        return False
    return (await tiles.range_at(session, feed, head.size)).root() == head.root


def told(equipment: Equipment) -> dict[str, dict[str, int]]:
    """For readiness: the feeds that are behind, and how much who holds of them."""
    known = compared(equipment)
    return {
        f"restore {feed}": held for feed in sorted({name for name, _ in known.held}) if (held := known.behind(feed))
    }
