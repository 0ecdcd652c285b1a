"""Copies that are not yet where their feed stood when it was announced: what they hold back until then."""

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from creditmesh.chassis.bus.listen import CATCHING_UP, tell
from creditmesh.chassis.database.session import Session


class Lag(NamedTuple):
    """Of a copy for which this node had answered further than it has: it shows the past."""

    has: int
    had: int | None
    """None: its operator says that it was restored, and the sender was not heard since."""

    @property
    def missing(self) -> int:
        """How many entries it has to answer for again; 1 where nobody has said."""
        return 1 if self.had is None else self.had - self.has


class HeldPage(NamedTuple):
    """A stretch of a copy that is kept and not told yet, and its row."""

    part: int
    id: UUID
    until: int
    data: bytes


# Whatever puts a database back, or another in its place, begins a server, makes a database, or fills the table anew.
_DATABASE = """
    select concat_ws('/', pg_postmaster_start_time(), (select oid from pg_database where datname = current_database()),
                     pg_relation_filenode('exchange.feed_head'))
"""
_MADE = "(select max(m.until) from exchange.acknowledgement_made m where m.peer = c.peer and m.feed = :feed)"
# What was judged is sent in its order: all before the first that is not sent is.
_HAS = f"""
    coalesce((select first from exchange.acknowledgement_made
               where peer = c.peer and feed = :feed and sent_at is null order by first limit 1), {_MADE}, 0)
"""
_GONE_BY = f"select coalesce({_MADE}, 0) from (values (cast(:peer as text))) c(peer)"
_ANNOUNCE = """
    update exchange.copy_head set announced = cast(:announced as bigint),
           held_from = case when size < cast(:announced as bigint) then coalesce(held_from, size) else held_from end
     where peer = :peer and feed = :feed
"""
_HAD = """
    insert into bus.catching_up as c (peer, had) values (:peer, :had)
        on conflict (peer) do update set had = excluded.had where c.had is distinct from excluded.had returning peer
"""
# Processes may have heard different things of different readers: the most of it holds, whoever says less.
_HELD_OF_OWN = """
    insert into bus.catching_up as c (peer, had, holder) values (:node, :had, :holder)
        on conflict (peer) do update set had = excluded.had, holder = excluded.holder
     where c.had is null or c.had < excluded.had
    returning peer
"""
_ASKED_ANEW = """
    update bus.catching_up set had = null
     where peer = :node and had is not null and (holder is null or holder <> all(cast(:readers as text[])))
"""
_NOTHING_HELD = "update bus.catching_up set had = 0, holder = :node where peer = :node and had is null"
_MADE_AGAIN = "select from exchange.lost_entry where feed = :feed and why is distinct from 'copy' and why is null"
_TO_SAY_AGAIN = "select from exchange.set_aside where feed = :feed"
_LAGGING = f"select peer, ({_HAS}) as has, had from bus.catching_up c"
_DONE = f"""
    delete from bus.catching_up c
     where (peer <> :node and peer <> all(cast(:below as text[])))
        or (had <= ({_HAS}) and (peer <> :node or not (exists ({_MADE_AGAIN}) or exists ({_TO_SAY_AGAIN}))))
    returning peer
"""
# They are rewritten: nobody else does so until this transaction ends, in the order of `pages.held`.
_HELD = """
    with held as (
        select part, id, sum(weight) over (order by first, until desc) - weight as before
          from (select p.first, p.until, p.part, p.id,
                       coalesce(p.weight, octet_length(p.data)) as weight
                  from exchange.copy_head c
                  join exchange.received_page p on p.peer = c.peer and p.feed = c.feed and p.first >= c.held_from
                   and not p.keys
                 where c.peer = :peer and c.feed = :feed order by p.first, p.until desc limit :limit) p
    ), locked as (
        select p.first, p.part, p.id, p.until, p.data
          from held join exchange.received_page p on p.part = held.part and p.id = held.id
         where held.before < :bytes order by p.part, p.id for update of p
    )
    select part, id, until, data from locked order by first, until desc
"""
_MOVE = "update exchange.copy_head set held_from = :until where peer = :peer and feed = :feed"
_AT_ONCE, _MOST_BYTES = 50, 4 * 1024 * 1024


async def database(session: Session) -> str:
    """Which database this is: another word where it may have been put back since it was asked before."""
    found: str = await session.value(_DATABASE, {})
    return found


async def announce(session: Session, peer: str, feed: str, size: int) -> None:
    """Keep how far the feed goes at its sender, whatever was kept before: it may have been put back."""
    await session.execute(_ANNOUNCE, {"peer": peer, "feed": feed, "announced": size})


async def hear(session: Session, peer: str, *, had: int) -> None:
    """The peer was heard: this node had answered it for so many entries."""
    if await session.fetch(_HAD, {"peer": peer, "had": had}):
        await tell(session, CATCHING_UP)


async def hear_own(session: Session, node: str, *, had: int, holder: str) -> None:
    """A reader of this node's own feed holds so many entries of it, which are to be here again, and gone by."""
    if await session.fetch(_HELD_OF_OWN, {"node": node, "had": had, "holder": holder}):
        await tell(session, CATCHING_UP)


async def nothing_held(session: Session, node: str) -> None:
    """All readers of this node's own feed were heard, and hold nothing that does not stand here.

    That fills in what an operator left open. Where somebody has held more, that is to be here again whoever says so.
    """
    await session.execute(_NOTHING_HELD, {"node": node})


async def gone_by(session: Session, peer: str, feed: str) -> int:
    """Behind the last entry that this node has judged, whether or not that was noted as sent."""
    found: int = await session.value(_GONE_BY, {"peer": peer, "feed": feed})
    return found


async def lagging(
    session: Session, feed: str, *, node: str, below: Collection[str], readers: Collection[str]
) -> dict[str, Lag]:
    """The peers below whose feed of that name this node has not answered for as far again; all others are done.

    And the node itself, of its own feed: as far as one of its readers has held it, all of the node is to have gone by
    it again. Who holds it is asked for no more when it is no reader any more.
    """
    if not (found := await _lagging(session, feed)):
        return {}
    await session.execute(_ASKED_ANEW, {"node": node, "readers": [*readers, node]})
    if await session.fetch(_DONE, {"feed": feed, "node": node, "below": list(below)}):
        await tell(session, CATCHING_UP)
        found = await _lagging(session, feed)
    return found


async def _lagging(session: Session, feed: str) -> dict[str, Lag]:
    return {peer: Lag(*reach) for peer, *reach in await session.fetch(_LAGGING, {"feed": feed})}


async def held(session: Session, peer: str, feed: str) -> list[HeldPage]:
    """The next pages that are held, in the order of the feed: some of them, and of large ones fewer."""
    wanted = {"peer": peer, "feed": feed, "limit": _AT_ONCE, "bytes": _MOST_BYTES}
    return [HeldPage(*row) for row in await session.fetch(_HELD, wanted)]


async def told(session: Session, peer: str, feed: str, *, until: int | None) -> None:
    """Nothing before this place is held back any more; None: nothing of this copy."""
    await session.execute(_MOVE, {"peer": peer, "feed": feed, "until": until})
