"""What a node signs about another's feed, and what proves it to somebody else, off line."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from creditmesh.schemas.bounds import Count, Digest, Instant, ReasonCode
from creditmesh.schemas.identifiers import NodeCode
from creditmesh.schemas.signed import SignedText, Statement

Origin = Annotated[str, StringConstraints(pattern=r"^creditmesh/[a-z][a-z0-9]{1,15}/[a-z][a-z0-9-]{1,20}$")]
"""The name of a feed in what is signed about it: `creditmesh/<node>/<feed>`."""


MOST_NAMED = 250
"""Entries that one acknowledgement refuses, or that mark or end a record: it names these, and is kept with each."""
MOST_ANSWERED = 10_000
"""Entries that one acknowledgement is about."""


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class EntryRefusal(_Wire):
    """One entry that was refused, and the stable code of the reason."""

    index: Count
    code: ReasonCode


class EntryRange(_Wire):
    """The entries `first <= index < until` of a feed."""

    first: Count
    until: Count


class Acknowledgement(Statement):
    """What a puller signs: of this feed, in the tree of this size and root, it applied `first <= index < until`."""

    feed: Origin
    by: NodeCode
    first: Count
    until: Count
    size: Count
    """At least `until`."""
    root: Digest
    refused: tuple[EntryRefusal, ...] = ()
    at: Instant
    above: Annotated[tuple[NodeCode, ...], Field(max_length=64)] | None = None
    """The nodes directly above the signer, to which it passes on what it applied; None: an older version says nothing.

    One that was taken out is among them: what it was given it still has.
    """
    kept: tuple[Count, ...] = ()
    """Of the entries that mark or end a record: those whose record the signer has sent to none of these."""


class Proof(_Wire):
    """That a node applied an entry: the entry's line, its place under the root it signed, and its signature."""

    acknowledgement: SignedText
    """What was signed is an `Acknowledgement`."""
    public: str
    """Base64 of the Ed25519 key that signed it, as the node that made this proof knows it."""
    index: Count
    line: str
    path: tuple[str, ...]
    """Hex: the inclusion proof of the line at `index` in the tree of `acknowledgement.size`."""


def behind(ranges: Iterable[EntryRange], place: int) -> tuple[EntryRange, ...]:
    """What of these is from there on."""
    return tuple(EntryRange(first=max(each.first, place), until=each.until) for each in ranges if each.until > place)
