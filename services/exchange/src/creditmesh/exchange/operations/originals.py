"""What this node passes on of nodes below it: their entries as they came, their keys wrapped on, and what proves both.

An entry of another's record in this node's `up` is that node's own, to the letter, wherever this node says the same of
the record. So it is a leaf of two logs, and whoever reads this one can ask for a stretch of the other that leads to a
head which the origin signed. What this node says by itself, that content is withheld, is an entry of its own.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from pydantic import ValidationError

from creditmesh.chassis.context import Context
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.vault.cipher import TamperedSeal
from creditmesh.chassis.vault.feeds import unwrap
from creditmesh.chassis.vault.keys import KeyMissing
from creditmesh.exchange.entries import Draft
from creditmesh.exchange.operations import chain, sealing, serving
from creditmesh.exchange.store import feeds, origins, pages, revisions
from creditmesh.exchange.store.origins import VerifiedRun
from creditmesh.exchange.store.pages import StoredEntry
from creditmesh.schemas.chain import PASSED
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.exchange import (
    STATE_CHANGES,
    UP,
    EntryLine,
    FeedEntry,
    FeedKeyBody,
    RecordBody,
    effect,
    feed_origin,
)
from creditmesh.schemas.origins import MOST_LEAVES, OriginRun, OriginsOut, passed_key
from creditmesh.schemas.tlog import leaf_hash

Said = tuple[UUID, int, str]
"""A record, a revision of it, and what that changed."""
_Line = tuple[str, UUID | None, int | None]
"""An origin, a record of it, a revision."""
_LONGEST_NAME = 64
MOST_ASKED = 5000
"""Entries that are asked about at once."""
MOST_GIVEN = 4 * MOST_LEAVES
"""Leaves of an answer, unless its first run alone has more: about a megabyte."""
_OF_A_RUN = 40
"""What a run weighs beside its leaves, in leaves."""


class _Passed(NamedTuple):
    draft: Draft
    key: str | None
    """The origin's key that its body is sealed under."""


class _Needed(NamedTuple):
    place: int
    origin: str
    run: VerifiedRun
    """The stretch of the origin's feed in which the entry at that place stands."""


def said(event: RecordChanged) -> Said:
    """What a revision is known by."""
    return event.record, event.rev, event.change


async def as_they_came(ctx: Context, events: Iterable[RecordChanged]) -> Mapping[Said, Draft]:
    """The entries of those of these revisions that others sent and this node passes on as they came.

    Their keys are in `up` then. None where a node above does not read that.
    """
    by_origin: dict[str, list[RecordChanged]] = defaultdict(list)
    for event in events:
        if event.origin != ctx.node.code:
            by_origin[event.origin].append(event)
    if not by_origin or not await _is_read(ctx):
        return {}
    drafts = dict[Said, Draft]()
    for origin, some in by_origin.items():
        passed = await _passed(await ctx.session(), origin, some)
        opened = await _secrets(ctx, origin, {each.key for each in passed.values() if each.key is not None})
        there = await sealing.pass_on(ctx, UP, origin, opened)
        drafts |= {what: each.draft for what, each in passed.items() if each.key is None or each.key in there}
    return drafts


async def prove(ctx: Context, feed: str, *, after: int, until: int) -> OriginsOut:
    """What proves the entries of others among these of this feed, as far as it can be proven and one answer goes.

    NoSuchFeed, NotCompared and FeedBehind as for a page of it.
    """
    serving.check(ctx, feed)
    session, left = await ctx.alone(), MOST_GIVEN
    until = min(until, after + MOST_ASKED, (await feeds.head(session, feed)).size)
    given = dict[tuple[str, int], VerifiedRun]()
    for index, origin, run in await _needed(ctx, session, after, until) if feed == UP else ():
        if (origin, run.first) not in given:
            left -= run.until - run.first + _OF_A_RUN
            if left < 0 and given:
                until = index
                break
            given[origin, run.first] = run
    runs = [await _run(session, origin, run) for (origin, _), run in given.items()]
    return OriginsOut(runs=tuple(runs), until=until)


async def _is_read(ctx: Context) -> bool:
    """Whether each node above that has spoken says that it reads such entries; where none ever has, they are passed on.

    Who was taken out has spoken too, unless somebody stands there now that has. Who is silent decides nothing: what is
    sealed anew whoever comes may refuse for good, and what is not can be offered to an older one when it is upgraded.
    """
    session, directory = await ctx.session(), ctx.followed(Directory)
    for nodes in (directory.peers("above"), directory.enrolled("above")):
        rows = [(await chain.rows_of(session, peer.code)).get(peer.code) for peer in nodes]
        if spoken := [row for row in rows if row is not None]:
            return all(PASSED in row.reads for row in spoken)
    return True


