"""Whether a page of a feed is what its node signed: for nodes that pull and for anybody who checks, alike.

A page is the entries after what the puller has, and the signed tree head it ends at. The puller needs nothing but its
own compact range: it adds the leaves, and its root must be the signed one. So a page that was changed, cut, reordered
or repeated, and a log that was forked, all fail in the same place.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from pydantic import ValidationError

from creditmesh.schemas.exchange import Entry, Line, commitment
from creditmesh.schemas.tlog import BadNote, Checkpoint, Range, Subtree, leaf_hash, open_note, read_checkpoint

Verify = Callable[[bytes, bytes, bytes], bool]
"""(public key, data, signature) -> whether the signature is of the data by that key."""


class BadPage(Exception):
    """A page that does not fit; nothing of it may be used. `reason` is a stable word, `index` the place."""

    def __init__(self, reason: str, index: int) -> None:
        super().__init__(f"{reason} at index {index}")
        self.reason = reason
        self.index = index


class Page(NamedTuple):
    """A page that fits."""

    lines: tuple[Line, ...]
    """What each entry says of itself, in order."""
    after: Range
    """The range with the page's leaves."""
    completed: list[Subtree]
    checkpoint: Checkpoint


def verify_page(
    before: Range, entries: Sequence[Entry], note: str, *, origin: str, publics: Iterable[bytes], verify: Verify
) -> Page:
    """The page, if it continues `before` to the tree head of the note; BadPage if anything does not fit.

    `origin` is the feed's (`exchange.feed_origin`), `publics` are the Ed25519 keys its node may sign with.
    """
    for place, entry in enumerate(entries, start=before.size):
        if entry.index != place:
            raise BadPage("not_in_order", place)
    checkpoint = _signed(note, origin=origin, publics=publics, verify=verify, at=before.size)
    if checkpoint.size != before.size + len(entries):
        raise BadPage("other_length" if checkpoint.size > before.size else "went_back", before.size)
    after, completed = before.extended(leaf_hash(entry.line.encode()) for entry in entries)
    if after.root() != checkpoint.root:
        raise BadPage("other_root", before.size)
    return Page(tuple(map(_line, entries)), after, completed, checkpoint)


def _signed(note: str, *, origin: str, publics: Iterable[bytes], verify: Verify, at: int) -> Checkpoint:
    try:
        checkpoint = read_checkpoint(open_note(note, name=origin, publics=publics, verify=verify))
    except BadNote as error:
        raise BadPage("bad_signature", at) from error
    if checkpoint.origin != origin:
        raise BadPage("other_feed", at)
    return checkpoint


def _line(entry: Entry) -> Line:
    try:
        line = Line.model_validate_json(entry.line)
    except ValidationError as error:
        raise BadPage("unreadable_line", entry.index) from error
    if entry.body is not None and commitment(entry.salt or b"", entry.body.encode()) != line.commitment:
        raise BadPage("other_body", entry.index)
    return line
