"""Copies compared with what their feeds say of them last; and what no feed says, withheld.

Nothing is judged anew: what a copy says is compared with what was said, under the item's version that it was read with.
A milder severity and an earlier end than the origin's are this node's own law, and no difference.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from pydantic import ValidationError

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import NotFound
from creditmesh.chassis.vault.cipher import Cipher, TamperedSeal
from creditmesh.ingestion.operations.copying.entries import PeerEntry
from creditmesh.ingestion.operations.copying.feed_keys import FeedCiphers
from creditmesh.ingestion.operations.records.peer_revision import PeerRevision
from creditmesh.ingestion.operations.records.record_book import RecordBook, StateChange
from creditmesh.ingestion.store import copies as store
from creditmesh.ingestion.store import revisions
from creditmesh.ingestion.store.revisions import Place, Stored
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.exchange import HIDING, UP, RecordBody
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.received import read_body
from creditmesh.schemas.reconciling import Difference, RecordComparedOut, SaidOut, ShownOut
from creditmesh.schemas.rules.severity import milder

NOT_IN_FEED = "not_in_feed"
"""Why a copy is withheld that no feed says anything of."""
_AT_ONCE = 1000
_TO_THE_LETTER = ("item", "party", "origin", "kind", "decided_on", "display_from", "issuer", "false_material")
"""What content says of a record alike at every tier."""
_BESIDE = ("record", "rev", "item", "party", "origin", "state", "mark")
"""What stands beside the event of a revision as well."""


class _Copy(NamedTuple):
    """A copy's newest revision.

    `event` is None where it cannot be read; `placed` says whether it is known that the record is held.
    """

    stored: Stored
    event: RecordChanged | None
    placed: bool


async def compare(ctx: Context, said: Sequence[SaidOut]) -> list[RecordComparedOut]:
    """How the copies of these records stand beside what is said of them: all was judged, and nothing refused."""
    held = await _held(ctx, {each.record for each in said})
    contents = {each.record: content for each in said if (content := _content(each)) is not None}
    feeds = await FeedCiphers.of(ctx, contents.values())
    events = [copy.event for copy in held.values() if copy.event is not None]
    ciphers = await ctx.vault.open_left({sealed.about for event in events for sealed in event.sealed})
    compared = []
    for each in said:
        copy, content = held.get(each.record), contents.get(each.record)
        body = None if content is None else content.body
        difference = _difference(each, copy, body)
        shown = difference is None and each.change not in HIDING
        if shown and copy and copy.event and content and _says_else(ctx, copy.event, content, feeds, ciphers):
            difference = "differing"
        item = copy.stored.item if copy is not None else None if body is None else body.item
        compared.append(RecordComparedOut(record=each.record, item=item, difference=difference))
    return compared


async def shown_copies(ctx: Context, peer: str, *, cursor: str | None) -> Page[ShownOut]:
    """The copies that are shown of records that this peer may send, of the next so many revisions here.

    NotFound if it is no node below.
    """
    party = ctx.followed(Directory).party(peer)
    if party is None or party.place != "below":
        raise NotFound("No node of this code is enrolled below.", "未登记该代码的下级节点。")
    part, _, beyond = (cursor or f"-1/{UUID(int=0)}").partition("/")
    found, last = await store.shown(await ctx.alone(), party.sends_for, after=(int(part), UUID(beyond)), limit=_AT_ONCE)
    items = tuple(ShownOut(record=record, item=item) for record, item in found)
    return Page(items=items, next=None if last is None else f"{last[0]}/{last[1]}")


async def withhold_unsaid(ctx: Context, records: Collection[UUID]) -> None:
    """Show nothing of these copies any more: no feed says anything of them."""
    book, places = RecordBook(ctx), await _places(ctx, records)
    await book.open_newest(places.values())
    for record, place in places.items():
        newest = book.newest(place)
        if newest is not None and newest.state == "published" and newest.record == record:
            revision = PeerRevision(record, book.origin_rev(place) + 1)
            book.change_state(place, StateChange(change="withheld", reason=NOT_IN_FEED, peer_revision=revision))
    await book.write()


async def _places(ctx: Context, records: Collection[UUID]) -> dict[UUID, Place]:
    placed, astray = await _found(ctx, records)
    return placed | astray


async def _found(ctx: Context, records: Collection[UUID]) -> tuple[dict[UUID, Place], dict[UUID, Place]]:
    """Where copies are known to be held, and where others of these records stand all the same."""
    session = await ctx.session()
    placed = await store.held(session, {record: ctx.part(str(record)) for record in records})
    lost = set(records) - placed.keys()
    return placed, await store.astray(session, lost, node=ctx.node.code, parts=ctx.node.parts)


async def _held(ctx: Context, records: Collection[UUID]) -> dict[UUID, _Copy]:
    session = await ctx.session()
    placed, astray = await _found(ctx, records)
    places = placed | astray
    newest = await revisions.newest(session, places.values())
    return {
        record: _Copy(stored, _event(stored), record in placed)
        for record, place in places.items()
        if (stored := newest.get(place)) is not None
    }


def _event(stored: Stored) -> RecordChanged | None:
    try:
        return RecordChanged.model_validate_json(stored.data)
    except ValidationError:
        return None


def _content(said: SaidOut) -> PeerEntry | None:
    body = read_body(said.content)
    if isinstance(body, str) or body.record != said.record:
        return None
    return PeerEntry(said.peer, UP, said.index, body.record, body.rev, body.change, body.origin, body)


def _difference(said: SaidOut, copy: _Copy | None, content: RecordBody | None) -> Difference | None:
    """How the copy stands beside what is said of its record, but for what its content says."""
    ended = said.change in HIDING
    if copy is None:
        return None if ended else "missing"
    stored, event, placed = copy
    if event is None:
        return "unreadable"
    if ended:
        return "shown" if "published" in {stored.state, event.state} else None
    if not placed:
        return "missing"
    newest = read_body(said.newest)
    alike = (
        stored.record == said.record
        and all(getattr(stored, name) == getattr(event, name) for name in _BESIDE)
        and event.state == "published"
        and (event.origin_rev or event.rev) == said.rev
        and (isinstance(newest, str) or event.mark == newest.mark)
        and (content is None or _is_no_wider(event, content))
    )
    return None if alike else "differing"


def _is_no_wider(event: RecordChanged, content: RecordBody) -> bool:
    """Whether it says what was said, and is shown no longer and as no more serious."""
    if any(getattr(event, name) != getattr(content, name) for name in _TO_THE_LETTER):
        return False
    ends = content.display_until is None or (
        event.display_until is not None and event.display_until <= content.display_until
    )
    return ends and milder(event.severity, content.severity) == event.severity


def _says_else(
    ctx: Context, event: RecordChanged, content: PeerEntry, feeds: FeedCiphers, ciphers: Mapping[UUID, Cipher]
) -> bool:
    """Whether the fields of a copy are others than were said: not where either cannot be read here any more."""
    if any(sealed.about not in ciphers for sealed in event.sealed):
        return False  # of somebody who was erased
    says = dict(event.fields)
    try:
        for sealed in event.sealed:
            says |= ciphers[sealed.about].unseal(sealed, object=event.record, field=sealed.field)
    except TamperedSeal:
        return True
    fields = feeds.unseal(content)
    if isinstance(fields, FieldError):
        return False
    try:
        compiled = ctx.followed(Directory).compiled(event.item, event.item_version, on=ctx.legal_date)
    except KeyError:
        return True
    said = compiled.validate_kept(fields)
    return not isinstance(said, tuple) and said != says
