"""Parties: who departments, bureaus, nodes and associations are."""

from collections.abc import Sequence
from typing import Annotated, Literal

from creditmesh.schemas.catalogue.base import CatalogueModel
from creditmesh.schemas.catalogue.narrowing import FREE
from creditmesh.schemas.identifiers import Code, NodeCode, Uscc

OFFICE_DUTY = "credit_management"
"""The duty of the credit office (信用工作机构): only who has it acts as the office."""


class PublicKey(CatalogueModel):
    """The public half of a node's key: what its receipts, authorisations and feeds are verified with."""

    id: Annotated[str, FREE]
    use: Annotated[Literal["node", "feed"], FREE]
    """`node` signs receipts and authorisations; `feed` is what other nodes seal for."""
    alg: Annotated[str, FREE]
    public: Annotated[str, FREE]
    """Base64 of its 32 bytes."""


class Party(CatalogueModel):
    """参与方: who a department, bureau, node or association is. How it proves itself is the gateway's business.

    A node's parties are its own: no tier issues them to another, and nothing of them is compared.
    """

    code: Annotated[Code, FREE]
    name: Annotated[str, FREE]
    name_zh: Annotated[str, FREE]
    kind: Annotated[Literal["department", "bureau", "node", "association"], FREE]
    uscc: Annotated[Uscc, FREE]
    duties: Annotated[tuple[Code, ...], FREE] = ()
    issues_for: Annotated[tuple[Uscc, ...], FREE] = ()
    """Other issuing bodies whose decisions it may submit (its sub-units); its own code always."""
    active: Annotated[bool, FREE] = True
    keys: Annotated[tuple[PublicKey, ...], FREE] = ()
    """Of a party of kind node; the node itself adds its own when its row is published."""
    url: Annotated[str | None, FREE] = None
    """Of a party of kind node: where its gateway is."""
    place: Annotated[Literal["above", "below"] | None, FREE] = None
    """Where a peer stands in the chain; None of this node's own row. Publishing the row of a peer enrols it."""
    sends_for: Annotated[tuple[NodeCode, ...], FREE] = ()
    """Of a peer below: the origins whose records it may send, its own among them."""


def as_enrolled(rows: Sequence[Party]) -> Party:
    """The last of a node's rows, where it stands by all of them: what a row leaves out of that takes nobody out.

    A row without a place says of nobody that it sends for it either. One that was taken out says all of it when it
    comes back; keys are as the row has them: one that is not there signs nothing.
    """
    found = rows[0]
    for row in rows[1:]:
        stood = found if found.active or not row.active else row
        sends_for = row.sends_for if row.place else stood.sends_for
        said = {"place": row.place or stood.place, "url": row.url or stood.url, "sends_for": sends_for}
        found = row.model_copy(update=said)
    return found
