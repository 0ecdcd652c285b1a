"""Acknowledgements of peers' feeds, of what was judged here: signed and sent when all of this node has gone by it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import takewhile
from typing import NamedTuple, cast

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.bus.listen import tell
from creditmesh.chassis.bus.stream import heads, parked, passed, until_it_lasts
from creditmesh.chassis.context import Context
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.equipment import Equipment
from creditmesh.exchange.chunks import without_bodies
from creditmesh.exchange.operations import telling
from creditmesh.exchange.store import copies, lost, pages, refusals, revisions, waiting
from creditmesh.exchange.store.copies import Made, Unsent
from creditmesh.exchange.store.pages import EntryPlace
from creditmesh.exchange.store.waiting import UNJUDGED, WaitingEntry
from creditmesh.schemas.acknowledgements import MOST_ANSWERED, MOST_NAMED, Acknowledgement
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import EntriesJudged
from creditmesh.schemas.exchange import NOT_JUDGED, OF_SENDER, UP, WAITING, feed_origin
from creditmesh.schemas.received import ReceivedEntry, read_entries
from creditmesh.schemas.signed import sign

_AT_ONCE = 100
_MOST_NOT_JUDGED = 1000
"""Of a copy and an origin so many wait that could not be judged; more are refused, and the operator may offer them."""


def word(peer: str) -> str:
    """What the sender of acknowledgements to a peer is woken by."""
    return f"acknowledge/{peer}"


async def note_judged(ctx: Context, events: Sequence[Delivered]) -> None:
    """Keep what was judged here; the puller's unit signs and sends it when all of this node has gone by it.

    Of this node's own entries that were fetched back: why some of their revisions are not made again.

    What a run did to records was ordered before the event that says so: it is below the heads of its stream.
    """
    session = await ctx.session()
    beyond = {stream: await _heads(session, stream) for stream in {each.stream for each in events}}
    said = [(each, each.read(EntriesJudged)) for each in events]
    own = [each for each in said if each[1].peer == ctx.node.code]
    for _, each in own:
        await lost.refuse(session, each.feed, [(entry.index, entry.code) for entry in each.refused])
    await copies.add_made(session, [_made(event, each, beyond[event.stream], data="") for event, each in own])
    judged = [each for each in said if each[1].peer != ctx.node.code]
    if not judged:
        return
    verified = await copies.heads_at(session, [(each.peer, each.feed, each.until) for _, each in judged])
    made = [
        _made(event, each, beyond[event.stream], data=_unsigned(ctx, each, head, at=event.at))
        for (event, each), head in zip(judged, verified, strict=True)
    ]
    await copies.add_made(session, made)
    await _note_refused(session, [each for _, each in judged])
    await tell(session, *sorted({word(each.peer) for each in made}))


def _made(event: Delivered, judged: EntriesJudged, beyond: Sequence[int], *, data: str) -> Made:
    return Made(
        judged.peer,
        judged.feed,
        judged.first,
        judged.until,
        data,
        beyond,
        [str(subject) for subject in judged.ends],
        [entry.index for entry in judged.tracked],
        [entry.record for entry in judged.tracked],
        event.stream,
    )


async def note_gone_by(equipment: Equipment, session: Session, feed: str) -> None:
    """Note of this node's own entries, fetched back and judged again, which of them all of it has gone by.

    By the same rule as what is sent to a peer; these are sent to nobody.
    """
    node, more = equipment.node.code, True
    while more:
        ready = (await unsent(session, node, feed, limit=_AT_ONCE)).ready
        for each in ready:
            await copies.sent(session, node, feed, number=each.number, at=equipment.clock.instant())
        more = len(ready) == _AT_ONCE


async def _heads(session: Session, stream: str) -> list[int]:
    ends = await heads(session, stream)
    return [ends[part].number for part in sorted(ends)]


async def _note_refused(session: Session, judged: Sequence[EntriesJudged]) -> None:
    """Of what was refused the body goes, but of what is refused for now; the rest is seen to later (`take_unseen`)."""
    refused: dict[EntryPlace, str] = {}
    later: dict[tuple[str, str], set[int]] = defaultdict(set)  # what was judged once more, behind it
    for each in reversed(judged):
        copy = each.peer, each.feed
        refused |= {(*copy, entry.index): entry.code for entry in each.refused if entry.index not in later[copy]}
        later[copy].update(range(each.first, each.until))
    waits = set[EntryPlace]()
    for peer, feed in sorted({place[:2] for place in refused}):
        indices = [index for *copy, index in refused if copy == [peer, feed]]
        waits |= {(peer, feed, index) for index in await waiting.those(session, peer, feed, indices)}
    ranges = [(each.peer, each.feed, each.first, each.until) for each in judged]
    noted = {place: code for place, code in refused.items() if place not in waits}
    tracked = {(each.peer, each.feed, entry.index) for each in judged for entry in each.tracked}
    await refusals.note(
        session, ranges, noted, unseen={place for place, code in noted.items() if code == NOT_JUDGED} | tracked
    )
    await forget(session, sorted(place for place, code in refused.items() if code not in WAITING))


async def unseen_copies(ctx: Context) -> list[str]:
    """The copies of which something that was refused is to be seen to, as their pages are keyed."""
    return [f"{peer}/{feed}" for peer, feed in await refusals.unseen_copies(await ctx.alone())]


async def take_unseen(ctx: Context, copy: str) -> bool:
    """See to the next entries of a copy that were refused; whether there were any. Not while somebody moves the copy.

    What could not be judged waits, as far as there is room, and of the others the body goes as of all that is refused.
    What has ended since it was told is told once more, as what nobody refuses.
    """
    session, (peer, feed) = await ctx.session(), copy.split("/")
    if not await waiting.lead(session, peer, feed):  # first, as whoever moves the copy does
        return False
    if found := await refusals.unseen(session, peer, feed):
        kept = await pages.at(session, peer, feed, [*found])
        read = read_entries(peer, feed, [kept[index] for index in sorted(kept)])
        content = telling.with_content(each for each in read if feed == UP and found[each.index] not in OF_SENDER)
        ended = set(await telling.tell_ended(ctx, peer, kept, content))
        unjudged = [each for each in read if found[each.index] == NOT_JUDGED and each.index not in ended]
        waits = set(await _keep_waiting(session, peer, feed, unjudged)) if unjudged else set[int]()
        refused = {index: content.get(index) for index in found.keys() - waits - ended}
        await refusals.settle(session, peer, feed, done=waits | ended, refused=refused)
        await forget(session, [(peer, feed, each.index) for each in unjudged if each.index not in waits])
    return bool(found)


async def _keep_waiting(session: Session, peer: str, feed: str, unjudged: Sequence[ReceivedEntry]) -> list[int]:
    """Which of those that could not be judged wait until somebody begins to follow the feed.

    What came of a record behind one that waits waits too; but not where that has been replaced or has ended meanwhile.
    """
    replaced = await telling.replaced(session, peer, unjudged)
    had, waits = Counter(await waiting.of_origins(session, peer, feed)), list[WaitingEntry]()
    for each in unjudged:
        origin = "" if each.line is None else each.line.origin or ""
        if each.index not in replaced and had[origin] < _MOST_NOT_JUDGED:
            had[origin] += 1
            waits.append(WaitingEntry(each.index, UNJUDGED, each.record, origin=origin))
    await waiting.add(session, peer, feed, waits)
    return [each.index for each in waits]


async def forget(session: Session, places: Sequence[EntryPlace]) -> None:
    """What was refused, or is told no more, is not kept: the line stays, under the peer's head; the body goes."""
    texts = await pages.held(session, places) if places else []
    if texts:
        blanked = [(each.part, each.id, without_bodies(each.page, each.indices)) for each in texts]
        await pages.rewrite(session, blanked)


