"""What nodes answered about this node's feeds: which entries each has applied, and which it has refused and why."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from creditmesh.chassis.database.session import Session

SPAN = 4096
"""Entries of a feed to a row: an answer writes the rows that it is about, in however many ranges others stand."""
# Whoever adds holds the first row of the node.
_MAKE = "insert into exchange.answer (feed, node, span) values (:feed, :node, 0) on conflict do nothing"
_HOLD = "select from exchange.answer where feed = :feed and node = :node and span = 0 for update"
_HOLD_FEED = "select from exchange.feed_head where feed = :feed for share"
# What was applied stays so; what was refused may be applied later.
_ANSWER = f"""
    with answered as (
        select span, range_agg(int8range(greatest(f, span * {SPAN}), least(u, (span + 1) * {SPAN}))) as entries
          from unnest(cast(:firsts as bigint[]), cast(:untils as bigint[])) as r(f, u)
         cross join generate_series(f / {SPAN}, (u - 1) / {SPAN}) as span
         group by span
    ), refused as (
        select i / {SPAN} as span, range_agg(int8range(i, i + 1)) as entries
          from unnest(cast(:refused as bigint[])) i group by 1
    ), new as (
        select span, answered.entries - coalesce(refused.entries, '{{}}') - coalesce(known.applied, '{{}}') as applied,
               coalesce(refused.entries - coalesce(known.applied, '{{}}') - coalesce(known.refused, '{{}}'), '{{}}')
                   as refused,
               coalesce(known.refused, '{{}}') as before
          from answered left join refused using (span)
          left join (select * from exchange.answer where feed = :feed and node = :node) known using (span)
    ), kept as (
        insert into exchange.answer as a (feed, node, span, applied, refused)
        select :feed, :node, span, applied, refused from new where not isempty(applied) or not isempty(refused)
            on conflict (feed, node, span) do update
           set applied = a.applied + excluded.applied, refused = a.refused + excluded.refused - excluded.applied
    )
    select applied, refused, before * applied as mended from new order by span
"""
_REFUSE = """
    insert into exchange.refusal (feed, node, index, code)
    select :feed, :node, index, code from unnest(cast(:indices as bigint[]), cast(:codes as text[])) as w(index, code)
"""
_MEND = """
    delete from exchange.refusal where feed = :feed and node = :node and index = any(cast(:indices as bigint[]))
"""
_HOLD_ALL = "select from exchange.answer where feed = :feed and span = 0 order by node for update"
_REOPEN = f"""
    with again as (
        select i / {SPAN} as span, range_agg(int8range(i, i + 1)) as entries
          from unnest(cast(:indices as bigint[])) i group by 1
    ), gone as (
        delete from exchange.refusal where feed = :feed and index = any(cast(:indices as bigint[]))
    )
    update exchange.answer a set applied = a.applied - again.entries, refused = a.refused - again.entries
      from again
     where a.feed = :feed and a.span = again.span and (a.applied + a.refused) && again.entries
"""
_KEEP = """
    update exchange.answer set until = :until, signed = :signed
     where feed = :feed and node = :node and span = 0 and until < :until
"""
_KEPT = "select signed from exchange.answer where feed = :feed and node = :node and span = 0"
_REACH = """
    select greatest(upper(applied), upper(refused)) as until, span from exchange.answer
     where feed = :feed and node = :node order by span desc limit 1
"""
# Of both, the rows are taken apart one after another, until there are enough.
_MISSING = f"""
    with reach as ({_REACH})
    select first, until
      from (select lower(r) as first, upper(r) as until
              from reach
             cross join generate_series(0, reach.span) as whole(span)
              left join lateral (
                   select applied, refused from exchange.answer
                    where feed = :feed and node = :node and span = whole.span offset 0) a on true
             cross join unnest(
                       int8multirange(int8range(whole.span * {SPAN}, least((whole.span + 1) * {SPAN}, reach.until)))
                       - coalesce(a.applied, '{{}}') - coalesce(a.refused, '{{}}')) r
             where reach.until is not null
             limit :limit) found
     order by first
