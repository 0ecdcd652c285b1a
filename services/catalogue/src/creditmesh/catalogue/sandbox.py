"""The invented parties of a sandbox: those shipped for its tier, and a row for the node itself whatever its code."""

from collections.abc import Sequence
from hashlib import sha256

from creditmesh.catalogue.objects import CatalogueObject
from creditmesh.schemas.catalogue import Party
from creditmesh.schemas.rules.identity import SANDBOX_REGION
from creditmesh.schemas.rules.numbers import uscc_check

_INSTITUTION = "12"
"""What codes of public institutions begin with (GB 32100-2015)."""
_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def parties(shipped: Sequence[CatalogueObject], node: str) -> tuple[CatalogueObject, ...]:
    """The shipped parties; the row of the tier's node becomes this node's where that has another code."""
    return tuple(
        CatalogueObject(entry.kind, _renamed(entry.body, node)) if _is_node(entry) else entry for entry in shipped
    )


def invented_uscc(node: str) -> str:
    """An organisation code for a node: always the same for its code, valid, and nobody's."""
    # The shipped ones begin with zeros after the region, these never do.
    eight = f"9{int.from_bytes(sha256(node.encode()).digest()[:8]) % 10**7:07d}"
    check = -sum(int(digit) * weight for digit, weight in zip(eight, _WEIGHTS, strict=True)) % 11
    first = f"{_INSTITUTION}{SANDBOX_REGION}{eight}{'X' if check == 10 else check}"  # noqa: PLR2004 - GB 11714-1997
    return first + uscc_check(first)


def _renamed(party: object, node: str) -> Party:
    if not isinstance(party, Party):
        raise TypeError("only parties are invented")
    if party.code == node:
        return party
    names = {"name": f"{party.name} ({node})", "name_zh": f"{party.name_zh}（{node}）"}
    return party.model_copy(update={"code": node, "uscc": invented_uscc(node), **names})


def _is_node(entry: CatalogueObject) -> bool:
    return isinstance(entry.body, Party) and entry.body.kind == "node"
