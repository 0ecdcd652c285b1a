"""A second history of a feed: what this node appended before it knew what a reader holds, and nobody has verified.

It is no history that anybody holds, so that it may be taken back. An operator looks first, and says the head of what
stands here; then the head is set back in one short transaction, the entries behind it are moved in turns, and the feed
is one that is behind, which `restore` makes whole. Who holds what is asked at the cut, when no process gives any of it.
"""

import asyncio
from dataclasses import dataclass, replace

import httpx
import structlog

from creditmesh.chassis.context import Context
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.units import together
from creditmesh.exchange.errors import NotSetAside
from creditmesh.exchange.operations.comparing import begins, compared, judge, own_head, readers, signed_here
from creditmesh.exchange.operations.restoring import fetched, refused
from creditmesh.exchange.peer import NotNow, Peer
from creditmesh.exchange.store import feeds, set_aside, tiles
from creditmesh.schemas.catalogue import Party
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.pages import BadPage, extended
from creditmesh.schemas.second_history import HeldOut, SecondHistoryOut
from creditmesh.schemas.tlog import Checkpoint, Range

_log = structlog.get_logger(__name__)
_HEX = 16
_SECONDS_TO_ANSWER = 5.0


@dataclass(frozen=True, slots=True)
class _Fork:
    """What stands here, up to where it is what each reader holds, and where it would be cut."""

    stands: Range
    held: tuple[HeldOut, ...]
    cut: int

    @property
    def sizes(self) -> dict[str, int]:
        """How much each reader holds."""
        return {each.node: each.holds for each in self.held}

    @property
    def least(self) -> int | None:
        """Up to where what stands here is what all hold that hold another history; None where nobody does."""
        return min((each.common for each in self.held if each.common < min(each.holds, self.stands.size)), default=None)


async def look(ctx: Context, feed: str) -> SecondHistoryOut:
    """What would be set aside of a feed, how much who holds, and what is not said again yet. It changes nothing.

    Every reader is asked anew. NotSetAside where one does not say what it holds.
    """
    fork = await _fork(ctx, feed)
    session = await ctx.alone()
    said = SecondHistoryOut(
        feed=feed, size=fork.stands.size, readers=fork.held, left=(await set_aside.left(session)).get(feed, 0)
    )
    if fork.least is None:
        return said
    await _assert_nobody_holds(session, feed, fork)
    records = await set_aside.records(session, feed, since=fork.cut)
    more = {"first": fork.cut, "entries": fork.stands.size - fork.cut, "records": records, "head": _word(fork.stands)}
    return said.model_copy(update=more)


async def move(ctx: Context, feed: str, head: str) -> SecondHistoryOut:
    """Set aside what stands in the feed beside what its readers hold, up to that head; once more it does nothing.

    The feed is closed, every reader asked again, and the head set back; the first entries are moved at once.
    NotSetAside where somebody may hold some of it, does not say so, or where another head stands there.
    """
    if await _is_done(ctx, feed, head):  # whoever reads it is asked no more: the feed is one that is behind
        session = await ctx.alone()
        left = (await set_aside.left(session)).get(feed, 0)
        return SecondHistoryOut(feed=feed, size=(await feeds.head(session, feed)).size, left=left)
    fork = await _fork(ctx, feed)
    if fork.least is None or _word(fork.stands) != head:
        raise _moved(feed)
    await ctx.rollback()
    async with ctx.transaction() as closing:
        await set_aside.close(closing, feed)
    if {code: 0 if said is None else said.size for code, said in (await _asked(ctx, feed)).items()} != fork.sizes:
        raise _moved(feed)
    session = await ctx.session()
    if await feeds.hold(session, feed) != fork.stands:
        raise _moved(feed)
    await _assert_nobody_holds(session, feed, fork)
    await set_aside.cut(session, feed, at=await tiles.range_at(session, feed, fork.cut))
    await set_aside.move(session, feed)
    compared(ctx.equipment).least[feed] = fork.cut
    _log.warning("a second history was set aside", feed=feed, first=fork.cut, size=fork.stands.size, head=head)
    left = (await set_aside.left(session)).get(feed, 0)
    return SecondHistoryOut(feed=feed, size=fork.cut, readers=fork.held, left=left)


async def _is_done(ctx: Context, feed: str, head: str) -> bool:
    done = await set_aside.heads(await ctx.alone(), feed)
    return head in {_named(size, root) for size, root in done}


async def _asked(ctx: Context, feed: str) -> dict[str, Checkpoint | None]:
    """What each reader says now that it holds; NotSetAside where one does not say it."""
    parties = [party for party, name in readers(ctx.followed(Directory)) if name == feed]
    if nowhere := next((party.code for party in parties if party.url is None), None):
        raise _cannot_say(nowhere)
    await ctx.rollback()  # no session is held while peers are asked
    async with httpx.AsyncClient(timeout=_SECONDS_TO_ANSWER) as client:
        return dict(await together(_ask(ctx, client, party, feed) for party in parties))


