"""Opening sealed fields: whole to those who may know them, by the item's mask where they are about another person."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple
from uuid import UUID

from pydantic import JsonValue

from creditmesh.chassis.context import Context
from creditmesh.chassis.packing import RecordReader
from creditmesh.chassis.vault.cipher import Cipher
from creditmesh.query.release import shown_fields
from creditmesh.schemas.catalogue import Item
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.queries import RecordOut
from creditmesh.schemas.rules.narrowest import Narrowest
from creditmesh.schemas.rules.visibility import Law


def item_of(ctx: Context, event: RecordChanged) -> Item | None:
    """The version of the item that the record was accepted under; None if this process does not know it."""
    by = _shown_by(ctx, event)
    return None if by is None else by.then


def _shown_by(ctx: Context, event: RecordChanged) -> Narrowest | None:
    return ctx.followed(Directory).shown_by(event.item, event.item_version, on=ctx.legal_date)


async def opened(ctx: Context, events: Sequence[RecordChanged]) -> Mapping[UUID, dict[str, JsonValue]]:
    """The sealed fields of these records, by record and field; a person who was erased has none left.

    TamperedSeal where one does not fit.
    """
    ciphers = await _ciphers(ctx, events)
    return {event.record: _values(event, ciphers) for event in events}


class ReadableRecords(NamedTuple):
    """What of the records of an answer can be read whole, what is sealed in them, and what cannot be read."""

    events: list[RecordChanged]
    values: Mapping[UUID, dict[str, JsonValue]]
    unreadable: tuple[UUID, ...]


async def readable(ctx: Context, events: Sequence[RecordChanged]) -> ReadableRecords:
    """These records without those of which something sealed does not fit, which are noted."""
    ciphers, reader = await _ciphers(ctx, events), RecordReader(of="query")
    found = [(event, reader.attempt(event.record, partial(_values, event, ciphers))) for event in events]
    values = {event.record: value for event, value in found if value is not None}
    return ReadableRecords([event for event in events if event.record in values], values, reader.unreadable)


async def _ciphers(ctx: Context, events: Sequence[RecordChanged]) -> Mapping[UUID, Cipher]:
    return await ctx.vault.open_left({sealed.about for event in events for sealed in event.sealed})


def _values(event: RecordChanged, ciphers: Mapping[UUID, Cipher]) -> dict[str, JsonValue]:
    values: dict[str, JsonValue] = {}
    for sealed in event.sealed:
        if (cipher := ciphers.get(sealed.about)) is not None:
            values |= cipher.unseal(sealed, object=event.record, field=sealed.field)
    return values


def answered(
    ctx: Context,
    events: Sequence[RecordChanged],
    values: Mapping[UUID, dict[str, JsonValue]],
    *,
    viewer: UUID | None = None,
) -> tuple[RecordOut, ...]:
    """The records as those may know them who may know the subject's own data; `viewer`: as this person may.

    Whom a record only names reads what is about themselves whole, and the subject's as another person's.
    """
    law = ctx.followed(Directory).law(ctx.legal_date)
    return tuple(
        _answered(event, law, _shown_by(ctx, event), values[event.record], role=_role(event, viewer))
        for event in events
    )


def others_shown(
    ctx: Context, events: Sequence[RecordChanged], answers: Sequence[RecordOut], *, viewer: UUID | None = None
) -> Mapping[UUID, list[RecordChanged]]:
    """The records that show something of another person, masked as it is, by that person: an access of theirs too.

    A record is its subject's: who reads it as somebody it names looks at the subject.
    """
    others: dict[UUID, list[RecordChanged]] = {}
    for event, answer in zip(events, answers, strict=True):
        if _role(event, viewer) is not None:
            others.setdefault(event.subject, []).append(event)
            continue
        item = item_of(ctx, event)
        named = set() if item is None else {spec.code for spec in item.fields if spec.about == "representative"}
        if named & (answer.fields.keys() - event.fields.keys()):
            for other in {sealed.about for sealed in event.sealed} - {event.subject}:
                others.setdefault(other, []).append(event)
    return others


def _role(event: RecordChanged, viewer: UUID | None) -> str | None:
    """As what the record names the viewer; None if it is about them, or nobody's own file is read."""
    if viewer is None or viewer == event.subject:
        return None
    return next((each.role for each in event.related if each.subject == viewer), None)


def _answered(
    event: RecordChanged, law: Law, by: Narrowest | None, values: Mapping[str, JsonValue], *, role: str | None
) -> RecordOut:
    return RecordOut(
        record=event.record,
        revision=event.revision,
        item=event.item,
        item_version=event.item_version,
        severity=law.severity(event),
        mark=event.mark,
        decided_on=event.decided_on,
        display_from=event.display_from,
        display_until=law.until(event),
        false_material=event.false_material,
        issuer=event.issuer,
        party=event.party,
        origin=event.origin,
        named_as=role,
        fields=shown_fields(event, by, values, own="subject" if role is None else "representative"),
    )
