"""The tree of a log: its hashes, and the compact range that is enough to append to it and to know its root.

A tree of n leaves is one perfect subtree per bit of n, the largest first. Those few hashes are all that one keeps
to go on: appending never looks at older leaves. (RFC 6962, 2.1.)
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from hashlib import sha256
from typing import NamedTuple, Self

HASH_SIZE = 32
EMPTY = sha256(b"").digest()
"""The root of the tree without leaves."""


def leaf_hash(line: bytes) -> bytes:
    """The hash of a leaf. Its prefix differs from a node's, so that neither can pass for the other."""
    return sha256(b"\x00" + line).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees side by side."""
    return sha256(b"\x01" + left + right).digest()


def fold(hashes: Iterable[bytes]) -> bytes:
    """The hash of the range that perfect subtrees cover, given from left to right, the largest first.

    Raises ValueError when there is none: the hash of nothing is never asked for by a plan.
    """
    from_right = list(hashes)[::-1]
    if not from_right:
        raise ValueError("no hashes to fold")
    return reduce(lambda right, left: node_hash(left, right), from_right)


class Subtree(NamedTuple):
    """A perfect subtree: it covers the leaves `index << level` up to `(index + 1) << level`."""

    level: int
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks a subtree for
    hash: bytes


@dataclass(frozen=True, slots=True)
class Range:
    """The compact range of the first `size` leaves: the hashes of the perfect subtrees they consist of."""

    size: int
    stack: tuple[bytes, ...]
    """From left to right, the largest first."""

    def __post_init__(self) -> None:
        """Raise ValueError when the hashes are not as many, or not as long, as this size has."""
        if self.size < 0 or len(self.stack) != self.size.bit_count():
            raise ValueError(f"a range of {self.size} leaves does not consist of {len(self.stack)} subtrees")
        if any(len(hashed) != HASH_SIZE for hashed in self.stack):
            raise ValueError(f"a hash has {HASH_SIZE} bytes")

    @classmethod
    def empty(cls) -> Self:
        """The range before the first leaf."""
        return cls(0, ())

    @classmethod
    def unpacked(cls, size: int, packed: bytes) -> Self:
        """The range as it was stored. ValueError when the bytes are not those of this size."""
        return cls(size, tuple(packed[at : at + HASH_SIZE] for at in range(0, len(packed), HASH_SIZE)))

    def packed(self) -> bytes:
        """The range for storing, beside its size: its hashes one after the other."""
        return b"".join(self.stack)

    def root(self) -> bytes:
        """The Merkle tree hash of the leaves."""
        return fold(self.stack) if self.stack else EMPTY

    def extended(self, leaves: Iterable[bytes]) -> tuple["Range", list[Subtree]]:
        """The range with these leaf hashes appended, and the subtrees (level 1 and up) that this completed, in order.

        A leaf is a subtree of level 0 itself and is not among them.
        """
        size, stack, completed = self.size, list(self.stack), list[Subtree]()
        for leaf in leaves:
            stack.append(leaf)
            level, index = 0, size
            while index & 1:
                right = stack.pop()
                stack[-1] = node_hash(stack[-1], right)
                level, index = level + 1, index >> 1
                completed.append(Subtree(level, index, stack[-1]))
            size += 1
        return Range(size, tuple(stack)), completed
