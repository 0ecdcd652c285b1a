"""What a row says, as bytes made once to be sealed and stored, and the texts by which it is recognised.

The fingerprint is over the row as it was given, before anything of it is sealed: whatever the catalogue makes of the
row (what is sensitive, in which order, how a code is spelled), the same row is recognised as the same.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from uuid import UUID

import orjson

from creditmesh.schemas.catalogue import Item
from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.rules.compile import CompiledItem, Row, Split
from creditmesh.schemas.rules.decision_numbers import FORMER, is_odd, one_text
from creditmesh.schemas.rules.names import folded

_FORMER_BRACKETS = str.maketrans("〔〕[]（）【】", "()()()()")
_BETWEEN = b"\x1f"


@dataclass(slots=True)
class Content:
    """A canonical row by whose key seals it, as fields and as their texts."""

    split: Split = field(repr=False)
    clear: bytes = field(repr=False)
    subject: bytes = field(repr=False)
    representative: bytes = field(repr=False)


def content_of(compiled: CompiledItem, row: Row, kind: SubjectKind) -> Content:
    """The content of a row about this kind of subject."""
    split = compiled.split(row, kind)
    return Content(split, *map(orjson.dumps, split))


def fingerprint_text(item: str, row: Row) -> bytes:
    """What the fingerprint of a row of this item is of: the fields by code."""
    return _BETWEEN.join((item.encode(), orjson.dumps(row, option=orjson.OPT_SORT_KEYS)))


def former_fingerprint_text(compiled: CompiledItem, row: Row, kind: SubjectKind) -> bytes:
    """What it was of until decision 33, under this version of the item."""
    ordered = {code: row[code] for code in compiled.codes if code in row}
    return _BETWEEN.join((compiled.item.code.encode(), *map(orjson.dumps, compiled.split(ordered, kind))))


def name_text(item: Item, row: Row, *, subject: UUID) -> bytes:
    """What is compared of the name a subject stands under: not how it is typed, and of nobody else."""
    return _BETWEEN.join((b"name", subject.bytes, folded(row.get(item.roles.name, "")).encode()))


def code_text(number: str, *, subject: UUID) -> bytes:
    """What is compared of the 18 characters a body stands under."""
    return _BETWEEN.join((b"code", subject.bytes, number.encode()))


def number_text(number: str) -> bytes:
    """What is compared of a document's number, where a party looks for its own records by it."""
    return _BETWEEN.join((b"number", one_text(number.strip()).encode()))


def natural_texts(
    item: Item, row: Row, *, subject: UUID, origin: str, keyed_by: Iterable[tuple[str, tuple[str, ...]]] = ()
) -> list[bytes]:
    """What makes two rows the same record: item, subject, issuing body, what identifies it, origin.

    First as it is; then as it may have been: under other versions of the item (`keyed_by`), before any of them named
    what identifies, as earlier versions of this program compared numbers, and before decision 33.
    """
    number = item.roles.decision_number
    ways = dict.fromkeys(((number, item.identifying), *keyed_by, (number, (number,))))
    versions = (
        (one_text, *FORMER)
        if any(is_odd(row[code]) for _, codes in ways for code in codes if code in row)
        else (one_text,)
    )
    read = (_identifying(row, *way, one) for one in versions for way in ways)
    before = [row.get(number, "").translate(_FORMER_BRACKETS).upper()]
    head = (item.code, subject.hex, row[item.roles.issuer])
    return list(dict.fromkeys("\x1f".join((*head, *parts, origin)).encode() for parts in (*read, before)))


def _identifying(row: Row, number: str, codes: tuple[str, ...], one: Callable[[str], str]) -> list[str]:
    texts = [one(row.get(code, "")) for code in codes]
    if codes[0] != number:
        texts.insert(0, "")
    while len(texts) > 1 and not texts[-1]:
        texts.pop()
    return texts
