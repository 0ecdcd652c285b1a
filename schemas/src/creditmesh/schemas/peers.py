"""What a node says of itself to be enrolled, and what its operator is told of its peers."""

from pydantic import AwareDatetime, ConfigDict

from creditmesh.schemas.bodies import Out
from creditmesh.schemas.catalogue import Party, PublicKey
from creditmesh.schemas.catalogue.base import CatalogueModel
from creditmesh.schemas.identifiers import FeedName, NodeCode, Uscc
from creditmesh.schemas.problems import FieldError


class PeerKeyIn(PublicKey):
    """A key of a peer's row, as its operator hands it over."""

    model_config = ConfigDict(extra="forbid")


class PeerIn(Party):
    """A peer's row, as its operator hands it over: a field that is not known is a mistake."""

    model_config = ConfigDict(extra="forbid")

    keys: tuple[PeerKeyIn, ...] = ()


class OwnRowIn(CatalogueModel):
    """What the operator says of the node itself; its code and its public keys are the node's to say."""

    model_config = ConfigDict(extra="forbid")

    name: str
    name_zh: str
    uscc: Uscc


class RefusedEntryOut(Out):
    """An entry of a higher tier's catalogue that this node could not take over, and why."""

    peer: NodeCode
    feed: FeedName
    index: int
    kind: str | None = None
    code: str | None = None
    """None of both: the entry itself cannot be read by this version."""
    at: AwareDatetime
    errors: tuple[FieldError, ...]


class PeersOut(Out):
    """The node's own row, as it is handed to a peer, and the peers it knows."""

    own: Party | None = None
    """None: it was not published yet."""
    peers: tuple[Party, ...]
    """Enrolled ones, those taken out again (`active` is false) among them."""
    refused: tuple[RefusedEntryOut, ...] = ()
