"""Whom a record names, as the item's fields say it: whole for who must act, masked for who only looks. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from creditmesh.schemas.catalogue import Item
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.rules.mask import mask
from creditmesh.schemas.screenings import Role


@dataclass(frozen=True, slots=True)
class Named:
    """A name and a number, as far as they may be shown."""

    name: str | None = None
    number: str | None = None


def whole(event: RecordChanged, item: Item, role: Role, opened: Mapping[str, JsonValue]) -> Named:
    """Name and number of who has that role; `opened` are the record's sealed fields."""
    name, number = _fields(event, item, role)
    known = {**event.fields, **opened}
    return Named(_text(known.get(name or "")), _text(known.get(number or "")))


def masked(event: RecordChanged, item: Item, opened: Mapping[str, JsonValue]) -> Named:
    """Name and number of who is listed: clear where the item has them clear for the kind, else by its masks."""
    name, number = (_shown(event, item, code, opened) for code in _fields(event, item, "listed"))
    return Named(name, number)


def _fields(event: RecordChanged, item: Item, role: Role) -> tuple[str | None, str | None]:
    roles = item.roles
    if role == "responsible":
        return roles.representative_name, roles.representative_document_number
    return roles.name, roles.document_number if event.kind == "natural_person" else roles.uscc


def _shown(event: RecordChanged, item: Item, code: str | None, opened: Mapping[str, JsonValue]) -> str | None:
    if code is None:
        return None
    spec = item.field(code)
    if not spec.sealed_for(event.kind):
        return _text(event.fields.get(code))
    value = _text(opened.get(code))
    return None if value is None or spec.mask is None else mask(value, spec.mask)


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None
