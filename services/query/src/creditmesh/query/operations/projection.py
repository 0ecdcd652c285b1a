"""Keeping the read models and the access log, from events."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID, uuid5

from pydantic import JsonValue

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Transient
from creditmesh.query import publication
from creditmesh.query.operations.unsealing import item_of, opened
from creditmesh.query.store import accesses, named, nodes_above, public, records
from creditmesh.query.store.named import NamedPerson
from creditmesh.query.store.public import PublicForm
from creditmesh.query.store.records import Newest
from creditmesh.schemas.catalogue import Item
from creditmesh.schemas.events import AccessRecorded, ChainChanged, RecordChanged, RecordPurged


async def apply_records(ctx: Context, events: Sequence[Delivered]) -> None:
    """Bring both read models to the newest revision of each record in the batch."""
    newest = _newest(events)
    standing = await records.write(await ctx.session(), newest)
    await named.write(await ctx.session(), _named(ctx, events))
    await _publish(ctx, standing)


async def purge_records(ctx: Context, events: Sequence[Delivered]) -> None:
    """Delete everything of these records from the read models."""
    purged = [(each.part, each.read(RecordPurged)) for each in events]
    people = [(ctx.part(str(who)), who, event.record) for _, event in purged for who in event.named]
    session = await ctx.session()
    await records.purge(session, [(part, event.record) for part, event in purged])
    await named.purge(session, people)


async def note_nodes_above(ctx: Context, events: Sequence[Delivered]) -> None:
    """Keep of each peer who is above by way of it."""
    newest = {event.peer: event.above for event in (each.read(ChainChanged) for each in events)}
    for peer, above in sorted(newest.items()):
        await nodes_above.write(await ctx.session(), peer, above)


def _newest(events: Sequence[Delivered]) -> list[Newest]:
    found: dict[UUID, Newest] = {}
    for each in events:
        event = each.read(RecordChanged)
        known = found.get(event.record)
        fresh = event.rev == 1 or (known is not None and known.fresh)
        if known is None or known.event.rev < event.rev:
            found[event.record] = Newest(each.part, event, each.id, fresh)
    return list(found.values())


def _named(ctx: Context, events: Sequence[Delivered]) -> list[NamedPerson]:
    """Whom any of these revisions names or discharges, each once a record."""
    found: dict[tuple[UUID, UUID], NamedPerson] = {}
    for each in events:
        event = each.read(RecordChanged)
        for subject in event.named if event.about is None else (*event.named, event.about):
            known = found.get((subject, event.record))
            discharged = subject == event.about or (known is not None and known.discharged)
            place = ctx.part(str(subject)), subject, each.part, event.record
            found[subject, event.record] = NamedPerson(*place, discharged)
    return sorted(found.values())


async def _publish(ctx: Context, newest: Sequence[Newest]) -> None:
    session = await ctx.session()
    items = {each.event.record: _known_item(ctx, each.event) for each in newest}
    shown = [each for each in newest if publication.is_public(each.event, items[each.event.record])]
    to_open = [each.event for each in shown if publication.needs_opening(each.event, items[each.event.record])]
    values = await opened(ctx, to_open)
    forms = [_published(each, items[each.event.record], values.get(each.event.record, {})) for each in shown]
    await public.write(session, forms)
    gone = {each.event.record for each in newest} - {each.event.record for each in shown}
    await public.drop(
        session, [(n.part, n.event.record, n.event.rev) for n in newest if n.event.record in gone and not n.fresh]
    )


def _known_item(ctx: Context, event: RecordChanged) -> Item:
    item = item_of(ctx, event)
    if item is None:
        raise Transient(f"this process has not followed the catalogue to {event.item} version {event.item_version} yet")
    return item


def _published(newest: Newest, item: Item, values: Mapping[str, JsonValue]) -> PublicForm:
    form = publication.public_form(newest.event, item, values)
    name, code = publication.search_keys(form, item)
    return PublicForm(
        part=newest.part,
        rev=newest.event.rev,
        form=form,
        name=name,
        code=code,
        fresh=newest.fresh,
    )


async def log_accesses(ctx: Context, events: Sequence[Delivered]) -> None:
    """Write the accesses of other services' streams into the one log; this service's own are there already.

    Of looks at nodes above ingestion tells: however often one is handed down, it is one line, by a name of its own.
    """
    session = await ctx.session()
    told = [each for each in events if each.stream == "ingestion"]
    await accesses.add_once(session, [replace(each, id=_name(each)) for each in told])
    if others := [each for each in events if each.stream != "ingestion"]:
        await accesses.add(session, others)


def _name(told: Delivered) -> UUID:
    said = told.read(AccessRecorded)
    return told.id if said.node is None else uuid5(said.access, f"{said.node}/{said.subject}/{said.records[0]}")
