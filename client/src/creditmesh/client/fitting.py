"""Which items of a catalogue a file can be of, by the names in its header or in its first object."""

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

from creditmesh.client.errors import Unsendable
from creditmesh.client.forms import book_of, charset_said, form_of
from creditmesh.schemas.catalogue import Item
from creditmesh.schemas.files import MARK, Encoding, Table
from creditmesh.schemas.rules.headers import FieldNames
from creditmesh.schemas.signed import strict

_HEAD = 262_144
"""The header is among the first records of a table."""


def fitting(path: Path, items: Iterable[Item], *, charset: str | None = None) -> list[Item]:
    """The items whose names the file has: those that it fits whole, or else those that know most of its names."""
    form, said = form_of(path), charset_said(charset)
    if form == "xlsx":
        head, said = book_of(path).sheet[:_HEAD], "utf-8"
    else:
        with path.open("rb") as file:
            head = file.read(None if form == "json" else _HEAD)
    head = head[: head.rfind(b"\n") + 1] or head
    objects = None if form in {"csv", "xlsx"} else _first_names(head, array=form == "json")
    whole, most = [], []
    for item in items:
        names = FieldNames(item)
        found = _header(head, said, names) if objects is None else objects
        if found and not names.columns(found).errors:
            whole.append(item)
        elif names.known(found) * 2 > len(list(filter(None, found))):
            most.append(item)
    return whole or most


def _header(head: bytes, said: Encoding | None, names: FieldNames) -> Sequence[str]:
    return Table.of(head, said, names=names).header.cells


def _first_names(head: bytes, *, array: bool) -> list[str]:
    text = head.removeprefix(MARK).strip()
    try:
        read = strict(text if array else next(islice(text.splitlines(), 1), b"{}"))
    except ValueError:
        raise Unsendable(
            "The first object cannot be read, so that nothing tells the item; say it: --item CODE.",
            "第一个对象无法解读，不能据以判断条目；请用 --item 指明。",
        ) from None
    first = read[0] if isinstance(read, list) and read else read
    return list(first) if isinstance(first, dict) else []
