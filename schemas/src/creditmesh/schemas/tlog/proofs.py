"""Proofs of a log: of which subtrees they consist, and whether they hold.

A plan names, for each hash of a proof, the perfect subtrees that fold to it, so that whoever stores subtrees answers
with a few look-ups and never hashes leaves again. Verifying is RFC 9162, 2.1.3.2 and 2.1.4.2, the same tree as RFC
6962's; it says False of whatever is not a proof.
"""

from collections.abc import Sequence

from creditmesh.schemas.tlog.tree import EMPTY, HASH_SIZE, node_hash

Plan = tuple[tuple[tuple[int, int], ...], ...]
"""Per hash of the proof: the (level, index) of the subtrees to fold, from left to right."""


def inclusion_plan(index: int, size: int) -> Plan:
    """The audit path of the leaf at `index` in the tree of `size` leaves, from the leaf upwards.

    Raises ValueError when there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    siblings, start, end = [], 0, size
    while end - start > 1:
        middle = _middle(start, end)
        if index < middle:
            siblings.append(_cover(middle, end))
            end = middle
        else:
            siblings.append(_cover(start, middle))
            start = middle
    return tuple(reversed(siblings))


def consistency_plan(old: int, new: int) -> Plan:
    """The proof that the first `old` of `new` leaves are the tree that was seen at that size.

    Empty when the sizes are equal, or when nothing was seen. Raises ValueError when the old tree is the larger one.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} does not continue one of {old}")
    if old == 0:
        return ()
    siblings, start, end = [], 0, new
    while end != old:
        middle = _middle(start, end)
        if old <= middle:
            siblings.append(_cover(middle, end))
            end = middle
        else:
            siblings.append(_cover(start, middle))
            start = middle
    if start:  # else the rest is the old tree itself, whose root the verifier has
        siblings.append(_cover(start, end))
    return tuple(reversed(siblings))


def range_plan(size: int) -> tuple[tuple[int, int], ...]:
    """The perfect subtrees that the first `size` leaves consist of, as (level, index), the largest first."""
    return _cover(0, size)


def verify_inclusion(*, leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether `path` proves that the leaf with this hash stands at `index` in the tree of `size` under `root`."""
    if not 0 <= index < size or not _hashes(leaf, root, *path):
        return False
    place, last, hashed = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            hashed = node_hash(sibling, hashed)
            place, last = _climbed(place, last)
        else:
            hashed = node_hash(hashed, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and hashed == root


def verify_consistency(*, old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` proves that the tree of `new` leaves continues the one of `old` leaves.

    Everything continues the empty tree, and a tree continues itself: both without a proof.
    """
    if not 0 <= old <= new or not _hashes(old_root, new_root, *proof):
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY
    hashes = [old_root, *proof] if old.bit_count() == 1 else list(proof)
    return bool(hashes) and _continues(old, new, hashes) == (old_root, new_root)


def _continues(old: int, new: int, hashes: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """The two roots that the hashes lead to; None when they are too few or too many."""
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return None
        if place & 1 or place == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            place, last = _climbed(place, last)
        else:
            after = node_hash(after, sibling)
        place, last = place >> 1, last >> 1
    return (before, after) if last == 0 else None


def _climbed(place: int, last: int) -> tuple[int, int]:
    """Past the levels where a node on the ragged right edge has no sibling and is carried up as it is."""
    while place and not place & 1:
        place, last = place >> 1, last >> 1
    return place, last


def _middle(start: int, end: int) -> int:
    """Where a range of at least two leaves is split: after the largest power of two that leaves something."""
    return start + (1 << (end - start - 1).bit_length() - 1)


def _cover(start: int, end: int) -> tuple[tuple[int, int], ...]:
    """The perfect subtrees that a range of the tree consists of, the largest first."""
    subtrees = []
    while start < end:
        level = (end - start).bit_length() - 1
        subtrees.append((level, start >> level))
        start += 1 << level
    return tuple(subtrees)


def _hashes(*candidates: bytes) -> bool:
    return all(isinstance(candidate, bytes) and len(candidate) == HASH_SIZE for candidate in candidates)
