"""The operator's routes for the nodes beside this one."""

from creditmesh.catalogue import operations
from creditmesh.catalogue.store import RefusedEntry
from creditmesh.chassis.http.access import AccessPolicy
from creditmesh.chassis.http.router import Ctx, Router
from creditmesh.schemas.catalogue import Party
from creditmesh.schemas.peers import OwnRowIn, PeerIn, PeersOut, RefusedEntryOut

router = Router()


@router.get("/v1/admin/peers", access=AccessPolicy.inside())
async def list_peers(ctx: Ctx) -> PeersOut:
    """The node's own row as it is handed to a peer, the peers, and what of the catalogues above was refused.

    `GET /v1/admin/peers`
    """
    found = await operations.neighbours(ctx)
    return PeersOut(own=found.own, peers=found.peers, refused=tuple(map(_out, found.refused)))


@router.post("/v1/admin/peers", access=AccessPolicy.inside())
async def enrol_peer(ctx: Ctx, body: PeerIn) -> Party:
    """Enrol a peer: publish the row its operator handed over, with its address and its place; answers the row.

    `POST /v1/admin/peers` `{"code": "province", "kind": "node", ..., "url": "https://...", "place": "above"}`; with
    `"active": false` the peer is taken out again. What is there already is left as it is.
    """
    return await operations.enrol(ctx, Party.model_validate(body.model_dump()))


@router.post("/v1/admin/peers/own", access=AccessPolicy.inside())
async def publish_own_row(ctx: Ctx, body: OwnRowIn) -> Party:
    """Publish the node's own row, with the public halves of the keys it has now; answers the row, to be handed on.

    `POST /v1/admin/peers/own` `{"name": "Credit Platform of ...", "name_zh": "...", "uscc": "..."}`. The same again
    changes nothing but keys that were renewed.
    """
    return await operations.introduce(ctx, name=body.name, name_zh=body.name_zh, uscc=body.uscc)


def _out(row: RefusedEntry) -> RefusedEntryOut:
    return RefusedEntryOut.model_validate({name: getattr(row, name) for name in RefusedEntryOut.model_fields})
