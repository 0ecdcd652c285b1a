"""What was set aside of a feed is said again behind what its readers hold; what is shared meanwhile waits behind it.

The same lines as they stood, under their numbers; what the feed has already is not said again. Of a record of which a
number was used twice, what was decided here since is said under numbers above all of them, and told to this node too,
which counts it so; where it had ended, only its ends are, and what else was decided is listed.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from itertools import count
from uuid import UUID

import orjson

from creditmesh.chassis.context import Context
from creditmesh.chassis.vault.feeds import FeedCipher
from creditmesh.exchange.chunks import PageChunk, told_anew
from creditmesh.exchange.entries import Draft, place_of, renumbered
from creditmesh.exchange.operations import sealing, telling
from creditmesh.exchange.operations.comparing import assert_compared
from creditmesh.exchange.operations.feeds import append_again
from creditmesh.exchange.operations.forgetting import shared_no_more
from creditmesh.exchange.store import answers, lost, set_aside
from creditmesh.exchange.store.lost import COPY, FoundRevision, LostEntry
from creditmesh.exchange.store.set_aside import Said, SetAside
from creditmesh.schemas.exchange import (
    ENDS,
    KEY,
    STATE_CHANGES,
    UP,
    EntryLine,
    FeedEntry,
    FeedKeyBody,
    FeedSealed,
)

_AT_ONCE = 100
"""Entries, with all that was set aside of their records."""
_CONTRADICTORY = "contradictory_entry"
_WITHHELD = frozenset({"withheld", "waits"})
"""This node's own words about what it does not show: it is not told them."""
_Revision = tuple[UUID | None, int | None]


@dataclass(slots=True)
class _Again:
    """What one turn appends: each draft, and whether this node is told of it as of what came back."""

    drafts: list[tuple[Draft, bool]] = field(default_factory=list)
    listed: list[LostEntry] = field(default_factory=list)


async def waiting(ctx: Context) -> list[str]:
    """The feeds of which something is to be said again."""
    return await set_aside.names(await ctx.session())


async def say_again(ctx: Context, feed: str) -> bool:
    """Say the next of it; whether there was any. Not while something of these records is being made again.

    NotCompared or FeedBehind while the feed lacks what readers hold; Transient while this process has not followed the
    catalogue, which says who they are.
    """
    session = await ctx.session()
    rows = await set_aside.next_of(session, feed, limit=_AT_ONCE)
    if not rows:
        return False
    await ctx.assert_followed()
    assert_compared(ctx, feed)
    again = _Again()
    if rows[0].record is None:
        again.drafts = await _plain(ctx, feed, rows)
    elif not await _of_records(ctx, feed, rows, again):
        return False
    await set_aside.gone(session, [row.number for row in rows])
    if again.drafts:
        first = await append_again(ctx, feed, [draft for draft, _ in again.drafts])
        await _tell(ctx, feed, first, again)
    await lost.put(session, again.listed)
    return True


async def _plain(ctx: Context, feed: str, rows: Sequence[SetAside]) -> list[tuple[Draft, bool]]:
    """Keys as they are wrapped to who reads now; all else as it stood."""
    names = {row.number: _key_of(row) for row in rows}
    keys = await sealing.put_again(ctx, feed, {name for name in names.values() if name is not None})
    return [(keys.get(names[row.number] or "") or _as_it_stood(row), False) for row in rows]


def _key_of(row: SetAside) -> str | None:
    """The name of the key that it carries, if it carries one."""
    if row.body is None or EntryLine.model_validate_json(row.line).type != KEY:
        return None
    return FeedKeyBody.model_validate_json(row.body).key


async def _of_records(ctx: Context, feed: str, rows: Sequence[SetAside], again: _Again) -> bool:
    """What is to be said of these records; False while something of them is being made again."""
    session = await ctx.session()
    stories: dict[UUID | None, list[SetAside]] = defaultdict(list)
    for row in rows:
        stories[row.record].append(row)
    records = [record for record in stories if record is not None]
    same = await _found(ctx, feed, rows, await lost.of_records(session, feed, records))
    if same is None:
        return False
    said: dict[UUID | None, list[Said]] = defaultdict(list)
    for each in await set_aside.said(session, feed, records):
        said[each.record].append(each)
    closed = shared_no_more(ctx)
    told = [each for record, story in stories.items() for each in _told(ctx, story, said[record], same, again)]
    moved = [row for row, rev in told if rev != row.rev]
    ciphers = await sealing.ciphers_of(ctx, feed, {key for row in moved if (key := _sealed_by(row.body)) is not None})
    for row, rev in told:
        if rev == row.rev:
            again.drafts.append((_as_it_stood(row, forgets=row.item in closed), False))
        else:
            again.drafts.append((_renumbered(ctx, row, rev, ciphers), row.change not in _WITHHELD))
    return True


