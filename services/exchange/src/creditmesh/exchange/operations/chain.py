"""The chain of nodes above: this node's own row is published downwards, rows from above are believed and passed on."""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, cast

import structlog
from pydantic import ValidationError

from creditmesh.chassis.context import Context
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.equipment import Equipment
from creditmesh.chassis.errors import Transient
from creditmesh.chassis.vault.keys import verified
from creditmesh.exchange.entries import node_draft
from creditmesh.exchange.errors import NothingOffered
from creditmesh.exchange.operations.feeds import append
from creditmesh.exchange.store import chain, feeds, pages
from creditmesh.exchange.store.chain import ChainRow
from creditmesh.exchange.store.pages import EntryPlace
from creditmesh.schemas.catalogue import Party
from creditmesh.schemas.chain import PASSED, ChainOut, NodeBody, NodeKey, NodeRow, believed
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.exchange import DOWN, UP, base64_text, feed_origin
from creditmesh.schemas.identifiers import Tier
from creditmesh.schemas.received import ReceivedEntry
from creditmesh.schemas.signed import SignedText, said, sign

LEEWAY = timedelta(minutes=5)
"""How far a peer's clock may be ahead of ours."""
MOST_ABOVE = 64
"""Nodes above a peer, itself among them: who names more fills nobody's chain."""
MOST_OF_A_ROW = 16 * 1024
"""Characters, twice what all keys and nodes that may stand in it take."""
MOST_AT_ONCE = timedelta(hours=64)
"""So many rows of a node are believed at once, and one an hour after: each is passed on to everybody below."""
_AT_ONCE = 50
_EVER = datetime.max.replace(tzinfo=UTC)

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
        reads=(PASSED,),
    )


async def publish(ctx: Context, row: NodeRow) -> None:
    """Put this node's row into its `down`, unless it says there what it said before and others believe it.

    Each is later than the one before, also where the clock was put right.
    """
    session = await ctx.session()
    held = await feeds.hold(session, DOWN)
    known = (await rows_of(session, row.node)).get(row.node)
    if known is not None and known.at <= row.at + LEEWAY:
        if row.says_as(known):
            return
        row = row.model_copy(update={"at": max(row.at, known.at + timedelta(microseconds=1))})
    signed = sign(row, by=ctx.keys.sign)
    await append(ctx, DOWN, [node_draft(row.node, signed, at=ctx.instant)], held=held)
    await chain.keep(session, row.node, row.node, signed.model_dump_json(), at=ctx.instant)


async def take_rows(ctx: Context, entries: Sequence[ReceivedEntry]) -> None:
    """Believe the rows of nodes among these entries, where they are to be, and pass them on.

    A row of a node that nobody names above the peer waits until somebody does; one that the keys before did not sign,
    or that is of another time, waits for an operator, and one too many of its node for an operator or its hour. What
    others answered and waits for a node's row is looked for then.
    """
    given: dict[str, list[ReceivedEntry]] = defaultdict(list)
    for received in entries:
        if _body(received) is not None:
            given[received.peer].append(received)
    for code, left in sorted(given.items()):
        peer = peer_above(ctx, code)
        if peer is not None and await _take_all(ctx, peer, left):
            await chain.grow(await ctx.session(), code)


def peer_above(ctx: Context, code: str) -> Party | None:
    """The peer, if it was ever enrolled above: what came of it was verified while it took part, and it holds.

    Transient if this process does not know it yet, although it was pulled.
    """
    directory = ctx.followed(Directory)
    if directory.party(code) is None:
        raise Transient(f"this process has not followed the catalogue to {code} yet")
    return next((each for each in directory.enrolled("above") if each.code == code), None)


async def rows_of(session: Session, peer: str) -> dict[str, NodeRow]:
    """The rows that are believed, by node, of those that came from a peer."""
    return {node: _said(data) for node, data in (await chain.rows(session, peer)).items()}


async def above(ctx: Context, peer: str) -> tuple[str, ...]:
    """The peer, and whoever is above it by the rows that are believed, the nearest first."""
    return tuple(_named(ctx, await rows_of(await ctx.session(), peer), peer))


async def links(ctx: Context, peer: str) -> dict[str, Link]:
    """The nodes above this peer that are known, from the peer upwards, and never this node itself."""
    rows = await rows_of(await ctx.session(), peer)
    named, signers = _named(ctx, rows, peer), _signers(ctx, rows, peer)
    answers: dict[str, set[str]] = defaultdict(set)
    for node in named:
        for above in rows[node].above if node in rows else ():
            answers[above].add(feed_origin(node, UP))
    return {node: Link(signers[node], frozenset(answers[node])) for node in named if node in rows and node in answers}


async def signers(ctx: Context, peer: str) -> Mapping[str, Mapping[str, str]]:
    """The keys by their ids of this peer and of the nodes above it that are known, never of this node itself."""
    return _signers(ctx, await rows_of(await ctx.session(), peer), peer)


def _signers(ctx: Context, rows: Mapping[str, NodeRow], peer: str) -> dict[str, Mapping[str, str]]:
    found = {node: _enrolled(ctx, peer, node) for node in _named(ctx, rows, peer)}
    found |= {node: rows[node].publics for node, keys in found.items() if keys is None and node in rows}
    return {node: keys for node, keys in found.items() if keys is not None}


async def kept_entries(session: Session, places: Sequence[EntryPlace]) -> AsyncIterator[ReceivedEntry]:
    """The entries at these places of peers' feeds, in their order, one page that was kept at a time."""
    for place in places:
        for stored in await pages.covering(session, [place]):
            for entry in (each for each in stored.page.received if each.index == place[2]):
                yield entry


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
    if (party := peer_above(ctx, peer)) is not None:
        await _take_all(ctx, party, [])
    await chain.grow(await ctx.session(), peer)
    return _out(ChainRow(peer, node, offered, None))


