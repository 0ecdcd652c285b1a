"""Verifiable logs: Merkle trees as in RFC 6962, their proofs, and signed heads as in C2SP.

Whoever keeps a feed and whoever checks one compute here, alike. Nothing of it does I/O, and signing is given from
outside, so that this needs no cryptography but SHA-256.
"""

from creditmesh.schemas.tlog.notes import BadNote, Checkpoint, checkpoint_text, open_note, read_checkpoint, signed_note
from creditmesh.schemas.tlog.proofs import (
    consistency_plan,
    inclusion_plan,
    range_plan,
    verify_consistency,
    verify_inclusion,
)
from creditmesh.schemas.tlog.tiles import TILE_WIDTH, TileSpan, folded, full_tiles, span_of
from creditmesh.schemas.tlog.tree import EMPTY, Range, Subtree, fold, leaf_hash, node_hash

__all__ = [
    "EMPTY",
    "TILE_WIDTH",
    "BadNote",
    "Checkpoint",
    "Range",
    "Subtree",
    "TileSpan",
    "checkpoint_text",
    "consistency_plan",
    "fold",
    "folded",
    "full_tiles",
    "inclusion_plan",
    "leaf_hash",
    "node_hash",
    "open_note",
    "range_plan",
    "read_checkpoint",
    "signed_note",
    "span_of",
    "verify_consistency",
    "verify_inclusion",
]
