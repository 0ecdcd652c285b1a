"""Who looked at copies: what a node above signed is verified and told here, and passed on to whom it is for.

It is taken on nobody's word but that of the node where it was, also where others stand between.
"""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import structlog
from pydantic import ValidationError

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Transient
from creditmesh.chassis.vault.keys import verified
from creditmesh.exchange.operations import chain
from creditmesh.exchange.operations.comparing import all_heard, assert_compared
from creditmesh.exchange.store import chain as waiting
from creditmesh.exchange.store import child_entries, feeds, lost
from creditmesh.exchange.store.child_entries import ChildEntry
from creditmesh.schemas.accesses import AccessStatement
from creditmesh.schemas.events import AccessReceived, AccessToPass
from creditmesh.schemas.exchange import UP
from creditmesh.schemas.received import ReceivedEntry
from creditmesh.schemas.signed import SignedText, read, said

_MOST_OF_A_STATEMENT = 64 * 1024
"""Characters, more than twice what one about as many records as it may has."""
_AT_ONCE = 100


class Look(NamedTuple):
    """The entry of a peer that tells of it, what the node where it was signed, and the keys of that node."""

    received: ReceivedEntry
    statement: SignedText
    publics: Mapping[str, str]


_log = structlog.get_logger(__name__)


async def pass_down(ctx: Context, given: Sequence[AccessToPass]) -> None:
    """Tell each child through its own feed, in turns of the passer: this batch may hold the head of `up`."""
    await child_entries.wait(
        await ctx.session(), [ChildEntry(each.child, "accessed", each.statement.model_dump_json()) for each in given]
    )


async def take(ctx: Context, entries: Sequence[ReceivedEntry]) -> None:
    """Tell what nodes that are known above these peers signed; of any other it waits for that node's row."""
    session, known, late = await ctx.session(), dict[str, Mapping[str, Mapping[str, str]]](), set[str]()
    ready: list[Look] = []
    for received in entries:
        if received.peer not in known:
            above = chain.peer_above(ctx, received.peer) is not None
            known[received.peer] = await chain.signers(ctx, received.peer) if above else {}
        statement = _statement(received)
        if statement is None or chain.peer_above(ctx, received.peer) is None:
            continue
        by = said(AccessStatement, statement).by
        if by in known[received.peer]:
            ready.append(Look(received, statement, known[received.peer][by]))
        else:
            await waiting.wait(session, received, node=by)
            late.add(received.peer)
    for look in await _tell(ctx, ready):
        await waiting.wait(session, look.received, node=said(AccessStatement, look.statement).by)
        late.add(look.received.peer)
    for peer in sorted(late):
        await waiting.grow(session, peer)  # it may have become known meanwhile


async def take_waiting(ctx: Context, peer: str) -> bool:
    """Tell some of what waited for the rows of nodes that are known by now; False if there is nothing.

    Transient while it cannot be said of one whether anybody above has a record that it is about.
    """
    session, known = await ctx.session(), await chain.signers(ctx, peer)
    places = await waiting.take_waiting(session, peer, sorted(known), type_="accessed", limit=_AT_ONCE)
    looks = [
        Look(each, statement, known[said(AccessStatement, statement).by])
        async for each in chain.kept_entries(session, places)
        if (statement := _statement(each))
    ]
    if await _tell(ctx, looks):
        raise Transient("not every reader has said what it holds of the records that a look is about")
    return bool(places)


async def _tell(ctx: Context, looks: Sequence[Look]) -> list[Look]:
    """Tell those about records in `up`, from where nodes above have all that they hold of this one and of those below.

    Of the others nobody is told, once every reader was heard; those of before that are given back. Transient while
    something has to be fetched back first, or is being made again.
    """
    about = [{each.record for each in said(AccessStatement, look.statement).about} for look in looks]
    if not about:
        return []
    assert_compared(ctx, UP)
    session, records = await ctx.session(), set[UUID]().union(*about)
    if any(each.why is None for each in await lost.of_records(session, UP, records)):
        raise Transient("a look is told of at a record that is being made again")
    there = await feeds.those(session, UP, records)
    elsewhere: list[Look] = []
    for look, named in zip(looks, about, strict=True):
        if there.isdisjoint(named):
            elsewhere.append(look)
        else:
            _tell_signed(ctx, look)
    return [] if all_heard(ctx, UP) else elsewhere


def _tell_signed(ctx: Context, look: Look) -> None:
    peer, statement, publics = look.received.peer, look.statement, look.publics
    try:
        read(
            AccessStatement,
            statement,
            public=lambda given: b64decode(publics.get(given.key, "")),
            verify=lambda public, data, signature: verified(data, signature, public=public),
        )
    except ValueError:
        _log.warning("an access that a node above told of is not signed by it", peer=peer)
        return
    ctx.emit(AccessReceived(peer=peer, statement=statement))


def _statement(received: ReceivedEntry) -> SignedText | None:
    if received.body is None or len(received.body) > _MOST_OF_A_STATEMENT:
        return None
    try:
        statement = SignedText.model_validate_json(received.body)
        said(AccessStatement, statement)
    except (ValidationError, ValueError):
        _log.warning("an access that a node above told of cannot be read", peer=received.peer, index=received.index)
        return None
    return statement
