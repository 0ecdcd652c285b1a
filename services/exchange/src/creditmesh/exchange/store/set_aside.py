"""What was set aside of this node's feeds, a second history that nobody holds, until it is said again (decision 63)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from creditmesh.chassis.database.session import Session
from creditmesh.chassis.packing import unpack
from creditmesh.exchange.entries import Draft
from creditmesh.schemas.acknowledgements import MOST_ANSWERED
from creditmesh.schemas.tlog import Range


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """An entry as it stood, in the order of its number."""

    number: int
    line: str
    salt: bytes | None
    body: str | None
    record: UUID | None
    rev: int | None
    subject: UUID | None
    change: str | None
    item: str | None
    party: str | None

    @property
    def revision(self) -> int:
        """The number of a record's revision; 0 of what is of no record."""
        return self.rev or 0


class Said(NamedTuple):
    """What the feed says of a record: a revision, and its place."""

    record: UUID
    rev: int
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks a revision for
    change: str


_ANY = "select exists (select from exchange.set_aside where feed = :feed)"
_LEFT = "select feed, count(*) as count from exchange.set_aside group by feed"
_FEEDS = "select distinct feed from exchange.set_aside order by feed"
_ENTRY = ("feed", "index", "line", "salt", "body", "record", "rev", "subject", "change", "item", "party")
_MOVE = "select exchange.set_aside_feed(:feed, :cut, :stack)"
_HEADS = "select size, root from exchange.second_history where feed = :feed"
_VERIFIED = """
    select coalesce(max(upper(r)), 0) as until, node
      from exchange.answer a cross join unnest(a.applied + a.refused) r
     where a.feed = :feed group by node order by 1 desc, 2 limit 1
"""
_FETCHED = "select exists (select from exchange.lost_entry where feed = :feed and index >= :first)"
_SIGNED = "select coalesce(max(size), 0) from exchange.feed_checkpoint where feed = :feed and size <= :until"
_LINES = """
    select line from exchange.feed_entry
     where feed = :feed and index >= :first and index < :until order by index
"""
_RECORDS = """
    select count(*) as entries, count(distinct record) as records from exchange.feed_entry
     where feed = :feed and index >= :first
"""
_COLUMNS = "number, line, salt, body, packed, record, rev, subject, change, item, party"
_PLAIN = f"""
    select {_COLUMNS} from exchange.set_aside
     where feed = :feed and record is null order by number limit :limit
"""
_OF_RECORDS = f"""
    with next as (
        select record from exchange.set_aside where feed = :feed order by number limit :limit
    )
    select {_COLUMNS} from exchange.set_aside
     where feed = :feed and record in (select record from next) order by number
"""
# Whoever has the first of them says them again; nobody else does so meanwhile.
_LOCK = """
    select from exchange.set_aside
     where number = (select min(number) from exchange.set_aside where feed = :feed) for update skip locked
"""
_SAID = """
    select e.record, e.rev, e.index, e.change
      from unnest(cast(:records as uuid[])) as w(record)
     cross join lateral (
        select feed, index, record, rev, change from exchange.feed_entry where record = w.record offset 0) e
     where e.feed = :feed order by e.record, e.rev, e.index
"""
_JUDGED = """
    select i as index from unnest(cast(:indices as bigint[])) i
     where exists (
        select from exchange.acknowledgement_made m
         where m.peer = :node and m.feed = :feed and m.first > i - :most and m.first <= i and m.until > i)
"""
_GONE = "delete from exchange.set_aside where number = any(cast(:numbers as bigint[]))"
_FORGET = """
    update exchange.set_aside set salt = null, body = null, packed = null, weight = null
     where record = any(cast(:records as uuid[]))
"""


async def any_of(session: Session, feed: str) -> bool:
    """Whether something of the feed is still to be said again."""
    found: bool = await session.value(_ANY, {"feed": feed})
    return found