async def _ask(ctx: Context, client: httpx.AsyncClient, party: Party, feed: str) -> tuple[str, Checkpoint | None]:
    peer = Peer(party=party, node=ctx.node.code, keys=ctx.keys, clock=ctx.equipment.clock, client=client)
    try:
        async with asyncio.timeout(_SECONDS_TO_ANSWER):
            answer = await peer.held(feed)
    except (NotNow, TimeoutError):
        raise _does_not_say(party.code) from None
    head = signed_here(ctx.equipment, party.code, feed, answer)
    if answer is None or (head is None and answer.size):
        raise _does_not_say(party.code)
    return party.code, head


async def _fork(ctx: Context, feed: str) -> _Fork:
    """Ask every reader what it holds, and whoever holds another history where the two part."""
    heard, known = await _asked(ctx, feed), compared(ctx.equipment)
    session = await ctx.alone()
    await judge(ctx.equipment, session, {(feed, code): head for code, head in heard.items()})
    stands, behind, held = await feeds.head(session, feed), known.behind(feed), list[HeldOut]()
    for code, head in sorted(heard.items()):
        holds = 0 if head is None else head.size
        common = await _common(ctx, code, feed, min(stands.size, holds)) if code in behind else holds
        held.append(HeldOut(node=code, holds=holds, common=common))
    fork = _Fork(stands, tuple(held), stands.size)
    if fork.least is None:
        return fork
    return replace(fork, cut=await set_aside.signed_before(await ctx.alone(), feed, fork.least))


async def _common(ctx: Context, code: str, feed: str, most: int) -> int:
    """How many entries a peer's copy and what stands here have in common.

    By halves: the last head of the peer's that stands here too, then line by line.
    """
    low, high = 0, most
    while low < high:
        after = (low + high) // 2
        head = await _head_behind(ctx, code, feed, after)
        if await begins(await ctx.alone(), feed, head):
            low = head.size
        else:
            high = after
    if low == most:
        return low
    await ctx.rollback()  # no session is held while a peer is asked
    page = await fetched(ctx, code, feed, after=low)
    session = await ctx.alone()
    try:
        after_it, _ = extended(await tiles.range_at(session, feed, low), page.entries)
        head = own_head(ctx.keys, ctx.node.code, feed, page.note)
    except BadPage as bad:
        raise refused(code, str(bad)) from bad
    if (head.size, head.root) != (after_it.size, after_it.root()):
        raise refused(code, "its entries do not fit its head")
    own = await set_aside.lines(session, feed, since=low, until=low + len(page.entries))
    pairs = zip(own, page.entries, strict=False)
    return low + next((n for n, (line, entry) in enumerate(pairs) if line != entry.line), len(own))


async def _head_behind(ctx: Context, code: str, feed: str, after: int) -> Checkpoint:
    await ctx.rollback()
    page = await fetched(ctx, code, feed, after=after)
    try:
        head = own_head(ctx.keys, ctx.node.code, feed, page.note)
    except BadPage as bad:
        raise refused(code, str(bad)) from bad
    if head.size <= after:
        raise refused(code, "its entries do not fit its head")
    return head


async def _assert_nobody_holds(session: Session, feed: str, fork: _Fork) -> None:
    """NotSetAside where a reader's head, or any node's answer, goes beyond where it would be cut."""
    if holder := next((each.node for each in fork.held if each.common > (fork.least or 0)), None):
        raise _is_held(holder, fork.cut)
    until, node = await set_aside.verified(session, feed)
    if until > fork.cut:
        raise _is_held(node, fork.cut)
    if await set_aside.is_listed(session, feed, since=fork.cut):
        raise _is_held("a node that was taken out / 已移除的节点", fork.cut)


def _word(head: Range) -> str:
    return _named(head.size, head.root())


def _named(size: int, root: bytes) -> str:
    return f"{size}-{root.hex()[:_HEX]}"


def _moved(feed: str) -> NotSetAside:
    return NotSetAside(
        f"Another head stands in {feed} than this one, or no reader holds another history. Look once more: "
        f"`creditmesh-node restore --set-aside {feed}`.",
        f"{feed} 当前的树头与所给不同，或没有读取节点持有另一份历史。请重新查看："
        f"`creditmesh-node restore --set-aside {feed}`。",
    )


def _cannot_say(node: str) -> NotSetAside:
    return NotSetAside(
        f"{node} has no address, and cannot be asked what it holds. Publish its address, or take it out "
        f"(`creditmesh-node peers remove {node}`).",
        f"节点 {node} 未登记地址，无法确认其持有内容。请登记其地址，或将其移除"
        f"（`creditmesh-node peers remove {node}`）。",
    )


def _does_not_say(node: str) -> NotSetAside:
    return NotSetAside(
        f"{node} does not say what it holds of this feed: it does not answer, or not as this node signed. Nothing was "
        "changed. Ask again when it answers, or take it out "
        f"(`creditmesh-node peers remove {node}`).",
        f"节点 {node} 未能说明其所持该日志的内容（未应答，或其所示树头非本节点签发），未作任何更改。请待其应答后重试，"
        f"或将其移除（`creditmesh-node peers remove {node}`）。",
    )


def _is_held(node: str, since: int) -> NotSetAside:
    return NotSetAside(
        f"{node} has verified some of what stands here behind {since}: it is a history that two nodes hold. What to do "
        f'then is in the guide (docs/guide/running.md, "After a restore").',
        f"节点 {node} 已验证本节点 {since} 之后的部分内容：两份历史均有节点持有。处理办法见运行手册“恢复之后”一节。",
    )
