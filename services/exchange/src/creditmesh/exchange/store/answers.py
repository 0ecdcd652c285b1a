"""What nodes answered about this node's feeds: which entries each has applied, and which it has refused and why."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from creditmesh.chassis.database.session import Session

_MAKE = "insert into exchange.answer (feed, node) values (:feed, :node) on conflict do nothing"
_HOLD = "select from exchange.answer where feed = :feed and node = :node for update"
# What was applied stays so; what was refused may be applied later.
_ANSWER = """
    with said as (
        select coalesce((select range_agg(int8range(f, u)) from unnest(cast(:firsts as bigint[]),
                                                                       cast(:untils as bigint[])) as r(f, u)),
                        '{}') as answered,
               coalesce((select range_agg(int8range(i, i + 1)) from unnest(cast(:refused as bigint[])) i), '{}')
                   as refused
    ), new as (
        select said.answered - said.refused - known.applied as applied,
               said.refused - known.applied - known.refused as refused,
               known.refused as before
          from said, exchange.answer known where known.feed = :feed and known.node = :node
    ), moved as (
        update exchange.answer a
           set applied = a.applied + new.applied, refused = a.refused + new.refused - new.applied
          from new where a.feed = :feed and a.node = :node
    )
    select applied, refused, before && applied as mended from new
"""
_REFUSE = """
    insert into exchange.refusal (feed, node, index, code)
    select :feed, :node, index, code from unnest(cast(:indices as bigint[]), cast(:codes as text[])) as w(index, code)
"""
_MEND = """
    delete from exchange.refusal r using unnest(cast(:firsts as bigint[]), cast(:untils as bigint[])) as w(first, until)
     where r.feed = :feed and r.node = :node and r.index >= w.first and r.index < w.until
"""
_MISSING = """
    select lower(r) as first, upper(r) as until
      from exchange.answer a
     cross join unnest(int8multirange(int8range(0, greatest(upper(a.applied), upper(a.refused))))
                       - a.applied - a.refused) r
     where a.feed = :feed and a.node = :node
     order by 1 limit :limit
"""
_REACH = "select greatest(upper(applied), upper(refused)) from exchange.answer where feed = :feed and node = :node"
_SCATTERED = """
    select :first > greatest(upper(a.applied), upper(a.refused))
           and (select count(*) from unnest(a.applied + a.refused)) >= :most as scattered
      from exchange.answer a where a.feed = :feed and a.node = :node
"""
_OF = """
    select node, applied,
           (select coalesce(json_object_agg(index, code order by index), '{}')
              from (select index, code from exchange.refusal f
                     where f.feed = a.feed and f.node = a.node order by index desc limit :limit) newest) as refused
      from exchange.answer a where feed = :feed order by node
"""

Range = tuple[int, int]
"""`first <= index < until` of a feed."""


class Added(NamedTuple):
    """What an answer says that was not known."""

    applied: Sequence[Range]
    refused: Sequence[Range]


class NodeAnswers(NamedTuple):
    """What a node has answered about a feed: the ranges it applied, the newest entries it refused."""

    node: str
    applied: Sequence[Range]
    refused: str
    """JSON: the code of each by its index."""


async def add(session: Session, feed: str, node: str, answered: Collection[Range], refused: Mapping[int, str]) -> Added:
    """Note that a node has answered for these ranges, refusing some of their entries; what of it is new."""
    place = {"feed": feed, "node": node}
    if not await session.fetch(_HOLD, place):
        await session.execute(_MAKE, place)
        await session.fetch(_HOLD, place)
    firsts, untils = [first for first, _ in answered], [until for _, until in answered]
    [row] = await session.fetch(_ANSWER, {**place, "firsts": firsts, "untils": untils, "refused": list(refused)})
    added = Added(_ranges(row.applied), _ranges(row.refused))
    if row.mended:
        ranges = {"firsts": [first for first, _ in added.applied], "untils": [until for _, until in added.applied]}
        await session.execute(_MEND, {**place, **ranges})
    new = [index for first, until in added.refused for index in range(first, until)]
    if new:
        await session.execute(_REFUSE, {**place, "indices": new, "codes": [refused[index] for index in new]})
    return added


async def missing(session: Session, feed: str, node: str, *, limit: int) -> list[Range]:
    """The first ranges below the highest entry answered for that the node has not answered for."""
    return [
        (row.first, row.until) for row in await session.fetch(_MISSING, {"feed": feed, "node": node, "limit": limit})
    ]


async def reach(session: Session, feed: str, node: str) -> int:
    """Behind the highest entry of a feed that the node has answered for."""
    row = await session.row(_REACH, {"feed": feed, "node": node})
    return 0 if row is None else row[0] or 0


async def scattered(session: Session, feed: str, node: str, *, first: int, most: int) -> bool:
    """Whether an answer from `first` on would leave one more hole, and there are as many as there may be."""
    values = {"feed": feed, "node": node, "first": first, "most": most}
    return any(row.scattered for row in await session.fetch(_SCATTERED, values))


async def of_feed(session: Session, feed: str, *, limit: int) -> list[NodeAnswers]:
    """Every node's answers about a feed, with the newest so many refusals of each."""
    rows = await session.fetch(_OF, {"feed": feed, "limit": limit})
    return [NodeAnswers(row.node, _ranges(row.applied), row.refused) for row in rows]


def _ranges(multirange: Iterable[Any]) -> list[Range]:
    """The driver's ranges, which are normal: `[lower, upper)`."""
    return [(each.lower, each.upper) for each in multirange]
