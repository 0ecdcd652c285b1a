"""What this node shares: revisions upwards, its catalogue downwards, each as an entry of a feed."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

import orjson
from pydantic import JsonValue

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Transient
from creditmesh.exchange.entries import catalogue_draft, place_of, record_draft, sealed_fields
from creditmesh.exchange.operations.feeds import append
from creditmesh.exchange.operations.forgetting import is_shared_no_more
from creditmesh.exchange.operations.originals import as_they_came, said
from creditmesh.exchange.operations.sealing import cipher_of
from creditmesh.exchange.store import answers, feeds, lost
from creditmesh.exchange.store.lost import COPY, FoundRevision, LostEntry
from creditmesh.schemas.catalogue import Item
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import CatalogueChanged, RecordChanged
from creditmesh.schemas.exchange import DOWN, ENDS, STATE_CHANGES, UP
from creditmesh.schemas.words import FALSE_MATERIAL, REVOKED

Change = tuple[Delivered, RecordChanged]


async def share_records(ctx: Context, changes: Sequence[Change]) -> None:
    """Append to `up` the revisions of items that are shared upwards, whether a node stands above or comes later.

    What another node said goes up as it came. What becomes of a record that is there already follows also when its item
    is shared no more: its ends whole, and in place of content that it is withheld.
    """
    shared = await _shared(ctx, await _not_there(ctx, changes))
    if not shared:
        return
    passed = await as_they_came(ctx, [event for _, event in shared])
    own = [event for _, event in shared if said(event) not in passed]
    opened = await _opened(ctx, [event for event in own if event.change not in STATE_CHANGES])
    cipher = await cipher_of(ctx, UP) if own else None
    drafts = []
    for delivered, event in shared:
        if said(event) in passed or cipher is None:
            drafts.append(passed[said(event)])
            continue
        fields = sealed_fields(event, opened[event.revision]) if event.change not in STATE_CHANGES else {}
        place = place_of(ctx.node.code, UP, event.record, event.rev)
        drafts.append(record_draft(event, at=delivered.at, sealed=cipher.seal(fields, place=place) if fields else None))
    await append(ctx, UP, drafts)


async def share_catalogue(ctx: Context, changes: Sequence[tuple[Delivered, CatalogueChanged]]) -> None:
    """Append to `down` what everybody below must know; parties stay local, and so do events without an issuer."""
    drafts = [
        catalogue_draft(event, at=delivered.at)
        for delivered, event in changes
        if event.kind != "party" and event.issued_by is not None
    ]
    if drafts:
        await append(ctx, DOWN, drafts)
        await lost.published(await ctx.session(), DOWN, {(event.kind, event.code) for _, event in changes})


async def _not_there(ctx: Context, changes: Sequence[Change]) -> Sequence[Change]:
    """Those that do not stand in `up` already, fetched back before they were here: these entries point to them now.

    Whether their item is shared still makes no difference to what stands there. A revision that was made here under a
    number which was lost is another one, and is told; so is content that is withheld there, where its item is shared.
    """
    session = await ctx.session()
    records = {event.record for _, event in changes}
    gone: dict[UUID | None, list[LostEntry]] = defaultdict(list)
    for each in await lost.of_records(session, UP, records) if records else ():
        gone[each.record].append(each)
    if not gone:
        return changes
    bodies = await feeds.bodies(session, UP, [each.index for entries in gone.values() for each in entries])
    there, found = set[UUID](), dict[int, FoundRevision]()
    for event in (event for _, event in changes):
        for entry in gone[event.record]:
            is_it = entry.rev == event.rev and _is_of(event, entry, bodies[entry.index])
            if is_it or (entry.rev == event.rev and _says_as_little(ctx, event, entry)):
                there.add(event.revision)
            if is_it or _settles(event, entry):
                found[entry.index] = FoundRevision(entry.index, event.subject, event.item, event.party)
    await lost.found(session, UP, list(found.values()))
    # An answer that was taken while it was nobody's was told to nobody.
    await answers.reopen(session, UP, list(found))
    return [each for each in changes if each[1].revision not in there]


def _says_as_little(ctx: Context, event: RecordChanged, entry: LostEntry) -> bool:
    """Whether it would only say again what stands there: it stands for content that is gone, or is told without."""
    if event.change == "withheld":
        return True
    return _is_withheld(entry) and _has_content(event.change) and not _is_open(ctx, event)


def _settles(event: RecordChanged, entry: LostEntry) -> bool:
    """Whether nothing is missing of the content at that place any more: it is here, or was replaced or ended since.

    Content whose line says that it is withheld is not told by it from another.
    """
    if entry.rev is None or event.rev < entry.rev:
        return False
    if event.rev == entry.rev:
        return _is_withheld(entry) and event.change != "withheld"
    was_content = _is_withheld(entry) or _has_content(entry.change)
    return was_content and (event.change in ENDS or _has_content(event.change))


def _is_withheld(entry: LostEntry) -> bool:
    """Whether its line stands for content, for good or until something that waits has a word."""
    return entry.change in {"withheld", "waits"}


def _has_content(change: str | None) -> bool:
    return change not in STATE_CHANGES


def _is_of(event: RecordChanged, entry: LostEntry, body: str | None) -> bool:
    if event.change == "withheld":  # it stands for what is not here
        return _is_withheld(entry) and entry.why == COPY
    if event.change != entry.change or event.change in STATE_CHANGES:
        return event.change == entry.change
    return body is not None and orjson.loads(body).get("revision") == str(event.revision)


async def _shared(ctx: Context, changes: Sequence[Change]) -> list[Change]:
    open_to_above = {event.revision for _, event in changes if _is_open(ctx, event)}
    closed = {event.record for _, event in changes if event.rev > 1 and event.revision not in open_to_above}
    there = await feeds.those(await ctx.session(), UP, closed) if closed else set[UUID]()
    shared: list[Change] = []
    for delivered, event in changes:
        if event.revision in open_to_above:
            there.add(event.record)
            shared.append((delivered, event))
        elif event.record in there:
            shared.append((delivered, _without_content(event)))
    return shared


def _without_content(event: RecordChanged) -> RecordChanged:
    says: dict[str, object] = {"fields": {}, "sealed": ()}
    if event.change not in STATE_CHANGES:
        revokes = event.reason in {REVOKED, FALSE_MATERIAL}  # the node itself may need it after a restore
        says |= {"change": "withheld", "state": "withheld", "reason": event.reason if revokes else None}
    return event.model_copy(update=says)


def _is_open(ctx: Context, event: RecordChanged) -> bool:
    """Whether what it says goes up, by the law it was decided under and by that of today."""
    return _item(ctx, event).shared_by(ctx.node.tier) and not is_shared_no_more(ctx, event.item)


def _item(ctx: Context, event: RecordChanged) -> Item:
    version = ctx.followed(Directory).version("item", event.item, event.item_version)
    if version is None or not isinstance(version.body, Item):
        raise Transient(f"this process has not followed the catalogue to {event.item} version {event.item_version} yet")
    return version.body


async def _opened(
    ctx: Context, events: Sequence[RecordChanged]
) -> Mapping[UUID, Mapping[str, Mapping[str, JsonValue]]]:
    """The sealed fields of each revision by whom they are about; a person who was erased has none left."""
    ciphers = await ctx.vault.open_left({sealed.about for event in events for sealed in event.sealed})
    return {
        event.revision: {
            sealed.field: ciphers[sealed.about].unseal(sealed, object=event.record, field=sealed.field)
            for sealed in event.sealed
            if sealed.about in ciphers
        }
        for event in events
    }
