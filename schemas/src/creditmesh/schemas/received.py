"""The entries of a peer's feed as this version can read them: one function for all who take something out of a page."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID

from pydantic import BaseModel, ValidationError

from creditmesh.schemas.exchange import (
    ENDS,
    GONE,
    MOST_WAITING,
    NOT_JUDGED,
    EntryLine,
    FeedEntry,
    LineType,
    RecordBody,
    effect,
)
from creditmesh.schemas.identifiers import Code, FeedName, NodeCode
from creditmesh.schemas.words import Effect

BEHIND = "behind another"
"""It could be read, but what came before it of the same record could not."""
_WORD = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_MOST_VERSIONS = 10_000
_VERSION_OR_TYPE = {("v",), ("type",)}
"""Where one of these is a newer version's, the rest of the line may be anything."""


class _About(BaseModel):
    record: UUID | None = None


class _OfItem(BaseModel):
    item: Code


@dataclass(frozen=True, kw_only=True)
class ReceivedEntry:
    """One entry of a peer's feed, verified: under the head that the peer signed, at this index."""

    peer: NodeCode
    feed: FeedName
    index: int
    """Its place in the peer's feed, 0 for the first."""
    text: str
    """The line that was hashed into the tree, to the letter."""
    body: str | None = field(repr=False)
    """The JSON of what the line commits to; None where it was erased."""
    line: EntryLine | None
    """None where this version cannot read it, or it waits behind one of its record that it cannot."""
    unknown: str | None
    """What a newer version reads it by, such as `type case`; None where it is read, or nobody could."""
    record: UUID | None
    """The record that it is about, where it says so, also in words that this version does not know."""
    replaced: bool = False
    """Whether its content was taken away here, for a later one replaced or ended it."""
    unproven: bool = False
    """Whether it is about another node's record and nothing proves that that node said it, as it has to be here."""
    anew: bool = False
    """Whether it counts as if it came for the first time."""

    @property
    def type(self) -> LineType | None:
        """What it is; None where this version cannot read it."""
        return None if self.line is None else self.line.type

    @property
    def ends(self) -> bool:
        """Whether it ends its record: that holds at once, whatever came before it."""
        return self.line is not None and self.line.change in ENDS

    @cached_property
    def said(self) -> "RecordBody | str":
        """What `read_body` finds in its body: read once for all that ask for it."""
        return read_body(self.body)

    @property
    def effect(self) -> Effect | None:
        """What it does to its record; None where this version cannot read it, and of what is about none."""
        change = None if self.line is None else self.line.change
        body = self.said if change == "withheld" else None
        return None if change is None else effect(change, body.reason if isinstance(body, RecordBody) else None)


def read_entries(
    peer: NodeCode,
    feed: FeedName,
    entries: Sequence[FeedEntry],
    *,
    waiting: Collection[int] = (),
    replaced: Collection[int] = (),
    unproven: Collection[int] = (),
    anew: bool = False,
) -> tuple[ReceivedEntry, ...]:
    """These entries of a peer's feed, of which those at the waiting places are not to be used yet.

    Never raises: a line that cannot be read concerns no other.
    """
    found = []
    for entry in entries:
        line, unknown = _read(entry.line)
        record = line.record if line is not None else None if unknown is None else _record(entry.line)
        if entry.index in waiting:
            line, unknown = None, unknown or BEHIND
        found.append(
            ReceivedEntry(
                peer=peer,
                feed=feed,
                index=entry.index,
                text=entry.line,
                body=entry.body,
                line=line,
                unknown=unknown,
                record=record,
                replaced=entry.index in replaced,
                unproven=entry.index in unproven,
                anew=anew,
            )
        )
    return tuple(found)


def read_body(text: str | None) -> RecordBody | str:
    """The body of a record's entry, or the code of why there is none.

    Of one that only lacks a word of ours a newer version knows it.
    """
    if text is None:
        return GONE
    try:
        return RecordBody.model_validate_json(text)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        return NOT_JUDGED if all(each["type"] == "literal_error" for each in found) else "unreadable_entry"


def item_of(text: str) -> str | None:
    """The item that such a body is of, also where it is said beside words that this version does not know."""
    try:
        return _OfItem.model_validate_json(text).item
    except ValidationError:
        return None


def _record(text: str) -> UUID | None:
    try:
        return _About.model_validate_json(text).record
    except ValidationError:
        return None


def _read(text: str) -> tuple[EntryLine | None, str | None]:
    try:
        return EntryLine.model_validate_json(text), None
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False)
    closed = [each for each in found if each["type"] == "literal_error"]
    newer = next((each for each in closed if each["loc"] in _VERSION_OR_TYPE), None)
    if newer is None and len(closed) == len(found):
        newer = closed[0]
    if newer is None:
        return None, None
    [member], said = newer["loc"], newer["input"]
    named = (
        type(said) is int and 0 < said < _MOST_VERSIONS
        if member == "v"
        else isinstance(said, str) and _WORD.fullmatch(said)
    )
    return None, f"{member} {said}" if named else None


def waiting_line(count: int, unknown: Sequence[str]) -> str:
    """What an operator reads of a copy of which so many wait, for these words."""
    over = "" if count < MOST_WAITING else ", and more are refused until they are offered again after the upgrade"
    return f"{count} entries wait for a newer version{over}: {', '.join(unknown)}"
