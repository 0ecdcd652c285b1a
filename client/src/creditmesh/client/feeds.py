"""A feed as whoever follows it checks it: page by page, against what its node signed, before anything of it is used.

What one has of a feed is its head: how many entries, their compact range, the newest signed checkpoint. A page fits a
head or it does not; there is no part of a page that fits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from pydantic import BaseModel, TypeAdapter, ValidationError

from creditmesh.client.errors import Unverified
from creditmesh.client.signatures import holds
from creditmesh.schemas.exchange import Entry, PageEnd, commitment
from creditmesh.schemas.tlog import BadNote, Checkpoint, Range, leaf_hash, open_note, read_checkpoint


class FeedPage(NamedTuple):
    """A page as it came: its entries, and the signed tree head that it ends at."""

    entries: tuple[Entry, ...]
    checkpoint: str


class _Committed(BaseModel):
    """All that checking needs of a line: newer nodes may send types of lines that this client does not know."""

    commitment: str


_LINE: TypeAdapter[Entry | PageEnd] = TypeAdapter(Entry | PageEnd)


def read_page(content: bytes) -> FeedPage | None:
    """A page from its NDJSON; None where the node says nothing at all, for there is nothing new.

    Unverified when a line is no entry, or when the page does not end with its checkpoint.
    """
    try:
        lines = [_LINE.validate_json(line) for line in content.split(b"\n") if line]
    except ValidationError:
        raise Unverified("malformed", "The page has a line that is no entry.", "该页中有一行不是条目。") from None
    if not lines:
        return None
    entries, end = tuple(line for line in lines if isinstance(line, Entry)), lines[-1]
    if not isinstance(end, PageEnd) or len(entries) != len(lines) - 1:
        raise Unverified(
            "no_checkpoint",
            "The page does not end with its checkpoint: it is not whole, or not signed.",
            "该页未以检查点结尾：内容不完整或未签名。",
        )
    return FeedPage(entries, end.checkpoint)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedHead:
    """What is had of a feed, and the keys its node was pinned to."""

    origin: str
    """`creditmesh/<node>/<feed>`: what the checkpoints must be of, and signed as."""
    publics: tuple[bytes, ...]
    range: Range = field(default_factory=Range.empty)
    checkpoint: str | None = None

    @property
    def size(self) -> int:
        """How many entries are had: the index of the next one."""
        return self.range.size

    def followed_by(self, page: FeedPage) -> "FeedHead":
        """The head after this page; Unverified, with the index, when the page does not continue what is had.

        The page must be dense and begin where this ends; each body must be what its line commits to; and the tree of
        all lines so far must have the size and the root that the node signed in the page's checkpoint.
        """
        grown = self.extended(page.entries)
        signed = self.signed(page.checkpoint)
        if signed.size != grown.size:
            raise Unverified(
                "size",
                f"The signed checkpoint is of {signed.size} entries, and with this page there are {grown.size}.",
                f"已签名检查点的条目数为 {signed.size}，而连同该页共有 {grown.size} 条。",
                index=min(signed.size, grown.size),
            )
        if signed.root != grown.root():
            raise _forked(self.size, grown.size)
        return replace(self, range=grown, checkpoint=page.checkpoint)

    def extended(self, entries: Sequence[Entry]) -> Range:
        """The range with these entries, each in its place and true to its commitment."""
        for place, entry in enumerate(entries, start=self.size):
            _check(entry, place)
        grown, _ = self.range.extended(leaf_hash(entry.line.encode()) for entry in entries)
        return grown

    def signed(self, note: str) -> Checkpoint:
        """The checkpoint in a note that the pinned node signed for this feed."""
        try:
            text = open_note(note, name=self.origin, publics=self.publics, verify=holds)
            checkpoint = read_checkpoint(text)
        except BadNote as bad:
            raise Unverified(
                "signature",
                f"The checkpoint is not signed by the node whose key was pinned at the first pull ({bad}).",
                f"检查点未由首次拉取时锁定的节点密钥签名（{bad}）。",
                index=self.size,
            ) from None
        if checkpoint.origin != self.origin:
            raise Unverified(
                "origin",
                f"The checkpoint is of another feed, not of {self.origin}.",
                f"检查点属于其他日志，而非 {self.origin}。",
                index=self.size,
            )
        return checkpoint


def _check(entry: Entry, place: int) -> None:
    if entry.index != place:
        raise Unverified(
            "order",
            f"Entry {place} should come here, and entry {entry.index} came.",
            f"此处应为条目 {place}，实际为条目 {entry.index}。",
            index=place,
        )
    try:
        committed = _Committed.model_validate_json(entry.line).commitment
    except ValidationError:
        raise Unverified(
            "malformed", f"The line of entry {place} cannot be read.", f"条目 {place} 的行无法解读。", index=place
        ) from None
    if entry.salt is None and entry.body is None:
        return  # erased: the line alone stays in the tree
    if entry.salt is None or entry.body is None or commitment(entry.salt, entry.body.encode()) != committed:
        raise Unverified(
            "commitment",
            f"The body of entry {place} is not what its line commits to.",
            f"条目 {place} 的正文与其行中的承诺值不符。",
            index=place,
        )


def _forked(first: int, until: int) -> Unverified:
    return Unverified(
        "root",
        f"The lines up to entry {until - 1}, those from {first} on new, are not the tree that the node signed: a line "
        "was altered on the way, or the node shows different histories.",
        f"截至条目 {until - 1}（自 {first} 起为新条目）的各行与节点签名的树不一致："
        "传输中有行被篡改，或节点出示了不同的历史。",
        index=first,
    )