async def left(session: Session) -> dict[str, int]:
    """How many entries are still to be said again, by feed."""
    return {row.feed: row["count"] for row in await session.fetch(_LEFT)}


async def names(session: Session) -> list[str]:
    """The feeds of which something is to be said again."""
    return [row.feed for row in await session.fetch(_FEEDS)]


async def move(session: Session, feed: str, *, cut: Range) -> None:
    """Set aside what stands behind the cut; whoever calls holds the head, and has looked that nobody verified it."""
    await session.fetch(_MOVE, {"feed": feed, "cut": cut.size, "stack": cut.packed()})


async def heads(session: Session, feed: str) -> list[tuple[int, bytes]]:
    """The heads (size, root) up to which something was set aside."""
    return [(row.size, row.root) for row in await session.fetch(_HEADS, {"feed": feed})]


async def verified(session: Session, feed: str) -> tuple[int, str]:
    """Behind the furthest entry that any node has answered for, and which node that is."""
    row = await session.row(_VERIFIED, {"feed": feed})
    return (0, "") if row is None else (row.until, row.node)


async def fetched_back(session: Session, feed: str, *, since: int) -> bool:
    """Whether an entry from there on was fetched back from a reader, and is not seen to yet."""
    found: bool = await session.value(_FETCHED, {"feed": feed, "first": since})
    return found


async def signed_before(session: Session, feed: str, until: int) -> int:
    """The size of the last head that this node signed within so many entries."""
    found: int = await session.value(_SIGNED, {"feed": feed, "until": until})
    return found


async def lines(session: Session, feed: str, *, since: int, until: int) -> list[str]:
    """The lines that stand there."""
    return [row.line for row in await session.fetch(_LINES, {"feed": feed, "first": since, "until": until})]


async def counted(session: Session, feed: str, *, since: int) -> tuple[int, int]:
    """How many entries stand from there on, and of how many records."""
    [row] = await session.fetch(_RECORDS, {"feed": feed, "first": since})
    return row.entries, row.records


async def add(session: Session, feed: str, drafts: Sequence[Draft]) -> None:
    """These are to be said behind what is left. The feed's head is held."""
    rows = [(feed, 0, d.line, d.salt, d.body, d.record, d.rev, d.subject, d.change, d.item, d.party) for d in drafts]
    await session.copy("exchange.set_aside", _ENTRY, rows)


async def next_of(session: Session, feed: str, *, limit: int) -> list[SetAside]:
    """What is to be said next: what is of no record, then all of some records. Nobody else does so meanwhile."""
    if not await session.fetch(_LOCK, {"feed": feed}):
        return []
    wanted = {"feed": feed, "limit": limit}
    rows = await session.fetch(_PLAIN, wanted) or await session.fetch(_OF_RECORDS, wanted)
    return [_read(**row) for row in rows]


async def said(session: Session, feed: str, records: Collection[UUID]) -> list[Said]:
    """What the feed has of these records."""
    return [Said(*row) for row in await session.fetch(_SAID, {"feed": feed, "records": list(records)})]


async def judged(session: Session, node: str, feed: str, indices: Collection[int]) -> set[int]:
    """Those of these entries of the node's own that it has judged since they were fetched back."""
    wanted = {"node": node, "feed": feed, "indices": list(indices), "most": MOST_ANSWERED}
    return {row.index for row in await session.fetch(_JUDGED, wanted)} if indices else set()


async def gone(session: Session, numbers: Sequence[int]) -> None:
    """These were said again, or need not be."""
    await session.execute(_GONE, {"numbers": list(numbers)})


async def forget(session: Session, records: Collection[UUID]) -> None:
    """These records are deleted here: of what was said of them the lines alone are left."""
    await session.execute(_FORGET, {"records": list(records)})


def _read(*, packed: bytes | None, **columns: object) -> SetAside:
    if packed is not None:
        columns["body"] = unpack(packed).decode()
    return SetAside(**columns)  # type: ignore[arg-type]