def _unsigned(ctx: Context, judged: EntriesJudged, head: tuple[int, bytes], *, at: datetime) -> str:
    size, root = head
    acknowledgement = Acknowledgement(
        feed=feed_origin(judged.peer, judged.feed),
        by=ctx.node.code,
        first=judged.first,
        until=judged.until,
        size=size,
        root=root.hex(),
        refused=judged.refused,
        at=at,
        key=ctx.keys.key_id("node"),
        alg=ctx.keys.algorithm("node"),
    )
    return acknowledgement.model_dump_json()


async def signed(session: Session, equipment: Equipment, peer: str, made: Unsent) -> list[str]:
    """What this node says now of what it judged of a peer then: to whom above it passes that on, what it sent to none.

    In as many texts as it takes: none is larger than its receiver's route takes.
    """
    directory, keys = cast("Directory", equipment.followed), equipment.keys
    above = tuple(party.code for party in directory.enrolled("above"))
    entries = list(zip(made.tracked, made.records, strict=True))
    found = await revisions.kept(session, peer, entries, feed=UP) if above else set(made.tracked)
    kept = tuple(index for index in made.tracked if index in found)
    said = {"above": above, "kept": kept, "key": keys.key_id("node"), "alg": keys.algorithm("node")}
    given = Acknowledgement.model_validate_json(made.data).model_copy(update=said)
    return [sign(each, by=keys.sign).model_dump_json() for each in cut(given, made.tracked)]


def cut(given: Acknowledgement, tracked: Iterable[int]) -> list[Acknowledgement]:
    """The same in runs of which each is about, and is proof of, no more entries than one may."""
    named = sorted({*(each.index for each in given.refused), *tracked})
    begins = {given.first, *named[MOST_NAMED::MOST_NAMED], *range(given.first, given.until, MOST_ANSWERED)}
    ends = [*sorted(begins)[1:], given.until]
    return [
        given.model_copy(
            update={
                "first": first,
                "until": until,
                "refused": tuple(each for each in given.refused if first <= each.index < until),
                "kept": tuple(index for index in given.kept if first <= index < until),
            }
        )
        for first, until in zip(sorted(begins), ends, strict=True)
    ]


class Waiting(NamedTuple):
    """What a peer does not have yet: what may be sent now, in order, and whether more may be in a moment.

    What waits for a person who is parked, or behind that, may wait for days.
    """

    ready: Sequence[Unsent]
    soon: bool


async def unsent(session: Session, peer: str, feed: str, *, limit: int) -> Waiting:
    """Acknowledgements in their order, as far as every reader of this node has applied what they are about.

    To have passed an event is not to have applied it: behind a dead letter the events of its key wait.
    """
    made = await copies.unsent(session, peer, feed, limit=limit)
    stream = made[0].stream if made else ""  # of a feed, all that is judged is judged by one service
    reached = await passed(session, stream) if made else {}
    passed_by = list(takewhile(lambda each: _gone_by(each.beyond, reached), made))
    ends = [key for each in passed_by for key in each.ends]
    held_up = await parked(session, stream, ends) if ends else ()
    ready = list(takewhile(lambda each: not any(key in held_up for key in each.ends), passed_by))
    if ready:
        await until_it_lasts(session)
    return Waiting(ready, len(ready) == len(passed_by) < len(made))


def _gone_by(beyond: Sequence[int], reached: Mapping[int, int]) -> bool:
    return all(reached.get(part, number) >= number for part, number in enumerate(beyond))
