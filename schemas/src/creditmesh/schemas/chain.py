"""Who stands above: what each node of a chain signs about itself, and when it is believed."""

from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from creditmesh.schemas.bodies import Out
from creditmesh.schemas.bounds import Instant
from creditmesh.schemas.identifiers import NodeCode, Tier
from creditmesh.schemas.signed import SignedText, Statement, Verify, read, said
from creditmesh.schemas.texts import Word

PASSED = "passed"
"""Entries of a lower tier's origin as they came, under keys that were wrapped on."""


class NodeKey(BaseModel):
    """The public half of a key that a node signs with."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: Word
    public: Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{43}=$")]
    """Base64 of its 32 bytes."""


class NodeRow(Statement):
    """What a node signs about itself, for every node below it."""

    node: NodeCode
    tier: Tier
    above: Annotated[tuple[NodeCode, ...], Field(max_length=64)]
    """The nodes directly above it."""
    keys: Annotated[tuple[NodeKey, ...], Field(min_length=1, max_length=64)]
    at: Instant
    reads: Annotated[tuple[Word, ...], Field(max_length=16)] = ()
    """What it reads that not every version does: `PASSED`."""

    @property
    def publics(self) -> Mapping[str, str]:
        """Its keys in base64, by their ids."""
        return {key.id: key.public for key in self.keys}

    def says_as(self, other: "NodeRow | None") -> bool:
        """Whether the other says the same, whenever that was, by the same key."""
        return other is not None and self.model_copy(update={"at": other.at}) == other


class ChainOut(Out):
    """A node above as it is known here, by the row that it signed and a peer above passed on."""

    peer: NodeCode
    """Who passed it on; this node itself for its own."""
    node: NodeCode
    tier: Tier
    above: tuple[NodeCode, ...]
    keys: tuple[NodeKey, ...]
    at: datetime
    offered: tuple[NodeKey, ...] = ()
    """Keys of a later row that the keys of this one did not sign: not believed until an operator accepts them."""


class NodeBody(BaseModel):
    """The body of the entry of a `down` feed that carries a node's row, as that node signed it.

    Its line is of type `catalogue`: a version that does not know the kind keeps the entry as one it cannot read.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Literal["node"] = "node"
    code: NodeCode
    row: SignedText


class Superseded(ValueError):
    """The row is no newer than the one that is known."""


def believed(
    signed: SignedText, *, known: NodeRow | None, enrolled: Mapping[str, str] | None, until: datetime, verify: Verify
) -> NodeRow:
    """The row that was signed.

    It must be signed by a key that is `enrolled` (of a direct peer, by the row its operator handed over), else by one
    of the row that is `known`, else, as there is none, by one of its own. No time after `until` is believed, and a
    row with one, which an older version took, stands before no other. Superseded, or ValueError, if it is not to be
    believed.
    """
    given = said(NodeRow, signed)
    if given.at > until:
        raise ValueError("of a time to come")
    if known is not None and given.at <= known.at <= until:
        raise Superseded
    publics = enrolled if enrolled is not None else (known or given).publics
    return read(NodeRow, signed, public=lambda row: raw_public(publics.get(row.key)), verify=verify)


def raw_public(public: str | None) -> bytes:
    """The bytes of a key; none, with which nothing verifies, where there is no key."""
    return b"" if public is None else b64decode(public)