"""
# Two ranges that touch at the end of a row are one: of so many more than are wanted as there are rows the last may be
# cut, and is none of those.
_OF = """
    select node,
           (select coalesce(array_agg(r order by r), '{}')
              from (select unnest(ranges) as r
                      from (select range_agg(r) as ranges
                              from (select r
                                      from (select applied from exchange.answer
                                             where feed = :feed and node = n.node order by span desc offset 0) a
                                     cross join lateral (select r from unnest(applied) r order by r desc) each
                                     limit (cast(:limit as bigint) + n.rows)) newest) whole
                     order by r desc limit :limit) newest) as applied,
           (select coalesce(json_object_agg(index, code order by index), '{}')
              from (select index, code from exchange.refusal f
                     where f.feed = :feed and f.node = n.node order by index desc limit :limit) newest) as refused
      from (select node, count(*) as rows from exchange.answer where feed = :feed group by node) n
     order by node
"""

Range = tuple[int, int]
"""`first <= index < until` of a feed."""


class Added(NamedTuple):
    """What an answer says that was not known."""

    applied: Sequence[Range]
    refused: Sequence[Range]


class NodeAnswers(NamedTuple):
    """What a node has answered about a feed: the newest ranges it applied, the newest entries it refused."""

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
    rows = await session.fetch(_ANSWER, {**place, "firsts": firsts, "untils": untils, "refused": list(refused)})
    added = Added(
        [each for row in rows for each in _ranges(row.applied)],
        [each for row in rows for each in _ranges(row.refused)],
    )
    if mended := _indices(each for row in rows for each in _ranges(row.mended)):
        await session.execute(_MEND, {**place, "indices": mended})
    if new := _indices(added.refused):
        await session.execute(_REFUSE, {**place, "indices": new, "codes": [refused[index] for index in new]})
    return added


async def hold_feed(session: Session, feed: str) -> None:
    """Have nobody cut the feed until this transaction ends."""
    await session.fetch(_HOLD_FEED, {"feed": feed})


async def keep(session: Session, feed: str, node: str, *, until: int, signed: str) -> None:
    """Keep the text of an answer that was added, if it is the furthest of that node."""
    await session.execute(_KEEP, {"feed": feed, "node": node, "until": until, "signed": signed})


async def furthest(session: Session, feed: str, node: str) -> str | None:
    """The text of the furthest answer of the node, as it signed it; None of one that a version before this took."""
    row = await session.row(_KEPT, {"feed": feed, "node": node})
    return None if row is None else row.signed


async def reopen(session: Session, feed: str, indices: Collection[int]) -> None:
    """Take it that nobody has answered for these yet: whoever has is asked again, and is heard then."""
    if indices:
        await session.fetch(_HOLD_ALL, {"feed": feed})
        await session.execute(_REOPEN, {"feed": feed, "indices": list(indices)})


async def missing(session: Session, feed: str, node: str, *, limit: int) -> list[Range]:
    """The first ranges below the highest entry answered for that the node has not answered for."""
    found: list[Range] = []
    for first, until in await session.fetch(_MISSING, {"feed": feed, "node": node, "limit": limit}):
        before = found.pop()[0] if found and found[-1][1] == first else first
        found.append((before, until))
    return found


async def reach(session: Session, feed: str, node: str) -> int:
    """Behind the highest entry of a feed that the node has answered for."""
    row = await session.row(_REACH, {"feed": feed, "node": node})
    return 0 if row is None else row[0] or 0


async def of_feed(session: Session, feed: str, *, limit: int) -> list[NodeAnswers]:
    """Every node's answers about a feed: the newest so many ranges that it applied, and refusals."""
    rows = await session.fetch(_OF, {"feed": feed, "limit": limit})
    return [NodeAnswers(row.node, _ranges(row.applied), row.refused) for row in rows]


def _ranges(multirange: Iterable[Any]) -> list[Range]:
    """The driver's ranges, which are normal: `[lower, upper)`."""
    return [(each.lower, each.upper) for each in multirange]


def _indices(ranges: Iterable[Range]) -> list[int]:
    return [index for first, until in ranges for index in range(first, until)]
