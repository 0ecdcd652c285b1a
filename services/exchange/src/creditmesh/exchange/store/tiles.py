"""The trees of this node's feeds: tiles of 256 hashes, and the hashes of any perfect subtree.

A tile is written when it is full, beside its root, and never again. What is not full follows from the lines, or from
the roots of the tiles below: at most 255 rows of each tier.
"""

from collections.abc import Collection, Sequence
from itertools import groupby

from creditmesh.chassis.database.session import Session
from creditmesh.schemas.tlog import TILE_WIDTH, Range, Subtree, folded, range_plan, span_of

_HASH = 32
# The hashes of w (tier, first, width) in one text: of the full tile they lie in, else of what lies below it.
_HASHES = rf"""
    coalesce(
        (select substring(t.hashes from cast(w.first % {TILE_WIDTH} as integer) * {_HASH} + 1 for w.width * {_HASH})
           from exchange.feed_tile t
          where t.feed = :feed and t.tier = w.tier and t.number = w.first / {TILE_WIDTH}),
        case when w.tier = 0 then
            (select string_agg(sha256(cast('\x00' as bytea) || convert_to(e.line, 'UTF8')), cast('' as bytea)
                               order by e.index)
               from exchange.feed_entry e
              where e.feed = :feed and e.index >= w.first and e.index < w.first + w.width)
        else
            (select string_agg(t.root, cast('' as bytea) order by t.number)
               from exchange.feed_tile t
              where t.feed = :feed and t.tier = w.tier - 1 and t.number >= w.first and t.number < w.first + w.width)
        end)
"""
_SPANS = f"""
    select w.level, w.index, {_HASHES} as hashes
      from unnest(cast(:levels as integer[]), cast(:indices as bigint[]), cast(:tiers as integer[]),
                  cast(:firsts as bigint[]), cast(:widths as integer[])) as w(level, index, tier, first, width)
"""
_ADD = f"""
    insert into exchange.feed_tile (feed, tier, number, root, hashes)
    select :feed, w.tier, w.number, w.root, {_HASHES}
      from (select cast(:tier as integer) as tier, number, root, number * {TILE_WIDTH} as first, {TILE_WIDTH} as width
              from unnest(cast(:numbers as bigint[]), cast(:roots as bytea[])) as t(number, root)) w
"""


async def add(session: Session, feed: str, tiles: Sequence[Subtree]) -> None:
    """Keep tiles (tier, number, root; the lower tiers first) of which the entries stand there already."""
    for tier, group in groupby(tiles, key=lambda tile: tile.level):
        full = list(group)
        values = {"numbers": [tile.index for tile in full], "roots": [tile.hash for tile in full]}
        await session.execute(_ADD, {"feed": feed, "tier": tier, **values})


async def subtrees(session: Session, feed: str, places: Collection[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    """The hashes of these perfect subtrees (level, index)."""
    spans = [span_of(level, index) for level, index in places]
    wanted = {
        "feed": feed,
        "levels": [level for level, _ in places],
        "indices": [index for _, index in places],
        "tiers": [span.tier for span in spans],
        "firsts": [span.first for span in spans],
        "widths": [span.width for span in spans],
    }
    return {(level, index): folded(_cut(hashes)) for level, index, hashes in await session.fetch(_SPANS, wanted)}


async def range_at(session: Session, feed: str, size: int) -> Range:
    """The range of the first `size` entries, of which there are at least so many."""
    plan = range_plan(size)
    found = await subtrees(session, feed, plan) if plan else {}
    return Range(size, tuple(found[place] for place in plan))


def _cut(hashes: bytes) -> list[bytes]:
    return [hashes[at : at + _HASH] for at in range(0, len(hashes), _HASH)]
