"""Whom a record names, as the item's fields say it: whole for who must act, masked for who only looks. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from creditmesh.schemas.catalogue import Item
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.rules.narrowest import Narrowest
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


def masked(event: RecordChanged, by: Narrowest, opened: Mapping[str, JsonValue]) -> Named:
    """Name and number of who is listed: clear where the item has them clear for the kind, else by its masks."""
    name, number = _fields(event, by.then, "listed")
    known = {**event.fields, **opened}
    return Named(_text(by.field(name, known, event.kind)), _text(by.field(number, known, event.kind)))


def alone(event: RecordChanged, item: Item, role: Role) -> RecordChanged:
    """The event without what it says beside who has that role, and without what is sealed."""
    nothing = dict.fromkeys(("severity", "submission", "officer", "reason", "basis", "case", "about"))
    fields = {code: event.fields[code] for code in _fields(event, item, role) if code in event.fields}
    return event.model_copy(update=nothing | {"fields": fields, "sealed": (), "related": ()})


def of_role(event: RecordChanged, item: Item, role: Role, opened: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Of these opened fields those that say who has that role."""
    return {code: opened[code] for code in _fields(event, item, role) if code is not None and code in opened}


def _fields(event: RecordChanged, item: Item, role: Role) -> tuple[str | None, str | None]:
    roles = item.roles
    if role == "responsible":
        return roles.representative_name, roles.representative_document_number
    return roles.name, roles.document_number if event.kind == "natural_person" else roles.uscc


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None
