"""What an entry says: its line, and the body beside it. Pure; keys and subjects are given."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import orjson
from pydantic import JsonValue

from creditmesh.schemas.chain import NodeBody
from creditmesh.schemas.events import CatalogueChanged, RecordChanged
from creditmesh.schemas.exchange import (
    STATE_CHANGES,
    LineType,
    PassedType,
    commitment,
    effect,
    feed_origin,
)
from creditmesh.schemas.signed import SignedText

T = TypeVar("T")
MOST_ENTRIES, MOST_BYTES = 1000, 512 * 1024
"""How far two signed heads lie apart at most: entries, and bytes of lines and bodies. A larger entry stands alone."""
_SALT = 16
_SHARED = (
    "record", "rev", "revision", "change", "state", "mark", "origin", "party", "item", "kind", "severity",
    "decided_on", "display_from", "display_until", "issuer", "reason", "basis", "case",
    "false_material", "fields",
)  # fmt: skip
"""What travels of a revision: not the subject's id, which is this node's own, and not its officers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An entry that has no place yet; the last fields point back to the record, for this node only."""

    line: str
    salt: bytes | None = field(repr=False)
    body: str | None = field(repr=False)
    """None, like its salt, of an entry that came back without."""
    record: UUID | None = None
    rev: int | None = None
    subject: UUID | None = None
    change: str | None = None
    item: str | None = None
    party: str | None = None

    @property
    def weight(self) -> int:
        """Bytes of what is sent of it."""
        return len(self.line.encode()) + len((self.body or "").encode())


@dataclass(frozen=True, slots=True)
class Stretch:
    """Drafts that one signed head covers, and their bytes."""

    drafts: Sequence[Draft]
    weight: int


def pieces(drafts: Sequence[Draft]) -> Iterator[Stretch]:
    """The drafts cut where heads are to be signed."""
    for some in stretches(drafts, weight=lambda draft: draft.weight, most=MOST_BYTES):
        yield Stretch(some, sum(draft.weight for draft in some))


def stretches(things: Sequence[T], *, weight: Callable[[T], int], most: int) -> Iterator[Sequence[T]]:
    """These in their order, cut so that each stretch is one thing or weighs no more, and has not too many."""
    first, sum_ = 0, 0
    for place, each in enumerate(things):
        more = weight(each)
        if place > first and (place - first == MOST_ENTRIES or sum_ + more > most):
            yield things[first:place]
            first, sum_ = place, 0
        sum_ += more
    if first < len(things):
        yield things[first:]


def record_draft(event: RecordChanged, *, at: datetime, sealed: Mapping[str, str] | None) -> Draft:
    """The entry of a revision; `sealed` are its personal fields under the feed's key.

    What marks or ends the record, or discharges somebody, leaves what it says as it is, and does not say it again.
    """
    said = {name: getattr(event, name) for name in _SHARED}
    if event.change in STATE_CHANGES:
        said["fields"], sealed = {}, None
    said |= {"role": _discharged(event), "sealed": sealed}
    body = orjson.dumps(said, default=str).decode()
    salt = os.urandom(_SALT)
    about: dict[str, object] = {
        "record": event.record,
        "rev": event.rev,
        "change": event.change,
        "origin": event.origin,
    }
    return Draft(
        line=_line("record", at, salt, body, about),
        salt=salt,
        body=body,
        record=event.record,
        rev=event.rev,
        subject=event.subject,
        change=effect(event.change, event.reason),
        item=event.item,
        party=event.party,
    )


def end_draft(record: UUID, rev: int, *, origin: str, at: datetime) -> Draft:
    """The entry that ends a record of which nothing is here but its entries; it says nothing beside its line."""
    about: dict[str, object] = {"record": record, "rev": rev, "change": "withdrawn", "origin": origin}
    line = _line("record", at, os.urandom(_SALT), "", about)
    return Draft(line=line, salt=None, body=None, record=record, rev=rev, change="withdrawn")


def _discharged(event: RecordChanged) -> str | None:
    """The role of the person whom the revision discharges: subjects are each node's own."""
    return next((each.role for each in event.related if each.subject == event.about), None)


def place_of(node: str, feed: str, record: UUID, rev: int) -> str:
    """What the sealed fields of a record's entry are bound to."""
    return f"{feed_origin(node, feed)}|{record}|{rev}"


def sealed_fields(event: RecordChanged, opened: Mapping[str, Mapping[str, JsonValue]]) -> dict[str, JsonValue]:
    """What is to be sealed of a revision: the fields of each person, by whom they are about."""
    return {sealed.field: dict(opened[sealed.field]) for sealed in event.sealed if sealed.field in opened}


def catalogue_draft(event: CatalogueChanged, *, at: datetime) -> Draft:
    """The entry of an object of the catalogue."""
    names = ("kind", "code", "state", "effective", "issued_by", "basis", "body")
    return _plain("catalogue", at, {name: getattr(event, name) for name in names})


def node_draft(code: str, row: SignedText, *, at: datetime) -> Draft:
    """The entry that carries what a node signed about itself."""
    return _plain("catalogue", at, NodeBody(code=code, row=row).model_dump(mode="json"))


def passed_draft(type_: PassedType, body: str, *, at: datetime) -> Draft:
    """The entry that tells one child what a node above has said."""
    return _said(type_, at, body)


def key_draft(*, key: str, alg: str, wrapped: Sequence[Mapping[str, str]], at: datetime) -> Draft:
    """The entry that carries a feed's key."""
    return _plain("feed.key", at, {"key": key, "alg": alg, "wrapped": list(wrapped)})


def _plain(type_: LineType, at: datetime, content: Mapping[str, object]) -> Draft:
    return _said(type_, at, orjson.dumps(content, default=str).decode())


def _said(type_: LineType, at: datetime, body: str) -> Draft:
    salt = os.urandom(_SALT)
    return Draft(line=_line(type_, at, salt, body, {}), salt=salt, body=body)


def _line(type_: LineType, at: datetime, salt: bytes, body: str, about: Mapping[str, object]) -> str:
    said: dict[str, object] = {"v": 1, "type": type_, "at": at, "commitment": commitment(salt, body.encode())}
    return orjson.dumps(said | dict(about), default=str).decode()
