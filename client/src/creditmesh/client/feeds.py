"""A feed as whoever follows it checks it: page by page, against what its node signed, before anything of it is used.

What one has of a feed is its head: how many entries, their compact range, the newest signed checkpoint. Whether a page
fits a head is judged by `schemas.pages`, as nodes judge it; here it is said in words.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from creditmesh.client.errors import Unverified
from creditmesh.client.signatures import holds
from creditmesh.schemas import pages
from creditmesh.schemas.exchange import FeedEntry, PageEnd
from creditmesh.schemas.pages import BadPage, Reason
from creditmesh.schemas.tlog import Checkpoint, Range


class FeedPage(NamedTuple):
    """A page as it came: its entries, and the signed head that it ends at."""

    entries: tuple[FeedEntry, ...]
    checkpoint: str


_LINE: TypeAdapter[FeedEntry | PageEnd] = TypeAdapter(FeedEntry | PageEnd)


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
    entries, end = tuple(line for line in lines if isinstance(line, FeedEntry)), lines[-1]
    if not isinstance(end, PageEnd) or len(entries) != len(lines) - 1:
        raise Unverified("no_checkpoint", *_TEXTS["no_checkpoint"])
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
        """The head after this page; Unverified, with the index, when the page does not continue what is had."""
        with told_to_people():
            found = pages.verify_page(
                self.range, page.entries, page.checkpoint, origin=self.origin, publics=self.publics, verify=holds
            )
        return replace(self, range=found.after, checkpoint=page.checkpoint)

    def extended(self, entries: Sequence[FeedEntry]) -> Range:
        """The range with these entries, each in its place and true to its commitment; Unverified if one is not."""
        with told_to_people():
            grown, _ = pages.extended(self.range, entries)
        return grown

    def signed(self, note: str) -> Checkpoint:
        """The checkpoint in a note that the pinned node signed for this feed; Unverified if it did not."""
        with told_to_people():
            return pages.signed_head(note, origin=self.origin, publics=self.publics, verify=holds, at=self.size)


@contextmanager
def told_to_people() -> Iterator[None]:
    """What does not fit, in words of both languages."""
    try:
        yield
    except BadPage as bad:
        detail, detail_zh = _TEXTS[bad.reason]
        raise Unverified(bad.reason, detail, detail_zh, index=bad.index) from None


_TEXTS: Mapping[Reason, tuple[str, str]] = {
    "malformed": ("The line of this entry cannot be read.", "该条目的行无法解读。"),
    "order": ("Another entry came than the one whose place this is.", "此处的条目并非应有的条目。"),
    "commitment": ("The body of the entry is not what its line commits to.", "条目正文与其行中的承诺值不符。"),
    "signature": (
        (
            "The checkpoint is not signed by the key that was pinned at the first pull: this is another node, or one "
            "with a new key. If you know which, begin again in another file."
        ),
        "检查点未由首次拉取时锁定的密钥签名：所连接的是另一节点，或该节点已更换密钥；确知原因的，请另存文件重新拉取。",
    ),
    "origin": ("The checkpoint is of another feed.", "检查点属于其他日志。"),
    "size": (
        "The signed checkpoint is not of as many entries as there are with this page.",
        "已签名检查点的条目数与连同该页的条目数不符。",
    ),
    "root": (
        "The lines are not the tree that the node signed: one was altered, or the node shows different histories.",
        "各行与节点签名的树不一致：传输中有行被篡改，或节点出示了不同的历史。",
    ),
    "encoded": ("The page came in an encoding that nobody asked for.", "该页以未请求的编码返回。"),
    "too_large": ("The page has more than may be taken at once.", "该页超出一次可接收的大小。"),
    "no_checkpoint": (
        "The page does not end with its checkpoint: it is not whole, or not signed.",
        "该页未以检查点结尾：内容不完整或未签名。",
    ),
}
