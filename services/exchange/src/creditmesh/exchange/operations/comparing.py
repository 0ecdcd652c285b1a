"""What others hold of this node's feeds: asked before anything is appended to or served of one, and remembered.

A database that was restored does not know it. Whoever appended to such a feed would sign a second history of the same
sizes; so every process asks the nodes that read a feed first. What they say counts only under this node's signature.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import structlog

from creditmesh.chassis.context import Context
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.equipment import Equipment
from creditmesh.chassis.vault.keys import Keys, verified
from creditmesh.exchange.errors import FeedBehind, NotCompared
from creditmesh.exchange.store import feeds, tiles
from creditmesh.schemas.catalogue import Party
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.exchange import DOWN, UP, FeedOut, feed_origin
from creditmesh.schemas.pages import BadPage, signed_head
from creditmesh.schemas.tlog import Checkpoint

_log = structlog.get_logger(__name__)
Reader = tuple[str, str]
"""A feed of this node, and a peer that reads it."""


def feeds_of(party: Party) -> tuple[str, ...]:
    """The feeds of this node that a peer reads: `up` from above, `down` and its own `down-<node>` from below."""
    return {"above": (UP,), "below": (DOWN, f"{DOWN}-{party.code}")}.get(party.place or "", ())


def readers(directory: Directory) -> Iterator[tuple[Party, str]]:
    """Every active peer with each feed that it reads."""
    for party in (*directory.peers("above"), *directory.peers("below")):
        yield from ((party, feed) for feed in feeds_of(party))


@dataclass(slots=True)
class Compared:
    """What this process has heard since it began."""

    known: set[str] = field(default_factory=set)
    """The feeds of which every reader has answered, or one that holds a head: who holds nothing vouches for nobody."""
    held: dict[Reader, Checkpoint | None] = field(default_factory=dict)
    """What each that answered holds, as this node signed it; None: nothing, or it cannot say."""
    fits: set[Reader] = field(default_factory=set)
    """Those whose head is the beginning of what stands here."""
    senders: set[str] = field(default_factory=set)
    """The peers below that have said how far this node had answered for their `up`."""
    least: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """How long each feed was when this process last saw it: a database that goes back beneath it is found by that."""

    def keep(self, wanted: AbstractSet[Reader]) -> None:
        """These are all readers; forget who reads nothing any more."""
        self.held = {place: head for place, head in self.held.items() if place in wanted}
        self.fits &= wanted

    def release(self, feed: str, peers: Collection[str]) -> None:
        """All its readers, these, were asked and had their time: what they have said may be enough to go on."""
        heard = [self.held[feed, peer] for peer in peers if (feed, peer) in self.held]
        if len(heard) == len(peers) or any(head is not None for head in heard):
            self.known.add(feed)

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
    if feed not in heard.known and any(name == feed for _, name in readers(ctx.followed(Directory))):
        raise NotCompared
    if heard.behind(feed):
        raise FeedBehind
    return heard


def is_appendable(ctx: Context, feed: str) -> bool:
    """Whether what was heard lets the feed be appended to."""
    try:
        assert_compared(ctx, feed)
    except (NotCompared, FeedBehind):
        return False
    return True


def assert_appendable(ctx: Context, feed: str, size: int) -> None:
    """The same, for a head that is held and of that size: if it was longer a moment ago, all are asked anew."""
    heard = assert_compared(ctx, feed)
    if size < heard.least[feed]:
        ctx.equipment.memory[Compared] = Compared()
        raise NotCompared
    heard.least[feed] = size


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
    """Remember what these hold, and whether it is the beginning of what stands here."""
    known = compared(equipment)
    for (feed, peer), head in heard.items():
        if head is None or await begins(session, feed, head):
            known.fits.add((feed, peer))
            known.least[feed] = max(known.least[feed], 0 if head is None else head.size)
        known.held[feed, peer] = head


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
