"""What a node signs about another's feed, and what proves it to somebody else, off line."""

from datetime import datetime

import orjson
from pydantic import BaseModel, ConfigDict

from creditmesh.schemas.identifiers import NodeCode


class _Signed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Refused(_Signed):
    """One entry that was refused, and the stable code of the reason."""

    index: int
    code: str


class Acknowledgement(_Signed):
    """What a puller signs: of this feed, in the tree of this size and root, it applied `first <= index < until`."""

    feed: str
    """The feed's origin, `creditmesh/<node>/<feed>`."""
    by: NodeCode
    first: int
    until: int
    size: int
    """At least `until`."""
    root: str
    """Hex."""
    refused: tuple[Refused, ...] = ()
    at: datetime
    key: str
    alg: str
    signature: str = ""
    """Base64, over `acknowledgement_text`."""


def acknowledgement_text(acknowledgement: Acknowledgement) -> bytes:
    """The bytes that are signed: its members but the signature, sorted by name."""
    return orjson.dumps(acknowledgement.model_dump(mode="json", exclude={"signature"}), option=orjson.OPT_SORT_KEYS)


class Proof(_Signed):
    """That a node applied an entry: the entry's line, its place under the root it signed, and its signature."""

    acknowledgement: Acknowledgement
    public: str
    """Base64 of the Ed25519 key that signed it, as the node that made this proof knows it."""
    index: int
    line: str
    path: tuple[str, ...]
    """Hex: the inclusion proof of the line at `index` in the tree of `acknowledgement.size`."""
