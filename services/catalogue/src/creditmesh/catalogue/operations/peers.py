"""The own row of a node, which it hands to those beside it, and enrolling them by publishing their rows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, cast

from creditmesh.catalogue import store
from creditmesh.catalogue.errors import CatalogueRefused
from creditmesh.catalogue.finding import SoundnessFinding, at
from creditmesh.catalogue.objects import CatalogueObject, kept
from creditmesh.catalogue.operations.own_row import public_keys, with_keys
from creditmesh.catalogue.operations.publishing import publish
from creditmesh.chassis.context import Context
from creditmesh.schemas.catalogue import Party, Tier
from creditmesh.schemas.catalogue.party import as_enrolled
from creditmesh.schemas.problems import FieldError

_NO_NODE = (
    at("/code", "no_node", "The catalogue has a party of this code that is no node.", "目录中该代码属于非节点参与方。"),
)


class Neighbours(NamedTuple):
    """The own row of this node, its peers, and what was refused of those above."""

    own: Party | None
    peers: tuple[Party, ...]
    refused: list[store.RefusedEntry]


async def neighbours(ctx: Context) -> Neighbours:
    """The rows as last published, the own one with the keys the node has now."""
    parties = await _parties(ctx)
    own = parties.get(ctx.node.code)
    return Neighbours(
        own=None if own is None else _keyed(ctx, own),
        peers=tuple(party for _, party in sorted(parties.items()) if party.place is not None),
        refused=await store.refused(await ctx.alone()),
    )


async def enrol(ctx: Context, row: Party) -> Party:
    """Publish a peer's row, which enrols it; with `active` false it is taken out again. The row as it stands then.

    CatalogueRefused names what of it is wrong. A peer below always sends for itself.
    """
    if row.place == "below" and row.code not in row.sends_for:
        row = row.model_copy(update={"sends_for": (row.code, *row.sends_for)})
    if row.url is not None:
        row = row.model_copy(update={"url": row.url.removesuffix("/")})
    session = await ctx.session()
    await store.lock(session, ctx.equipment.service.lock_class)
    if wrong := list(_wrong(row, (await _parties(ctx)).get(row.code), own=ctx.node.code)):
        raise _refused(FieldError(**finding._asdict()) for finding in wrong)
    await _publish(ctx, row)
    return row


async def introduce(ctx: Context, *, name: str, name_zh: str, uscc: str) -> Party:
    """Publish this node's own row, with the keys it has now. CatalogueRefused names what of it is wrong."""
    row = Party(code=ctx.node.code, kind="node", name=name, name_zh=name_zh, uscc=uscc, keys=public_keys(ctx))
    await store.lock(await ctx.session(), ctx.equipment.service.lock_class)
    standing = (await _parties(ctx)).get(row.code)
    if standing is not None and standing.kind != "node":
        raise _refused(FieldError(**finding._asdict()) for finding in _NO_NODE)
    await _publish(ctx, row)
    return row


async def _publish(ctx: Context, row: Party) -> None:
    try:
        await publish(ctx, [CatalogueObject("party", row)], issued_by=cast("Tier", ctx.node.tier), again=True)
    except CatalogueRefused as refusal:
        prefix = f"/party/{row.code}"
        errors = [e.model_copy(update={"pointer": e.pointer.removeprefix(prefix)}) for e in refusal.errors]
        raise _refused(errors) from refusal


def parties_as_enrolled(rows: Mapping[str, Sequence[store.Publication]]) -> dict[str, Party]:
    """Of these publications of parties, the oldest first, each as it stands by all of them, unless it is withdrawn."""
    return {
        code: as_enrolled([body for each in of if isinstance(body := kept(each.kind, each.body), Party)])
        for code, of in rows.items()
        if of[-1].state == "published"
    }


def _wrong(row: Party, standing: Party | None, *, own: str) -> Iterable[SoundnessFinding]:
    if row.code == own:
        yield at("/code", "own_code", "This is the node itself; a peer has another code.",
                 "这是本节点自身；对等节点须有其他代码。")  # fmt: skip
    elif standing is not None and standing.kind != "node":
        yield from _NO_NODE
    if row.kind != "node":
        yield at("/kind", "kind", "A peer is a party of kind node.", "对等节点须为节点类参与方。")
    if row.place is None:
        yield at("/place", "no_place", "Say whether it stands above or below.", "请注明其为上级还是下级。")


def _refused(errors: Iterable[FieldError]) -> CatalogueRefused:
    return CatalogueRefused("See errors for the node's row.", "节点信息问题见 errors。", errors=tuple(errors))


async def _parties(ctx: Context) -> dict[str, Party]:
    """Every party as last published, from the table: an operator who has just published one looks for it here.

    A node that was enrolled stands where it stood, also where its row leaves that out: here it is taken out.
    """
    return parties_as_enrolled(await store.parties(await ctx.alone()))


def _keyed(ctx: Context, own: Party) -> Party:
    body = with_keys(ctx, CatalogueObject("party", own)).body
    return body if isinstance(body, Party) else own
