"""Taking over a higher tier's catalogue, page by page, as the exchange tells it.

What a higher tier issues holds here from the same day on, under its name, and is told on to the next tier. What cannot
be taken over (it names what is not here, or this version cannot read it) stops nothing: it is kept with the reason and
tried again with whatever comes next. What is told late, after something newer of its object, changes nothing. What this
node itself had narrowed or withdrawn stays so, as long as that still allows no more than the new version does
(docs/decisions/0014).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import cast

import structlog

from creditmesh.catalogue import store
from creditmesh.catalogue.acceptance import Key
from creditmesh.catalogue.errors import CatalogueRefused
from creditmesh.catalogue.objects import digest_of
from creditmesh.catalogue.operations.answering import EntryPlace, answer
from creditmesh.catalogue.operations.laying_over import laid_over
from creditmesh.catalogue.operations.peers import parties_as_enrolled
from creditmesh.catalogue.operations.publishing import append, publish
from creditmesh.catalogue.operations.received import ReceivedObject, as_told, read
from creditmesh.catalogue.store import Publication, RefusedEntry, ToldObject
from creditmesh.chassis.context import Context
from creditmesh.schemas.catalogue import Tier
from creditmesh.schemas.events import PageReceived
from creditmesh.schemas.identifiers import RANK

log = structlog.get_logger(__name__)

_OF_NO_CATALOGUE = ("node", "party")
"""What says who stands above is for the exchange; parties are each node's own."""
_MOST_WAITING = 1_000
"""Entries that are kept and tried again with each page; of more nothing is kept, and they are refused."""


async def take(ctx: Context, pages: Sequence[PageReceived]) -> None:
    """Take what these pages publish over in the order it was told, each time with what still waits from before."""
    session = await ctx.session()
    await store.lock(session, ctx.equipment.service.lock_class)
    heard = await _of_peers_above(ctx, pages)
    entries = [entry for page in heard for entry in page.received if entry.type == "catalogue"]
    told, unread = _read(ctx, [as_told(entry, at=ctx.instant) for entry in entries])
    told, unread = await _in_turn(ctx, told, unread)
    before = await store.refused(session)
    waiting, still_unread = _read(ctx, before)
    for group in _groups(told):
        newer = {each.key for each in group}
        waiting = await _apply(ctx, [*group, *(each for each in waiting if each.key not in newer)])
    known = {each.key for each in told}
    old = [row for row in still_unread if (row.kind, row.code) not in known]
    refused = {_place(row): row for row in [*old, *(each.waits() for each in waiting), *unread]}
    _warn(refused.values(), since={(event.peer, event.feed, event.index) for event in entries})
    kept_already = {_place(row) for row in before}
    in_turn = sorted(refused.values(), key=lambda row: (_place(row) not in kept_already, _place(row)))
    await store.keep_refused(session, in_turn[:_MOST_WAITING])
    superseded = {_place(row) for row in before if (row.kind, row.code) in known}
    mended = [row for row in before if _place(row) not in refused.keys() | superseded]
    answer(ctx, heard, mended, refused)


async def _in_turn(
    ctx: Context, told: Sequence[ReceivedObject], unread: Sequence[RefusedEntry]
) -> tuple[list[ReceivedObject], list[RefusedEntry]]:
    """Those that are not older than what their feed has said of their objects: an entry may be told late."""
    session = await ctx.session()
    said: dict[EntryPlace, tuple[str, str]] = {_place(each.row): each.key for each in told}
    said |= {_place(row): (row.kind, row.code) for row in unread if row.kind is not None and row.code is not None}
    heard = await store.heard(session, {(peer, feed, *key) for (peer, feed, _), key in said.items()})
    late, newest = set[EntryPlace](), dict[ToldObject, int]()
    for (peer, feed, index), key in sorted(said.items()):
        if index < heard.get((peer, feed, *key), 0):
            late.add((peer, feed, index))
            log.info("an older entry was told late", peer=peer, feed=feed, index=index, kind=key[0], code=key[1])
        else:
            heard[peer, feed, *key] = newest[peer, feed, *key] = index
    await store.hear(session, newest)
    return [each for each in told if _place(each.row) not in late], [row for row in unread if _place(row) not in late]


def _place(row: RefusedEntry) -> EntryPlace:
    return row.peer, row.feed, row.index


