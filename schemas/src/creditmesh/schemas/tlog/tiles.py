"""Tiles: how the hashes of a tree are kept, 256 to a row.

A tile of tier 0 holds the hashes of 256 leaves; one of tier 1 the roots of 256 tiles of tier 0, and so on. Whoever
keeps full tiles finds the hashes of every perfect subtree beside each other in one, or in what is not full yet.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from creditmesh.schemas.tlog.tree import Range, Subtree

TILE_WIDTH = 256
"""Hashes of a tile."""
_HEIGHT = 8
"""Levels of the tree from one tier of tiles to the next."""


class TileSpan(NamedTuple):
    """Hashes beside each other on a level where tiles begin: `first` is counted from the left of the whole tree."""

    tier: int
    first: int
    width: int


def span_of(level: int, index: int) -> TileSpan:
    """The kept hashes that a perfect subtree consists of."""
    tier, above = divmod(level, _HEIGHT)
    return TileSpan(tier, index << above, 1 << above)


def full_tiles(completed: Iterable[Subtree]) -> list[Subtree]:
    """The tiles among the subtrees that were completed, as (tier, number, root): the lower tiers first."""
    tiles = (
        Subtree(each.level // _HEIGHT - 1, each.index, each.hash) for each in completed if not each.level % _HEIGHT
    )
    return sorted(tiles)


def folded(hashes: Sequence[bytes]) -> bytes:
    """The root of the perfect subtree over these hashes."""
    made, _ = Range.empty().extended(hashes)
    return made.root()
