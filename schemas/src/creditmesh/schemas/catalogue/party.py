"""Parties: who departments, bureaus, nodes and associations are."""

from typing import Literal

from creditmesh.schemas.catalogue.base import CatalogueModel
from creditmesh.schemas.identifiers import Code, NodeCode, Uscc


class PublicKey(CatalogueModel):
    """The public half of a node's key: what its receipts, authorisations and feeds are verified with."""

    id: str
    use: Literal["node", "feed"]
    """`node` signs receipts and authorisations; `feed` is what other nodes seal for."""
    alg: str
    public: str
    """Base64 of its 32 bytes."""


class Party(CatalogueModel):
    """参与方: who a department, bureau, node or association is. How it proves itself is the gateway's business."""

    code: Code
    name: str
    name_zh: str
    kind: Literal["department", "bureau", "node", "association"]
    uscc: Uscc
    duties: tuple[Code, ...] = ()
    issues_for: tuple[Uscc, ...] = ()
    """Other issuing bodies whose decisions it may submit (its sub-units); its own code always."""
    active: bool = True
    keys: tuple[PublicKey, ...] = ()
    """Of a party of kind node; the node itself adds its own when its row is published."""
    url: str | None = None
    """Of a party of kind node: where its gateway is."""
    place: Literal["above", "below"] | None = None
    """Where a peer stands in the chain; None of this node's own row. Publishing the row of a peer enrols it."""
    sends_for: tuple[NodeCode, ...] = ()
    """Of a peer below: the origins whose records it may send, its own among them."""
