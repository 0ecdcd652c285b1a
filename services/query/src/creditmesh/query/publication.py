"""A record in the form that is open to all: only what the catalogue discloses, masked, never with an original."""

from collections.abc import Mapping
from datetime import date

from pydantic import JsonValue

from creditmesh.schemas.catalogue import Item
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.histories import once_a_version
from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.queries import PublicRecord
from creditmesh.schemas.rules.mask import mask
from creditmesh.schemas.rules.names import folded
from creditmesh.schemas.rules.personal_numbers import without_personal_numbers


@once_a_version
def open_items(directory: Directory, *, on: date) -> Mapping[str, tuple[SubjectKind, ...]]:
    """The items in force of which records are open to all, each with the kinds of subjects they are open of."""
    inert = directory.inert(on=on)
    items = (each for each in directory.objects("item", on=on) if isinstance(each, Item) and each.code not in inert)
    kinds = {item.code: tuple(kind for kind in item.kinds if item.disclosed(kind) == "public") for item in items}
    return {code: open_to_all for code, open_to_all in kinds.items() if open_to_all}


def is_public(event: RecordChanged, item: Item) -> bool:
    """Whether this revision has a public form at all; whether it is shown on a day is the visibility predicate's.

    What is minor is shown to who has a ground, and in principle not published (信用修复管理办法, order 36 of 2025).
    """
    open_to_all = event.severity != "minor" or item.display.publishes_minor
    return event.state == "published" and item.disclosed(event.kind) == "public" and open_to_all


def needs_opening(event: RecordChanged, item: Item) -> bool:
    """Whether a sealed value is shown in part, so that it must be opened to be masked."""
    return bool(event.sealed) and any(masked for _, masked in item.shown_to_all[event.kind])


def public_form(event: RecordChanged, item: Item, opened: Mapping[str, JsonValue]) -> PublicRecord:
    """The public form: fields of the item in catalogue order, sensitive ones masked by their rule or left out."""
    return PublicRecord(
        record=event.record,
        item=event.item,
        kind=event.kind,
        severity=event.severity,
        mark=event.mark,
        decided_on=event.decided_on,
        display_from=event.display_from,
        display_until=event.display_until,
        false_material=event.false_material,
        issuer=event.issuer,
        fields=_fields(event, item, opened),
    )


def _fields(event: RecordChanged, item: Item, opened: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    shown: dict[str, JsonValue] = {}
    for code, masked in item.shown_to_all[event.kind]:
        if masked is None:
            if code in event.fields:
                shown[code] = _numberless(event.fields[code])
        elif isinstance(value := opened.get(code), str):
            shown[code] = _numberless(mask(value, masked))
    return shown


def without_numbers(form: PublicRecord) -> PublicRecord:
    """The form with stars for every person's number: one that was stored before they were looked for has them still."""
    return form.model_copy(update={"fields": {code: _numberless(value) for code, value in form.fields.items()}})


def _numberless(value: JsonValue) -> JsonValue:
    return without_personal_numbers(value) if isinstance(value, str) else value


def search_keys(form: PublicRecord, item: Item) -> tuple[str | None, str | None]:
    """The folded name and the code it may be found by: only what its public form shows, numbers of persons as stars."""
    roles, sealed = item.roles, item.sealed[form.kind]
    name = None if roles.name in sealed else form.fields.get(roles.name)
    code = None if roles.uscc is None or roles.uscc in sealed else form.fields.get(roles.uscc)
    return (folded(name) if isinstance(name, str) else None), (code if isinstance(code, str) else None)


def keys_without_numbers(
    before: PublicRecord, after: PublicRecord, *, name: str | None, code: str | None
) -> tuple[str | None, str | None]:
    """The search keys of a form now that it has no numbers any more: of the texts that they were made of."""
    if before.fields == after.fields:
        return name, code
    texts = [(was, after.fields[field]) for field, was in before.fields.items()]
    both = [(was, now) for was, now in texts if isinstance(was, str) and isinstance(now, str)]
    names = (folded(now) for was, now in both if folded(was) == name)
    codes = (now for was, now in both if was == code)
    return next(names, None), next(codes, None)


def found_by(form: PublicRecord, *, name: str | None, code: str | None) -> bool:
    """Whether something that the form shows begins with the folded name or is the code that was asked for."""
    texts = [value for value in form.fields.values() if isinstance(value, str)]
    return code in texts if name is None else any(folded(text).startswith(name) for text in texts)
