"""The entries of a peer's feed as this version can read them: one function for all who take something out of a page."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from creditmesh.schemas.exchange import EntryLine, FeedEntry, LineType
from creditmesh.schemas.identifiers import FeedName, NodeCode

_WORD = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_MOST_VERSIONS = 10_000
_VERSION_OR_TYPE = {("v",), ("type",)}
"""Where one of these is a newer version's, the rest of the line may be anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedEntry:
    """One entry of a peer's feed, verified: under the tree head that the peer signed, at this index."""

    peer: NodeCode
    feed: FeedName
    index: int
    """Its place in the peer's feed, 0 for the first."""
    text: str
    """The line that was hashed into the tree, to the letter."""
    body: str | None = field(repr=False)
    """The JSON of what the line commits to; None where it was erased."""
    line: EntryLine | None
    """None where this version cannot read it."""
    unknown: str | None
    """What a newer version reads it by, such as `type erased`; None where it is read, or nobody could."""

    @property
    def type(self) -> LineType | None:
        """What it is; None where this version cannot read it."""
        return None if self.line is None else self.line.type


def read_entries(peer: NodeCode, feed: FeedName, entries: Sequence[FeedEntry]) -> tuple[ReceivedEntry, ...]:
    """These entries of a peer's feed. Never raises: a line that cannot be read concerns no other."""
    found = []
    for entry in entries:
        line, unknown = _read(entry.line)
        found.append(
            ReceivedEntry(
                peer=peer, feed=feed, index=entry.index, text=entry.line, body=entry.body, line=line, unknown=unknown
            )
        )
    return tuple(found)


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
