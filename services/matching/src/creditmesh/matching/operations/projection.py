"""Keeping who stands where, from records: the listed, and the responsible persons of listed organisations.

A person's row is in another part than the organisation's, and is written by who reads the organisation's part: every
writer of a record's rows holds the lock of its subject, so that they follow the record's order wherever they are.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Transient
from creditmesh.matching import designation, identity
from creditmesh.matching.naming import handle_of
from creditmesh.matching.operations.unsealing import item_of, opened
from creditmesh.matching.store import designations, tasks
from creditmesh.matching.store.designations import DesignationRow, Key
from creditmesh.matching.store.tasks import Answered
from creditmesh.schemas.catalogue import Item
from creditmesh.schemas.events import RecordChanged, RecordPurged


@dataclass(frozen=True, slots=True, kw_only=True)
class _Newest:
    """The newest revision of one record in a batch; `fresh`: the batch also has its first, so there is no row yet."""

    event: RecordChanged
    part: int
    body: UUID
    at: datetime
    since: Mapping[UUID, date]
    fresh: bool


async def apply_records(ctx: Context, events: Sequence[Delivered]) -> None:
    """Bring everybody's place to the newest revision of each record in the batch; an older one changes nothing."""
    newest = _newest(ctx, events)
    fresh, later = [each for each in newest if each.fresh], [each for each in newest if not each.fresh]
    await ctx.lock({subject for each in newest for subject in (each.event.subject, *each.since)})
    ended = await _discharged(ctx, events, newest)
    before = await _before(ctx, later)
    later = [each for each in later if _rev(before, each.event.record) < each.event.rev]
    session = await ctx.session()
    await designations.add(session, [row for each in fresh for row in _rows(ctx, each, ended)])
    await designations.drop(session, _gone(ctx, before, later, ended))
    await designations.put(session, [row for each in later for row in _rows(ctx, each, ended)])


async def purge_records(ctx: Context, events: Sequence[Delivered]) -> None:
    """Delete everybody's place by these records, and what departments answered.

    Of a measure that is still to be lifted it stays whom it was applied to, and by which record.
    """
    purged = [each.read(RecordPurged) for each in events]
    people = {(event.record, who) for event in purged for who in (event.subject, *event.named)}
    await ctx.lock({who for _, who in people})
    places = [(ctx.part(str(who)), record, who) for record, who in people]
    session = await ctx.session()
    await designations.purge(session, places)
    await tasks.reduce(session, await _reduced(ctx, await tasks.left(session, places)))


async def _reduced(ctx: Context, answers: Sequence[Answered]) -> list[tuple[Answered, bytes]]:
    """What these answers keep of their events: who has the role, sealed anew without the rest."""
    read = [(each, RecordChanged.model_validate_json(each.data)) for each in answers]
    values = await opened(ctx, [(event, each.subject) for each, event in read])
    ciphers = await ctx.vault.open_left({each.subject for each, _ in read})
    reduced = []
    for (each, event), value in zip(read, values, strict=True):
        item, cipher = _known_item(ctx, event), ciphers.get(each.subject)
        left, said = identity.alone(event, item, each.role), identity.of_role(event, item, each.role, value)
        if said and cipher is not None:
            sealed = cipher.seal(said, object=event.record, field="subject")
            left = left.model_copy(update={"sealed": (sealed,)})
        reduced.append((each, left.model_dump_json().encode()))
    return reduced


async def _discharged(ctx: Context, events: Sequence[Delivered], newest: Sequence[_Newest]) -> set[Key]:
    """The places of responsible persons that concern them no more, by these events or earlier ones."""
    read = [each.read(RecordChanged) for each in events]
    ended = {(ctx.part(str(e.about)), e.record, e.about) for e in read if e.about is not None}
    await designations.discharge(await ctx.session(), ended)
    later = [each for each in newest if each.event.rev > 1]
    asked = [(ctx.part(str(s)), each.event.record, s) for each in later for s in each.since if s != each.event.subject]
    return await designations.discharged(await ctx.session(), asked)


def _newest(ctx: Context, events: Sequence[Delivered]) -> list[_Newest]:
    found: dict[UUID, _Newest] = {}
    for each in events:
        event = each.read(RecordChanged)
        known = found.get(event.record)
        if known is None or known.event.rev < event.rev:
            before = known.since if known is not None and known.event.state == "published" else {}
            found[event.record] = _Newest(
                event=event,
                part=each.part,
                body=each.id,
                at=each.at,
                since={
                    place.subject: before.get(place.subject, each.legal_date)
                    for place in designation.places(event, _known_item(ctx, event))
                },
                fresh=event.rev == 1 or (known is not None and known.fresh),
            )
    return list(found.values())


async def _before(ctx: Context, later: Sequence[_Newest]) -> Mapping[UUID, DesignationRow]:
    """The rows of the listed by which the records of these stand so far."""
    keys = [(each.part, each.event.record, each.event.subject) for each in later]
    return {row.record: row for row in await designations.known(await ctx.session(), keys)}


def _rev(before: Mapping[UUID, DesignationRow], record: UUID) -> int:
    return before[record].rev if record in before else 0


def _gone(
    ctx: Context, before: Mapping[UUID, DesignationRow], later: Sequence[_Newest], ended: Collection[Key]
) -> dict[Key, int]:
    """The rows that these revisions leave no place for: who is named no more, and all of an item that has none left."""
    gone: dict[Key, int] = {}
    for event in (each.event for each in later if each.event.record in before):
        old = before[event.record]
        places = designation.places(event, _known_item(ctx, event))
        has = {(ctx.part(str(each.subject)), event.record, each.subject) for each in places} - set(ended)
        stood = {(ctx.part(str(each)), event.record, each) for each in (old.subject, *old.responsible)}
        gone.update(dict.fromkeys(stood - has, event.rev))
    return gone


def _known_item(ctx: Context, event: RecordChanged) -> Item:
    item = item_of(ctx, event)
    if item is None:
        raise Transient(f"this process has not followed the catalogue to {event.item} version {event.item_version} yet")
    return item


def _rows(ctx: Context, newest: _Newest, ended: Collection[Key]) -> list[DesignationRow]:
    event, item = newest.event, _known_item(ctx, newest.event)
    places = designation.places(event, item)
    responsible = [each.subject for each in places if each.role == "responsible"]
    return [
        DesignationRow(
            part=ctx.part(str(place.subject)),
            record=event.record,
            subject=place.subject,
            rev=event.rev,
            role=place.role,
            handle=handle_of(event.record, place.subject),
            kind=event.kind,
            item=event.item,
            list=item.designates,
            nature=item.nature,
            origin=event.origin,
            state=event.state,
            mark=event.mark,
            decided_on=event.decided_on,
            display_from=event.display_from,
            display_until=event.display_until,
            since=newest.since[place.subject],
            at=newest.at,
            home=newest.part,
            body=newest.body,
            responsible=responsible if place.role == "listed" else (),
        )
        for place in places
        if (ctx.part(str(place.subject)), event.record, place.subject) not in ended
    ]