async def _found(
    ctx: Context, feed: str, rows: Sequence[SetAside], gone: Sequence[LostEntry]
) -> AbstractSet[_Revision] | None:
    """What came back and is what was set aside, here again; None while something else of it is being made again."""
    session = await ctx.session()
    judged = await set_aside.judged(session, ctx.node.code, feed, [each.index for each in gone])
    by_revision = {(row.record, row.rev): row for row in rows}
    same = [each for each in gone if _is_it(by_revision.get((each.record, each.rev)), each, judged)]
    if any(each.why is None for each in gone if each not in same):
        return None
    found = [(each, by_revision[each.record, each.rev]) for each in same]
    known = [
        FoundRevision(each.index, row.subject, row.item, row.party)
        for each, row in found
        if row.subject is not None and row.item is not None and row.party is not None
    ]
    await lost.found(session, feed, known)
    await answers.reopen(session, feed, [each.index for each in known])
    return {(each.record, each.rev) for each in same}


def _is_it(row: SetAside | None, entry: LostEntry, judged: AbstractSet[int]) -> bool:
    """Whether both are one revision: of this node's own, as it was judged, for that number has one revision here.

    A number is used once at the origin of what another node sent.
    """
    if row is None or entry.why == COPY:
        return row is not None and EntryLine.model_validate_json(row.line).change == entry.change
    return entry.why is None and entry.index in judged


def _told(
    ctx: Context, story: Sequence[SetAside], said: Sequence[Said], same: AbstractSet[_Revision], again: _Again
) -> list[tuple[SetAside, int]]:
    """What is to be said of one record, each under which number; what is not, because it had ended, is listed."""
    own = EntryLine.model_validate_json(story[0].line).origin == ctx.node.code
    there = {each.rev: each for each in said if each.rev >= story[0].revision}
    new = [row for row in story if (row.record, row.rev) not in same and (own or not _has(there, row))]
    others = {each.rev for each in there.values() if (each.record, each.rev) not in same}
    if not own or not others:
        return [(row, row.revision) for row in new]
    newest, numbers = there[max(others)], count(max(each.rev for each in said) + 1)
    told = list[tuple[SetAside, int]]()
    for row in new:
        if newest.change in ENDS and row.change not in ENDS:
            line = LostEntry(UP, newest.index, newest.record, newest.rev, newest.change, row.item, row.party)
            again.listed.append(line._replace(why=_CONTRADICTORY))
        elif row.body is not None or row.change in STATE_CHANGES:
            told.append((row, next(numbers)))
    return told


def _has(there: Mapping[int, Said], row: SetAside) -> bool:
    """Whether the feed says that of another node's record already."""
    found = there.get(row.revision)
    return found is not None and found.change == row.change


def _as_it_stood(row: SetAside, *, forgets: bool = False) -> Draft:
    gone = forgets and row.change not in STATE_CHANGES
    return Draft(
        line=row.line,
        salt=None if gone else row.salt,
        body=None if gone else row.body,
        record=row.record,
        rev=row.rev,
        subject=row.subject,
        change=row.change,
        item=row.item,
        party=row.party,
    )


def _renumbered(ctx: Context, row: SetAside, rev: int, ciphers: Mapping[str, FeedCipher]) -> Draft:
    """The same under another number, which what is sealed is bound to; it points to its subject when it is here."""
    said = None if row.body is None else orjson.loads(row.body)
    sealed = None if said is None else _sealed_again(ctx, row, said.get("sealed"), rev, ciphers)
    draft = renumbered(EntryLine.model_validate_json(row.line), said, rev, sealed=sealed, at=ctx.instant)
    return replace(draft, change=row.change, item=row.item, party=row.party)


def _sealed_again(
    ctx: Context, row: SetAside, sealed: object, rev: int, ciphers: Mapping[str, FeedCipher]
) -> dict[str, str] | None:
    """What is sealed, for its new place; None where this node has lost the key: nobody can read it any more."""
    if sealed is None or row.record is None:
        return None
    value = FeedSealed.model_validate_json(orjson.dumps(sealed))
    if value.key not in ciphers:
        return None
    before, after = (place_of(ctx.node.code, UP, row.record, each) for each in (row.revision, rev))
    return ciphers[value.key].seal(ciphers[value.key].unseal(value, place=before), place=after)


async def _tell(ctx: Context, feed: str, first: int, again: _Again) -> None:
    """Tell this node of what has another number now, behind the keys that seal it, and keep it until it is here."""
    told = [(first + n, draft) for n, (draft, is_told) in enumerate(again.drafts) if is_told]
    if not told:
        return
    session = await ctx.session()
    lines = [(index, EntryLine.model_validate_json(draft.line), draft) for index, draft in told]
    await lost.add(
        session,
        [LostEntry(feed, n, line.record, line.rev, line.change, draft.item, draft.party) for n, line, draft in lines],
    )
    names = {name for _, draft in told if (name := _sealed_by(draft.body)) is not None}
    keys = [_chunk(ctx, feed, 0, draft) for draft in await sealing.told_here(ctx, feed, names)]
    await telling.keep(ctx, [*keys, *(_chunk(ctx, feed, index, draft) for index, draft in told)], tell=True)


def _sealed_by(body: str | None) -> str | None:
    """The name of the key under which a body has personal fields, if it has any."""
    sealed = None if body is None else orjson.loads(body).get("sealed")
    return None if sealed is None else str(sealed["key"])


def _chunk(ctx: Context, feed: str, index: int, draft: Draft) -> PageChunk:
    entry = FeedEntry(index=index, line=draft.line, salt=draft.salt, body=draft.body)
    return told_anew(ctx.node.code, feed, [entry], replaced=False, anew=draft.record is not None)
