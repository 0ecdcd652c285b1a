"""The node's own row: what it says of its keys is what the node holds."""

from base64 import b64encode
from typing import Literal

from creditmesh.catalogue.objects import CatalogueObject
from creditmesh.chassis.context import Context
from creditmesh.schemas.catalogue import Party, PublicKey

_USES: tuple[Literal["node"], Literal["feed"]] = ("node", "feed")


def with_keys(ctx: Context, entry: CatalogueObject) -> CatalogueObject:
    """The entry; if it is this node's own row, with the public halves of all its keys."""
    party = entry.body
    if not isinstance(party, Party) or party.kind != "node" or party.code != ctx.node.code:
        return entry
    return entry._replace(body=party.model_copy(update={"keys": public_keys(ctx)}))


def public_keys(ctx: Context) -> tuple[PublicKey, ...]:
    """What the node signs with and what others seal for, the oldest of each first."""
    return tuple(
        PublicKey(id=half.id, use=use, alg=ctx.keys.algorithm(use), public=b64encode(half.raw).decode())
        for use in _USES
        for half in ctx.keys.public_halves(use)
    )
