"""Answers of nodes further above, passed on by the one between: taken with their proofs, and on to who sent them."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import orjson
import structlog
from pydantic import ValidationError

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Transient
from creditmesh.chassis.vault.keys import verified
from creditmesh.exchange.entries import stretches
from creditmesh.exchange.operations import accesses, chain
from creditmesh.exchange.operations.chain import Link
from creditmesh.exchange.operations.comparing import all_heard, assert_compared
from creditmesh.exchange.operations.holders import tell_answers
from creditmesh.exchange.operations.passing import pass_on
from creditmesh.exchange.operations.telling import learn
from creditmesh.exchange.store import answers, feeds, lost, revisions
from creditmesh.exchange.store import chain as waiting
from creditmesh.exchange.store.child_entries import ChildEntry
from creditmesh.exchange.store.feeds import Placed
from creditmesh.schemas.acknowledgements import Proof
from creditmesh.schemas.chain import raw_public
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import ChainChanged
from creditmesh.schemas.exchange import TOLD, UP, AcknowledgedBody, RelayedEntry
from creditmesh.schemas.proofs import Unproven, proven, refusal_of
from creditmesh.schemas.received import ReceivedEntry

_MOST_WAITING = 10
"""Bodies that had to wait and are taken at once."""
_MOST_BYTES = 1024 * 1024
"""Of one body that is passed on, unless it is about one entry; about: texts in it are escaped."""
_MOST_OF_A_BODY = 4 * _MOST_BYTES
"""Characters of one that is taken: more than is passed on at once, with what is escaped in it."""
_PLAIN = 600
_MOST_OF_A_PROOF = 128 * 1024

log = structlog.get_logger(__name__)


async def take_relayed(ctx: Context, entries: Sequence[ReceivedEntry]) -> None:
    """Take what peers above relay of nodes that are known above them; of any other it waits for that node's row.

    Node by node, so that whoever else takes answers takes them in this order; what is passed on comes last.
    """
    session = await ctx.session()
    given: dict[tuple[str, str], list[AcknowledgedBody]] = defaultdict(list)
    known: dict[str, Mapping[str, Link]] = {}
    late = set[str]()
    for peer in sorted({each.peer for each in entries}):
        known[peer] = {} if chain.peer_above(ctx, peer) is None else await chain.links(ctx, peer)
    for received in entries:
        body = _body(received)
        if body is None or body.by == ctx.node.code or chain.peer_above(ctx, received.peer) is None:
            continue
        if body.by in known[received.peer] and not await _may_be_lost(ctx, body):
            given[body.by, received.peer].append(body)
        else:
            await waiting.wait(session, received, node=body.by)
            late.add(received.peer)
    for peer in sorted(late):
        await waiting.grow(session, peer)  # it may have become known meanwhile
    if given:
        assert_compared(ctx, UP)  # what they are about may have to be fetched back first
    relays: list[ChildEntry] = []
    for by, code in sorted(given):
        for body in given[by, code]:
            relays += await _take(ctx, body, known[code][by])
    await pass_on(ctx, relays)


async def grown(ctx: Context) -> list[str]:
    """The peers above which more nodes are known than what waits was looked through for."""
    return await waiting.grown(await ctx.alone())


async def take_waiting(ctx: Context, peer: str) -> bool:
    """Take some of what waited for the row of a node above this peer that is known by now; False if there is nothing.

    When all was taken it is told who is above.

    Nor if another process is at it.
    """
    session = await ctx.session()
    if not await waiting.lead(session, peer):
        return False
    assert_compared(ctx, UP)
    for by, link in sorted((await chain.links(ctx, peer)).items()):
        places = await waiting.take_waiting(session, peer, [by], type_="acknowledged", limit=_MOST_WAITING)
        if places:
            relays: list[ChildEntry] = []
            async for entry in chain.kept_entries(session, places):
                if (body := _body(entry)) is None:
                    continue
                if await _may_be_lost(ctx, body):
                    raise Transient("not every reader has said what it holds of the entries that an answer is about")
                relays += await _take(ctx, body, link)
            await pass_on(ctx, relays)
            return True
    if await accesses.take_waiting(ctx, peer):
        return True
    above = await chain.above(ctx, peer)
    if await waiting.tell(session, peer, above):
        ctx.emit(ChainChanged(peer=peer, above=above))
    await waiting.settled(session, peer)
    return True


async def relayed(
    ctx: Context,
    entries: Sequence[Placed],
    *,
    by: str,
    at: datetime,
    refused: Mapping[int, str],
    proofs: Mapping[int, Proof],
) -> list[ChildEntry]:
    """What each child is to be told of its own entries among these: who sends for their origin, and sent them."""
    session, directory = await ctx.session(), ctx.followed(Directory)
    origins = {(entry.record, entry.rev): orjson.loads(entry.line)["origin"] for entry in entries}
    theirs = {revision: origin for revision, origin in origins.items() if origin != ctx.node.code}
    for child in directory.enrolled("below"):  # which of two of one number waited an older version did not note
        await learn(session, child.code, {record for (record, _), of in theirs.items() if of in child.sends_for})
    sent = await revisions.sent_by_children(session, list(theirs))
    own = {(entry.record, entry.rev): entry.index for entry in entries}
    children: dict[str, list[RelayedEntry]] = defaultdict(list)
    for record, rev, peer, index in sent:
        sender, place = directory.party(peer), own[record, rev]
        if sender is not None and origins[record, rev] in sender.sends_for:
            entry = RelayedEntry(
                index=index, own=place, record=record, rev=rev, code=refused.get(place), proof=proofs.get(place)
            )
            children[peer].append(entry)
    return [
        ChildEntry(peer, "acknowledged", AcknowledgedBody(by=by, at=at, entries=tuple(some)).model_dump_json())
        for peer, told in children.items()
        for some in stretches(sorted(told, key=lambda each: each.index), weight=_weight, most=_MOST_BYTES)
    ]


async def _may_be_lost(ctx: Context, body: AcknowledgedBody) -> bool:
    """Whether it is about entries that are not here while a reader was not heard, which may hold them."""
    beyond = max((entry.index for entry in body.entries), default=-1)
    return not all_heard(ctx, UP) and beyond >= (await feeds.head(await ctx.session(), UP)).size


async def _take(ctx: Context, body: AcknowledgedBody, link: Link) -> list[ChildEntry]:
    session = await ctx.session()
    told = {entry.index: entry for entry in body.entries}
    if await lost.returning(session, UP, [(index, index + 1) for index in told]):
        raise Transient("an answer is about a revision that is being made again")
    placed = await feeds.at(session, UP, told)
    # A body has proofs for seconds of work, and a process has others who wait.
    found = await asyncio.to_thread(
        lambda: [entry for entry in placed if _holds(entry, told[entry.index], body.by, link)]
    )
    refused = {entry.index: code for entry in found if (code := told[entry.index].code) is not None}
    added = await answers.add(session, UP, body.by, [(entry.index, entry.index + 1) for entry in found], refused)
    new = {index for first, until in (*added.applied, *added.refused) for index in range(first, until)}
    entries = [entry for entry in found if entry.index in new]
    proofs = {index: proof for index in new if (proof := told[index].proof) is not None}
    tell_answers(ctx, entries, by=body.by, refused=refused, proofs=proofs)
    return await relayed(ctx, entries, by=body.by, at=body.at, refused=refused, proofs=proofs)


def _weight(entry: RelayedEntry) -> int:
    proof = entry.proof
    return (
        _PLAIN if proof is None else _PLAIN + len(proof.acknowledgement.signed) + len(proof.line) + 70 * len(proof.path)
    )


def _holds(entry: Placed, told: RelayedEntry, by: str, link: Link) -> bool:
    """Whether it is about the entry that stands there, with a proof that holds; what nobody is told needs none."""
    if (entry.record, entry.rev) != (told.record, told.rev):
        return False
    proof = told.proof
    if proof is None:
        return told.code is None and entry.change not in TOLD
    if _weight(told) > _MOST_OF_A_PROOF:
        log.warning("an answer that was relayed is larger than any that is signed", by=by, index=entry.index)
        return False
    try:
        given = proven(
            proof,
            by=by,
            about=(entry.record, entry.rev, entry.change),
            public=lambda given: raw_public(link.publics.get(given.key)),
            verify=lambda public, data, signature: verified(data, signature, public=public),
        )
    except Unproven as unproven:
        log.warning("an answer that was relayed is not proven", by=by, index=entry.index, flaw=unproven.flaw)
        return False
    refused = refusal_of(given, proof.index)
    return given.feed in link.feeds and proof.public == link.publics[given.key] and refused == told.code


def _body(received: ReceivedEntry) -> AcknowledgedBody | None:
    if received.body is not None and len(received.body) > _MOST_OF_A_BODY:
        log.warning("an answer that was relayed is too large", peer=received.peer, index=received.index)
        return None
    try:
        return None if received.body is None else AcknowledgedBody.model_validate_json(received.body)
    except ValidationError:
        log.warning("an answer that was relayed cannot be read", peer=received.peer, index=received.index)
        return None