async def _passed(session: Session, origin: str, events: Sequence[RecordChanged]) -> Mapping[Said, _Passed]:
    """Those of these revisions that stand in the origin's own feed and say there what they say here."""
    sent = await revisions.sent_by_children(session, list({(each.record, each.rev) for each in events}))
    places = {(record, rev): index for record, rev, peer, index in sent if peer == origin}
    entries = await pages.read_at(session, origin, UP, set(places.values()))
    found = {}
    for event in events:
        entry = entries.get(places.get((event.record, event.rev), -1))
        passed = None if entry is None else _as_it_came(event, entry)
        if passed is not None:
            found[said(event)] = passed
    return found


def _as_it_came(event: RecordChanged, stored: StoredEntry) -> _Passed | None:
    """The origin's entry, if it says what this node says of the record by this event."""
    entry, body = stored.kept, stored.read.said
    line = stored.read.line or EntryLine.model_validate_json(entry.line)
    if (line.record, line.rev, line.change, line.origin) != (event.record, event.rev, event.change, event.origin):
        return None
    if not _says_as_much(event, None if entry.body is None else body):
        return None
    sealed = body.sealed if isinstance(body, RecordBody) else None
    if sealed is not None and len(passed_key(event.origin, sealed.key)) > _LONGEST_NAME:
        return None
    draft = Draft(
        line=entry.line,
        salt=entry.salt,
        body=entry.body,
        record=event.record,
        rev=event.rev,
        subject=event.subject,
        change=effect(event.change, event.reason),
        item=event.item,
        party=event.party,
    )
    return _Passed(draft, None if sealed is None else sealed.key)


def _says_as_much(event: RecordChanged, body: RecordBody | str | None) -> bool:
    """Whether a body says what the revision says, and what only marks or ends says nothing beside that."""
    if event.change in STATE_CHANGES:
        return body is None or (isinstance(body, RecordBody) and not body.fields and body.sealed is None)
    return isinstance(body, RecordBody) and body.revision == event.revision


async def _secrets(ctx: Context, origin: str, names: Collection[str]) -> Mapping[str, bytes]:
    """What these keys of a copied feed are, as far as this node can open them."""
    session, found = await ctx.session(), dict[str, bytes]()
    places = {each.index: each.key for each in await origins.keys(session, origin, names)} if names else {}
    for index, entry in sorted((await pages.at(session, origin, UP, set(places))).items()):
        secret = _secret(ctx, origin, entry)
        if secret is not None:
            found[places[index]] = secret
    return found


def _secret(ctx: Context, origin: str, entry: FeedEntry) -> bytes | None:
    try:
        body = FeedKeyBody.model_validate_json(entry.body or "")
    except ValidationError:
        return None
    for wrapped in (each for each in body.wrapped if each.node == ctx.node.code):
        try:
            return unwrap(ctx.keys, wrapped, feed=feed_origin(origin, UP))
        except (KeyMissing, TamperedSeal, ValueError):
            continue  # wrapped to a key that this process does not have, or by nobody
    return None


async def _needed(ctx: Context, session: Session, after: int, until: int) -> list[_Needed]:
    """The entries of others among these, in their order, each with the run that proves it, where one does."""
    placed = await feeds.within(session, UP, [(after, until)])
    lines = [(each.index, EntryLine.model_validate_json(each.line)) for each in placed]
    places = await _places(session, [line for _, line in lines if line.origin not in {None, ctx.node.code}])
    stand: dict[str, set[int]] = defaultdict(set)
    for (origin, _, _), stands in places.items():
        stand[origin].add(stands)
    runs = {origin: await origins.runs(session, origin, some) for origin, some in stand.items()}
    found = []
    for index, line in lines:
        origin = line.origin or ""
        place = places.get((origin, line.record, line.rev))
        run = None if place is None else _covering(runs[origin], place)
        if run is not None:
            found.append(_Needed(index, origin, run))
    return found


def _covering(runs: Sequence[VerifiedRun], place: int) -> VerifiedRun | None:
    """The one of these, in their order, in which the place is, if it can be given whole."""
    at = bisect_right(runs, place, key=lambda run: run.first) - 1
    fits = at >= 0 and place < runs[at].until <= runs[at].first + MOST_LEAVES
    return runs[at] if fits else None


async def _places(session: Session, lines: Sequence[EntryLine]) -> dict[_Line, int]:
    """Where these lines stand in the feeds of their origins."""
    wanted = {(line.origin or "", line.record, line.rev) for line in lines}
    asked = [(record, rev) for _, record, rev in wanted if record is not None and rev is not None]
    sent = await revisions.sent_by_children(session, asked)
    return {(peer, record, rev): index for record, rev, peer, index in sent if (peer, record, rev) in wanted}


async def _run(session: Session, origin: str, run: VerifiedRun) -> OriginRun:
    lines = await pages.lines(session, origin, UP, after=run.first, until=run.until)
    leaves = b"".join(leaf_hash(line.encode()) for line in lines)
    return OriginRun(origin=origin, first=run.first, stack=run.stack, leaves=leaves, checkpoint=run.note)