async def _of_peers_above(ctx: Context, pages: Sequence[PageReceived]) -> list[PageReceived]:
    # From the table, not from what this process follows: the exchange may have followed the enrolment before us. What
    # was pulled while the peer was enrolled holds, whatever its row says since: nobody sends it again.
    known = parties_as_enrolled(await store.parties(await ctx.session(), codes={page.peer for page in pages}))
    above = {code for code, party in known.items() if party.kind == "node" and party.place == "above"}
    found = []
    for page in pages:
        if page.peer in above:
            found.append(page)
        else:
            log.warning("a page is of no peer above", peer=page.peer, feed=page.feed, first=page.first)
    return found


def _read(ctx: Context, rows: Sequence[RefusedEntry]) -> tuple[list[ReceivedObject], list[RefusedEntry]]:
    """The entries that are a higher tier's to publish, and the rows that cannot be read."""
    told: list[ReceivedObject] = []
    unread: list[RefusedEntry] = []
    for row in rows:
        each = read(row)
        if isinstance(each, RefusedEntry):
            unread += [each] if each.kind not in _OF_NO_CATALOGUE else []
        elif each.said.kind == "party" or each.said.issued_by not in _higher(ctx):
            log.warning("an entry is not a higher tier's to publish", peer=row.peer, feed=row.feed, index=row.index)
        else:
            told.append(each)
    return told, unread


def _groups(told: Iterable[ReceivedObject]) -> Iterator[list[ReceivedObject]]:
    """Runs of what may have been published in one go: what names each other stands in one."""
    group: list[ReceivedObject] = []
    for each in told:
        if group and (each.together != group[0].together or each.key in {other.key for other in group}):
            yield group
            group = []
        group.append(each)
    if group:
        yield group


async def _apply(ctx: Context, entries: Sequence[ReceivedObject]) -> list[ReceivedObject]:
    """Publish and withdraw; what could not be published, with its errors."""
    parts: dict[object, list[ReceivedObject]] = {}
    for each in entries:
        parts.setdefault(each.together, []).append(each)
    refused: list[ReceivedObject] = []
    for part in parts.values():
        refused += await (_withdraw if part[0].said.state == "withdrawn" else _publish)(ctx, part)
    return refused


async def _publish(ctx: Context, part: Sequence[ReceivedObject]) -> list[ReceivedObject]:
    newest, above = await _standing(ctx)
    fresh = [each for each in part if not _stands(each, above.get(each.key))]
    refused: list[ReceivedObject] = []
    while fresh:
        row, said = fresh[0].row, fresh[0].said
        try:
            outcome = await publish(
                ctx,
                [each.entry for each in fresh if each.entry is not None],
                issued_by=said.issued_by,
                effective=said.effective,
                basis=said.basis,
                again=True,
                by=row.peer,
            )
        except CatalogueRefused as refusal:
            # Without those that are wrong the others are judged once more: they may have named them.
            judged = [each.judged(refusal.errors) for each in fresh]
            refused += [each for each in judged if each.errors]
            fresh = [each for each in judged if not each.errors]
        else:
            await append(ctx, laid_over(ctx, outcome.published, newest, above).again)
            break
    return refused


async def _withdraw(ctx: Context, part: Sequence[ReceivedObject]) -> list[ReceivedObject]:
    """Withdraw from the day that was said, be it past. What is not here, or is withdrawn from that day, stays so."""
    newest, above = await _standing(ctx)
    rows = []
    for each in part:
        before, last, said = newest.get(each.key), above.get(each.key), each.said
        known = last is not None and (last.state, last.effective) == ("withdrawn", said.effective)
        if before is not None and not known:
            rows.append(
                before._replace(
                    number=before.number + 1,
                    state="withdrawn",
                    effective=said.effective,
                    issued_by=said.issued_by,
                    basis=said.basis,
                    at=ctx.instant,
                    by=each.row.peer,
                )
            )
    await append(ctx, rows)
    await append(ctx, laid_over(ctx, rows, newest, above).again)
    return []


async def _standing(ctx: Context) -> tuple[dict[Key, Publication], dict[Key, Publication]]:
    """The last word on every object, and the last word of the tiers above."""
    session = await ctx.session()
    return await store.newest(session), await store.newest(session, of=_higher(ctx))


def _stands(each: ReceivedObject, last: Publication | None) -> bool:
    if last is None or each.entry is None:
        return False
    return last.state == "published" and last.digest == digest_of(each.entry.body)


def _higher(ctx: Context) -> list[Tier]:
    return [cast("Tier", tier) for tier, rank in RANK.items() if rank > RANK[ctx.node.tier]]


def _warn(rows: Iterable[RefusedEntry], *, since: set[EntryPlace]) -> None:
    for row in rows:
        if _place(row) in since:
            log.warning(
                "an entry from above waits", peer=row.peer, feed=row.feed, index=row.index, kind=row.kind, code=row.code
            )
