"""Verifiable logs: published vectors, a naive reading of RFC 6962, and another implementation say the same as ours."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree, InvalidProof

from creditmesh.schemas.tlog import (
    EMPTY,
    Range,
    Subtree,
    consistency_plan,
    fold,
    inclusion_plan,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)

MOST = 130
"""Past two powers of two, with every ragged edge on the way."""
LINES = [f"line {index}".encode() for index in range(MOST)]
LEAVES = [leaf_hash(line) for line in LINES]

# The inputs and roots of the reference implementation of RFC 6962 (certificate-transparency, `merkle_tree_test`).
VECTOR = [bytes.fromhex(line) for line in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
VECTOR += [bytes.fromhex("606162636465666768696a6b6c6d6e6f")]
VECTOR_ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
VECTOR_INCLUSION = {
    (0, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (5, 8): (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
}
VECTOR_CONSISTENCY = {
    (1, 8): VECTOR_INCLUSION[0, 8],
    (6, 8): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 5): (
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}


class Stored:
    """A log as a service keeps it: its leaves and every subtree that became complete."""

    def __init__(self, leaves: Sequence[bytes]):
        self.range, completed = Range.empty().extended(leaves)
        self.subtrees = {(0, index): leaf for index, leaf in enumerate(leaves)}
        self.subtrees |= {(level, index): hashed for level, index, hashed in completed}
        self.roots = [Range.empty().root()]
        growing = Range.empty()
        for leaf in leaves:
            growing, _ = growing.extended([leaf])
            self.roots.append(growing.root())

    def proof(self, plan: tuple[tuple[tuple[int, int], ...], ...]) -> list[bytes]:
        return [fold(self.subtrees[place] for place in places) for places in plan]


STORED = Stored(LEAVES)


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1, as it is written there."""
    if not leaves:
        return EMPTY
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return node_hash(naive_root(leaves[:k]), naive_root(leaves[k:]))


def naive_path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 6962, 2.1.1."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*naive_path(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive_root(leaves[:k])]


