"""Tiles: whatever a log grows by, its full tiles hold the tree's hashes, and every subtree lies within one of them."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from creditmesh.schemas.tlog import TILE_WIDTH, Range, folded, full_tiles, span_of

LEAVES = [sha256(b"%d" % number).digest() for number in range(2 * TILE_WIDTH * TILE_WIDTH + 300)]


def test_every_subtree_folds_from_the_hashes_of_its_span():
    _, completed = Range.empty().extended(LEAVES)
    kept = {(0, index): leaf for index, leaf in enumerate(LEAVES)}
    kept |= {(level, index): hashed for level, index, hashed in completed}
    tiers = {0: LEAVES} | {
        tier: [kept[8 * tier, index] for index in range(len(LEAVES) >> 8 * tier)] for tier in range(1, 3)
    }
    for level, index, hashed in completed[::97] + completed[-20:]:
        span = span_of(level, index)
        assert span.first // TILE_WIDTH == (span.first + span.width - 1) // TILE_WIDTH
        assert folded(tiers[span.tier][span.first : span.first + span.width]) == hashed


@given(st.lists(st.integers(1, 700), min_size=1, max_size=12))
def test_every_tile_is_filled_once_whatever_the_log_grows_by(steps: list[int]):
    grown, tiles = Range.empty(), []
    for step in steps:
        grown, completed = grown.extended(LEAVES[grown.size : grown.size + step])
        tiles += full_tiles(completed)
    assert [(tile.level, tile.index) for tile in tiles] == [(0, number) for number in range(grown.size // TILE_WIDTH)]
    for _, number, root in tiles:
        assert folded(LEAVES[number * TILE_WIDTH : (number + 1) * TILE_WIDTH]) == root


def test_a_tile_of_tiles_comes_after_those_it_is_of():
    _, completed = Range.empty().extended(LEAVES)
    tiles = [(tile.level, tile.index) for tile in full_tiles(completed)]
    assert tiles == [(0, number) for number in range(2 * TILE_WIDTH + 1)] + [(1, 0), (1, 1)]
