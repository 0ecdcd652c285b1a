"""The chain of nodes above: this node's own row is published downwards, rows from above are believed and passed on."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

import structlog
from pydantic import ValidationError

from creditmesh.chassis.context import Context, Equipment
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import Transient
from creditmesh.chassis.vault.keys import verified
from creditmesh.exchange.entries import node_draft
from creditmesh.exchange.errors import NothingOffered
from creditmesh.exchange.operations.feeds import append
from creditmesh.exchange.operations.sharing import DOWN, UP
from creditmesh.exchange.store import chain, feeds
from creditmesh.exchange.store.chain import ChainRow
from creditmesh.schemas.catalogue import Party
from creditmesh.schemas.chain import ChainOut, NodeBody, NodeKey, NodeRow, Superseded, believed
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.exchange import base64_text, feed_origin
from creditmesh.schemas.identifiers import Tier
from creditmesh.schemas.received import ReceivedEntry
from creditmesh.schemas.signed import SignedText, said, sign

log = structlog.get_logger(__name__)


class Link(NamedTuple):
    """A node above a peer: the keys it signs with, and the feeds it may answer for."""

    publics: Mapping[str, str]
    feeds: frozenset[str]


def own_row(equipment: Equipment) -> NodeRow | None:
    """What this node says of itself now; None where nobody is below."""
    directory, keys = cast("Directory", equipment.followed), equipment.keys
    if not directory.peers("below"):
        return None
    halves = keys.public_halves("node")
    return NodeRow(
        node=equipment.node.code,
        tier=cast("Tier", equipment.node.tier),
        above=tuple(peer.code for peer in directory.enrolled("above")),
        keys=tuple(NodeKey(id=half.id, public=base64_text(half.raw)) for half in halves),
        at=equipment.clock.instant(),
        key=keys.key_id("node"),
        alg=keys.algorithm("node"),
    )


async def publish(ctx: Context, row: NodeRow) -> None:
    """Put this node's row into its `down`, unless it says there what it said before."""
    session = await ctx.session()
    held = await feeds.hold(session, DOWN)
    known = (await chain.rows(session, row.node)).get(row.node)
    if known is not None and row.says_as(_said(known)):
        return
    signed = sign(row, by=ctx.keys.sign)
    await append(ctx, DOWN, [node_draft(row.node, signed, at=ctx.instant)], held=held)
    await chain.keep(session, row.node, row.node, signed.model_dump_json())


async def take_rows(ctx: Context, entries: Sequence[ReceivedEntry]) -> set[str]:
    """Believe the rows of nodes among these entries, where they are to be, and pass them on; the peers they came from.

    A row that the keys of the one before did not sign waits for an operator.
    """
    taken = set()
    for received in entries:
        body = _body(received)
        peer = peer_above(ctx, received.peer) if body is not None else None
        if body is None or peer is None or received.feed != DOWN or body.code == ctx.node.code:
            continue
        if await _take(ctx, peer, body):
            taken.add(peer.code)
    return taken


def peer_above(ctx: Context, code: str) -> Party | None:
    """The peer, if it is enrolled above. Transient if this process does not know it yet, although it was pulled."""
    party = ctx.followed(Directory).party(code)
    if party is None:
        raise Transient(f"this process has not followed the catalogue to {code} yet")
    return party if party.active and party.place == "above" else None


async def links(session: Session, peer: str) -> dict[str, Link]:
    """The nodes above this peer that are known, from the peer upwards."""
    rows = {node: _said(data) for node, data in (await chain.rows(session, peer)).items()}
    answers: dict[str, set[str]] = defaultdict(set)
    reached = [peer]
    for node in reached:
        for above in rows[node].above if node in rows else ():
            answers[above].add(feed_origin(node, UP))
            if above not in reached:
                reached.append(above)
    return {
        node: Link(rows[node].publics, frozenset(answers[node])) for node in reached if node in rows and node in answers
    }


async def listed(ctx: Context) -> list[ChainOut]:
    """Every row that is known, this node's own among them, with the keys that wait for an operator."""
    return [_out(row) for row in await chain.every(await ctx.alone())]


async def accept(ctx: Context, peer: str, node: str) -> ChainOut:
    """Believe the row that waits, and pass it on; NothingOffered if none does."""
    rows = {(row.peer, row.node): row.offered for row in await chain.every(await ctx.session())}
    offered = rows.get((peer, node))
    if offered is None:
        raise NothingOffered("See GET /v1/admin/chain for those that wait.", "待认可的见 GET /v1/admin/chain。")
    await _believe(ctx, peer, node, SignedText.model_validate_json(offered))
    return _out(ChainRow(peer, node, offered, None))


async def _take(ctx: Context, peer: Party, body: NodeBody) -> bool:
    session = await ctx.session()
    text = (await chain.rows(session, peer.code)).get(body.code)
    known = None if text is None else _said(text)
    enrolled = {key.id: key.public for key in peer.keys if key.use == "node"} if body.code == peer.code else None
    try:
        row = believed(body.row, known=known, enrolled=enrolled, verify=_verify)
    except Superseded:
        return False
    except ValueError:
        log.warning("the row of a node is not believed", peer=peer.code, node=body.code)
        if enrolled is None and _signed_by_itself(body):
            await chain.offer(session, peer.code, body.code, body.row.model_dump_json())
        return False
    if row.node != body.code:
        return False
    await _believe(ctx, peer.code, row.node, body.row)
    return True


async def _believe(ctx: Context, peer: str, node: str, row: SignedText) -> None:
    await chain.keep(await ctx.session(), peer, node, row.model_dump_json())
    await append(ctx, DOWN, [node_draft(node, row, at=ctx.instant)])


def _body(received: ReceivedEntry) -> NodeBody | None:
    try:
        return None if received.body is None else NodeBody.model_validate_json(received.body)
    except ValidationError:
        return None


def _signed_by_itself(body: NodeBody) -> bool:
    try:
        return believed(body.row, known=None, enrolled=None, verify=_verify).node == body.code
    except ValueError:
        return False


def _out(row: ChainRow) -> ChainOut:
    known = _said(row.data)
    offered = () if row.offered is None else _said(row.offered).keys
    said = known.model_dump(include={"node", "tier", "above", "keys", "at"})
    return ChainOut(peer=row.peer, offered=offered, **said)


def _said(data: str) -> NodeRow:
    return said(NodeRow, SignedText.model_validate_json(data))


def _verify(public: bytes, data: bytes, signature: bytes) -> bool:
    return verified(data, signature, public=public)