def naive_proof(m: int, leaves: Sequence[bytes], *, whole: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 6962, 2.1.2."""
    if m == len(leaves):
        return [] if whole else [naive_root(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*naive_proof(m, leaves[:k], whole=whole), naive_root(leaves[k:])]
    return [*naive_proof(m - k, leaves[k:], whole=False), naive_root(leaves[:k])]


def split(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def flipped(hashes: Sequence[bytes], *, every_byte: bool) -> Iterator[list[bytes]]:
    """The same hashes with one byte changed: each of them, or one in every hash."""
    for place, hashed in enumerate(hashes):
        for at in range(len(hashed)) if every_byte else [place % len(hashed)]:
            yield [*hashes[:place], changed(hashed, at), *hashes[place + 1 :]]


def changed(hashed: bytes, at: int = 0) -> bytes:
    return hashed[:at] + bytes([hashed[at] ^ 1]) + hashed[at + 1 :]


def test_the_vectors_of_the_reference_implementation_hold():
    stored = Stored([leaf_hash(line) for line in VECTOR])
    assert [root.hex() for root in stored.roots] == list(VECTOR_ROOTS)
    for (index, size), path in VECTOR_INCLUSION.items():
        assert [hashed.hex() for hashed in stored.proof(inclusion_plan(index, size))] == list(path)
    for (old, new), proof in VECTOR_CONSISTENCY.items():
        assert [hashed.hex() for hashed in stored.proof(consistency_plan(old, new))] == list(proof)


@pytest.mark.parametrize("size", range(1, MOST + 1))
def test_every_inclusion_proof_holds_and_no_altered_one(size: int):
    root = STORED.roots[size]
    assert root == naive_root(LEAVES[:size])
    for index, leaf in enumerate(LEAVES[:size]):
        path = STORED.proof(inclusion_plan(index, size))
        assert path == naive_path(index, LEAVES[:size])
        assert verify_inclusion(leaf=leaf, index=index, size=size, path=path, root=root)

        def holds(*, leaf: bytes = leaf, index: int = index, path: Sequence[bytes] = path, root: bytes = root) -> bool:
            return verify_inclusion(leaf=leaf, index=index, size=size, path=path, root=root)

        assert not holds(leaf=changed(leaf))
        assert not holds(root=changed(root))
        assert not any(holds(path=altered) for altered in flipped(path, every_byte=size <= 17))
        assert not holds(path=[*path, leaf])
        assert not holds(path=[leaf, *path])
        assert not (path and (holds(path=path[:-1]) or holds(path=path[1:])))
        others = range(-1, size + 2) if size <= 40 else (index - 1, index + 1, index ^ 2, size - 1 - index)
        assert not any(holds(index=other) for other in others if other != index)


@pytest.mark.parametrize("new", range(1, MOST + 1))
def test_every_consistency_proof_holds_and_no_altered_one(new: int):
    for old in range(1, new + 1):
        proof = STORED.proof(consistency_plan(old, new))
        assert proof == naive_proof(old, LEAVES[:new])

        def holds(
            *,
            old: int = old,
            old_root: bytes = STORED.roots[old],
            new_root: bytes = STORED.roots[new],
            proof: Sequence[bytes] = proof,
        ) -> bool:
            return verify_consistency(old=old, new=new, old_root=old_root, new_root=new_root, proof=proof)

        assert holds()
        assert not holds(old_root=changed(STORED.roots[old]))
        assert not holds(new_root=changed(STORED.roots[new]))
        assert not any(holds(proof=altered) for altered in flipped(proof, every_byte=new <= 17))
        assert not holds(proof=[*proof, EMPTY])
        assert not (proof and (holds(proof=proof[:-1]) or holds(proof=proof[1:])))
        assert not holds(old_root=STORED.roots[old - 1])


def test_everything_continues_the_empty_tree_and_only_that():
    whole = STORED.roots[MOST]
    assert consistency_plan(0, MOST) == consistency_plan(MOST, MOST) == consistency_plan(0, 0) == ()
    assert verify_consistency(old=0, new=MOST, old_root=EMPTY, new_root=whole, proof=[])
    assert verify_consistency(old=0, new=0, old_root=EMPTY, new_root=EMPTY, proof=[])
    assert not verify_consistency(old=0, new=MOST, old_root=LEAVES[0], new_root=whole, proof=[])
    assert not verify_consistency(old=0, new=0, old_root=EMPTY, new_root=LEAVES[0], proof=[])
    assert not verify_consistency(old=0, new=MOST, old_root=EMPTY, new_root=whole, proof=[EMPTY])
    assert not verify_consistency(old=MOST, new=MOST, old_root=whole, new_root=LEAVES[0], proof=[])


def test_another_implementation_has_the_same_roots_and_the_same_inclusion_proofs():
    other = InmemoryTree.init_from_entries(LINES)
    for size in range(1, MOST + 1):
        assert STORED.roots[size] == other.get_root(size)
        for index in range(size):
            theirs = other.prove_inclusion(index + 1, size)
            assert theirs.path == [LEAVES[index], *STORED.proof(inclusion_plan(index, size))]
            theirs.verify(LEAVES[index], STORED.roots[size], index=index + 1, size=size)


def test_another_implementation_finds_the_same_trees_consistent_and_the_same_ones_forked():
    """Its consistency proofs have a form of their own (down to the first new leaf): the verdicts are compared."""
    other = InmemoryTree.init_from_entries(LINES)
    for new in range(1, MOST + 1, 3):
        for old in range(1, new + 1):
            proof, theirs = STORED.proof(consistency_plan(old, new)), other.prove_consistency(old, new)
            fork = STORED.roots[old - 1]
            for seen in (STORED.roots[old], fork):
                ours = verify_consistency(old=old, new=new, old_root=seen, new_root=STORED.roots[new], proof=proof)
                assert ours is (seen != fork)
                with nullcontext() if ours else pytest.raises(InvalidProof):
                    theirs.verify(seen, STORED.roots[new], prior_size=old, later_size=new)


@given(st.lists(st.binary(max_size=8), max_size=90), st.lists(st.integers(0, 90), max_size=5))
def test_a_log_does_not_depend_on_how_it_was_cut_into_batches(lines: list[bytes], cuts: list[int]):
    leaves = [leaf_hash(line) for line in lines]
    at_once, all_subtrees = Range.empty().extended(leaves)
    kept, completed = Range.empty(), list[Subtree]()
    for first, until in pairwise([0, *sorted(min(cut, len(leaves)) for cut in cuts), len(leaves)]):
        kept = Range.unpacked(kept.size, kept.packed())
        kept, subtrees = kept.extended(leaves[first:until])
        completed += subtrees
    assert kept == at_once
    assert completed == all_subtrees
    assert kept.root() == naive_root(leaves)
    assert len(kept.packed()) == 32 * len(leaves).bit_count()
    for level, index, hashed in completed:
        assert hashed == naive_root(leaves[index << level : (index + 1) << level])
    complete = sum(len(leaves) >> level for level in range(1, 8))
    assert len({(level, index) for level, index, _ in completed}) == len(completed) == complete


@given(st.integers(1, 2**62), st.data())
def test_a_proof_of_a_tree_of_any_size_is_short_and_made_of_complete_subtrees(size: int, data: st.DataObject):
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    for plan in (inclusion_plan(index, size), consistency_plan(old, size)):
        assert len(plan) <= size.bit_length() + 1
        for places in plan:
            assert all((place + 1) << level <= size for level, place in places)
            assert all(higher > lower for (higher, _), (lower, _) in pairwise(places))


hashes = st.binary(min_size=32, max_size=32)
garbage = st.lists(st.one_of(hashes, st.binary(max_size=40)), max_size=70)
numbers = st.integers(-3, 2**70)


@given(st.one_of(hashes, st.binary()), numbers, numbers, garbage, hashes)
def test_whatever_is_no_proof_is_false_and_not_an_error(
    leaf: bytes, one: int, other: int, path: list[bytes], root: bytes
):
    assert not (verify_inclusion(leaf=leaf, index=one, size=other, path=path, root=root) and leaf != root)
    if one != 0:
        same = one == other and leaf == root
        assert verify_consistency(old=one, new=other, old_root=leaf, new_root=root, proof=path) in {False, same}


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Range(3, (EMPTY,)),
        lambda: Range(-1, ()),
        lambda: Range(1, (b"short",)),
        lambda: Range.unpacked(3, EMPTY),
        lambda: Range.unpacked(3, EMPTY + EMPTY[1:]),
        lambda: Range.empty().extended([b"short"]),
        lambda: inclusion_plan(0, 0),
        lambda: inclusion_plan(-1, 3),
        lambda: inclusion_plan(3, 3),
        lambda: consistency_plan(4, 3),
        lambda: consistency_plan(-1, 3),
        lambda: fold([]),
    ],
)
def test_what_does_not_fit_together_is_an_error(wrong: Callable[[], object]):
    with pytest.raises(ValueError, match=r"\w"):
        wrong()