async def take_ripe(ctx: Context) -> bool:
    """Look once more at a row that was one too many of its node and is due by now; False if there is none."""
    session = await ctx.session()
    row = await chain.ripe(session, by=_due_by(ctx))
    if row is None or row.offered is None:
        return False
    await chain.offer(session, row.peer, row.node, row.offered)  # an operator's, unless it is believed now
    peer, rows = peer_above(ctx, row.peer), await rows_of(session, row.peer)
    if peer is not None and row.node in _named(ctx, rows, row.peer):
        body = NodeBody(code=row.node, row=SignedText.model_validate_json(row.offered))
        if await _take(ctx, peer, body, known=rows.get(row.node)) is not None:
            await _take_all(ctx, peer, [])
            await chain.grow(session, row.peer)
    return True


def _due_by(ctx: Context) -> datetime:
    return ctx.instant + MOST_AT_ONCE - timedelta(hours=1)


async def _take_all(ctx: Context, peer: Party, entries: Sequence[ReceivedEntry]) -> bool:
    """Believe those of these rows, and of those that wait, that are to be; whether there were any."""
    session, taken = await ctx.session(), False
    rows = await rows_of(session, peer.code)
    while True:
        taken = await _take_some(ctx, peer, rows, entries) or taken
        named = _named(ctx, rows, peer.code)
        places = await chain.take_waiting(session, peer.code, named, type_="catalogue", limit=_AT_ONCE)
        if not places:
            return taken
        entries = [entry async for entry in kept_entries(session, places) if _body(entry) is not None]


async def _take_some(ctx: Context, peer: Party, rows: dict[str, NodeRow], entries: Sequence[ReceivedEntry]) -> bool:
    """Believe those of these rows that are to be, each beside what was before it; whether there were any."""
    taken, named = False, _named(ctx, rows, peer.code)
    for received in entries:
        body = _body(received)
        if body is None or body.code == ctx.node.code:
            continue
        if body.code not in named:
            await chain.wait(await ctx.session(), received, node=body.code)
            continue
        row = await _take(ctx, peer, body, known=rows.get(body.code))
        if row is not None:
            rows[body.code], taken = row, True
            named = _named(ctx, rows, peer.code)
    return taken


def _named(ctx: Context, rows: Mapping[str, NodeRow], peer: str) -> list[str]:
    """The peer, and whoever stands above it by these rows, the nearest first; no more than there may be.

    Nobody says of this node that it stands above itself: what it told would pass for an answer.
    """
    named = [peer]
    for node in named:
        above = rows[node].above if node in rows else ()
        named += [code for code in dict.fromkeys(above) if code not in named and code != ctx.node.code]
        if len(named) > MOST_ABOVE:
            return named[:MOST_ABOVE]
    return named


async def _take(ctx: Context, peer: Party, body: NodeBody, *, known: NodeRow | None) -> NodeRow | None:
    session, until, enrolled = await ctx.session(), ctx.instant + LEEWAY, _enrolled(ctx, peer.code, body.code)
    try:
        row = believed(body.row, known=known, enrolled=enrolled, until=until, verify=_verify)
    except ValueError:
        if _stands(body, known=known, enrolled=enrolled):
            log.warning("the row of a node waits for an operator", peer=peer.code, node=body.code)
            await chain.offer(session, peer.code, body.code, body.row.model_dump_json())
        return None
    if row.node != body.code or (known is not None and row.says_as(known) and known.at <= until):
        return None
    if not await chain.due(session, peer.code, row.node, by=_due_by(ctx)):
        log.warning("a node says too often something else of itself", peer=peer.code, node=row.node)
        await chain.offer(session, peer.code, row.node, body.row.model_dump_json(), early=True)
        return None
    await _believe(ctx, peer.code, row.node, body.row)
    return row


def _enrolled(ctx: Context, peer: str, node: str) -> Mapping[str, str] | None:
    """The keys that an operator handed over, of a node that is a peer of this one: no other peer says them of it.

    None of any other. Who passes the row on is a peer also where it was taken out since.
    """
    party = ctx.followed(Directory).party(node)
    if party is None or not (node == peer or (party.active and party.place is not None)):
        return None
    return {key.id: key.public for key in party.keys if key.use == "node"}


def _stands(body: NodeBody, *, known: NodeRow | None, enrolled: Mapping[str, str] | None) -> bool:
    """Whether it is rightly signed, by whom it is about, and says something new: an operator may take it."""
    try:
        row = believed(body.row, known=None, enrolled=enrolled, until=_EVER, verify=_verify)
    except ValueError:
        return False
    return row.node == body.code and not row.says_as(known)


async def _believe(ctx: Context, peer: str, node: str, row: SignedText) -> None:
    await chain.keep(await ctx.session(), peer, node, row.model_dump_json(), at=ctx.instant)
    await append(ctx, DOWN, [node_draft(node, row, at=ctx.instant)])


def _body(received: ReceivedEntry) -> NodeBody | None:
    if received.body is None or len(received.body) > MOST_OF_A_ROW:
        return None
    try:
        return NodeBody.model_validate_json(received.body)
    except ValidationError:
        return None


def _out(row: ChainRow) -> ChainOut:
    known = _said(row.data or row.offered or "")
    offered = () if row.offered is None else _said(row.offered).keys
    return ChainOut(peer=row.peer, offered=offered, **known.model_dump(include={"node", "tier", "above", "keys", "at"}))


def _said(data: str) -> NodeRow:
    return said(NodeRow, SignedText.model_validate_json(data))


def _verify(public: bytes, data: bytes, signature: bytes) -> bool:
    return verified(data, signature, public=public)
