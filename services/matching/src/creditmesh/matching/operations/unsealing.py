"""Opening what is sealed in the events that rows keep, of several persons at once."""

from collections.abc import Mapping, Sequence
from functools import partial
from uuid import UUID

from pydantic import JsonValue

from creditmesh.chassis.context import Context
from creditmesh.chassis.packing import RecordReader
from creditmesh.chassis.vault.cipher import Cipher
from creditmesh.schemas.catalogue import Item
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.rules.narrowest import Narrowest

_Asked = tuple[RecordChanged, UUID]


def item_of(ctx: Context, event: RecordChanged) -> Item | None:
    """The version of the item that the record was accepted under; None if this process does not know it."""
    by = shown_by(ctx, event)
    return None if by is None else by.then


def shown_by(ctx: Context, event: RecordChanged) -> Narrowest | None:
    """What may be shown of it today; None if this process does not know the version it was accepted under."""
    return ctx.followed(Directory).shown_by(event.item, event.item_version, on=ctx.legal_date)


async def opened(ctx: Context, asked: Sequence[_Asked]) -> list[dict[str, JsonValue]]:
    """The sealed fields about that person in each of these records; a person who was erased has none left.

    TamperedSeal where one does not fit.
    """
    ciphers = await _ciphers(ctx, asked)
    return [_values(event, about, ciphers) for event, about in asked]


async def readable(ctx: Context, asked: Sequence[_Asked], reader: RecordReader) -> list[dict[str, JsonValue] | None]:
    """The same for an answer: None for a record of which one does not fit, which the reader notes."""
    ciphers = await _ciphers(ctx, asked)
    return [reader.attempt(event.record, partial(_values, event, about, ciphers)) for event, about in asked]


async def _ciphers(ctx: Context, asked: Sequence[_Asked]) -> Mapping[UUID, Cipher]:
    return await ctx.vault.open_left(
        {about for event, about in asked if any(each.about == about for each in event.sealed)}
    )


def _values(event: RecordChanged, about: UUID, ciphers: Mapping[UUID, Cipher]) -> dict[str, JsonValue]:
    values: dict[str, JsonValue] = {}
    for sealed in event.sealed:
        if sealed.about == about and (cipher := ciphers.get(about)) is not None:
            values |= cipher.unseal(sealed, object=event.record, field=sealed.field)
    return values
