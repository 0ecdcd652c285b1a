"""Whether a page of a feed is what its node signed: for nodes that pull and for anybody who checks, alike.

A page is the entries after what one has, and the signed head it ends at. Who checks needs nothing but a compact
range: the leaves are added, and its root must be the signed one. So a page that was changed, cut, reordered or
repeated, and a log that was forked, all fail; and there is no part of a page that fits.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

from pydantic import BaseModel, ValidationError

from creditmesh.schemas.errors import LoggableError
from creditmesh.schemas.exchange import FeedEntry, commitment
from creditmesh.schemas.tlog import BadNote, Checkpoint, Range, Subtree, leaf_hash, open_note, read_checkpoint

Verify = Callable[[bytes, bytes, bytes], bool]
"""(public key, data, signature) -> whether the signature is of the data by that key."""

Reason = Literal[
    "malformed", "order", "commitment", "signature", "origin", "size", "root", "no_checkpoint", "encoded", "too_large"
]


class BadPage(LoggableError):
    """A page that does not fit; nothing of it may be used. `index` is the place where that shows."""

    def __init__(self, reason: Reason, index: int) -> None:
        super().__init__(f"{reason} at index {index}")
        self.reason: Reason = reason
        self.index = index


class VerifiedPage(NamedTuple):
    """A page that fits."""

    after: Range
    """The range with the page's leaves."""
    completed: list[Subtree]
    checkpoint: Checkpoint


class _Committed(BaseModel):
    """All that checking needs of a line: newer nodes may send lines of types that are not known here."""

    commitment: str


def verify_page(
    before: Range, entries: Sequence[FeedEntry], note: str, *, origin: str, publics: Iterable[bytes], verify: Verify
) -> VerifiedPage:
    """The page, if it continues `before` to the head of the note; BadPage if anything does not fit.

    `origin` is the feed's (`exchange.feed_origin`), `publics` are the Ed25519 keys its node may sign with.
    """
    after, completed = extended(before, entries)
    checkpoint = signed_head(note, origin=origin, publics=publics, verify=verify, at=before.size)
    if checkpoint.size != after.size:
        raise BadPage("size", min(checkpoint.size, after.size))
    if checkpoint.root != after.root():
        raise BadPage("root", before.size)
    return VerifiedPage(after, completed, checkpoint)


def extended(before: Range, entries: Sequence[FeedEntry]) -> tuple[Range, list[Subtree]]:
    """The range with these entries, each in its place and true to its commitment; BadPage if one is not."""
    for place, entry in enumerate(entries, start=before.size):
        check_entry(entry, place)
    return before.extended(leaf_hash(entry.line.encode()) for entry in entries)


def signed_head(note: str, *, origin: str, publics: Iterable[bytes], verify: Verify, at: int) -> Checkpoint:
    """The head in a note that one of these keys signed for this feed; BadPage, at index `at`, if none did."""
    try:
        checkpoint = read_checkpoint(open_note(note, name=origin, publics=publics, verify=verify))
    except BadNote as error:
        raise BadPage("signature", at) from error
    if checkpoint.origin != origin:
        raise BadPage("origin", at)
    return checkpoint


def check_entry(entry: FeedEntry, place: int) -> None:
    """BadPage unless the entry is of that place, and its body, if it has one, is what its line commits to."""
    if entry.index != place:
        raise BadPage("order", place)
    try:
        committed = _Committed.model_validate_json(entry.line).commitment
    except ValidationError as error:
        raise BadPage("malformed", place) from error
    if entry.salt is None and entry.body is None:
        return  # erased: the line alone stays in the tree
    if entry.salt is None or entry.body is None or commitment(entry.salt, entry.body.encode()) != committed:
        raise BadPage("commitment", place)
