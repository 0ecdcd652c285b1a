"""What proves that a node said what another passes on: its lines stand in its own log, whoever hands them over."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Annotated

from pydantic import Field

from creditmesh.schemas.bodies import Out
from creditmesh.schemas.bounds import Count
from creditmesh.schemas.encodings import FROM_BASE64, Base64
from creditmesh.schemas.exchange import UP, feed_origin
from creditmesh.schemas.identifiers import NodeCode
from creditmesh.schemas.pages import BadPage, signed_head
from creditmesh.schemas.signed import Verify
from creditmesh.schemas.tlog import Range

NOT_OF_ORIGIN = "not_of_origin"
"""The code of what a peer says of another node's record and that node is not proven to have said."""
HASH = 32
Leaf = tuple[str, bytes]
"""The origin of a line, and the hash of the line."""
MOST_LEAVES = 5000
"""Of a run: no page of a feed has more entries."""
MOST_RUNS = 1000
"""Of an answer."""


def passed_key(origin: str, key: str) -> str:
    """The name under which a middle tier passes on the key of a feed `up` of a node below it."""
    return f"{origin}/{key}"


class OriginRun(Out):
    """A stretch of the feed `up` of a node, up to a head that it signed."""

    model_config = FROM_BASE64

    origin: NodeCode
    first: Count
    """Its place in that feed."""
    stack: Annotated[Base64, Field(max_length=64 * HASH)]
    """The compact range of all that stands before it: the hashes of its perfect subtrees, the largest first."""
    leaves: Annotated[Base64, Field(max_length=MOST_LEAVES * HASH)]
    """The hashes of its lines (`tlog.leaf_hash`), one after the other."""
    checkpoint: str
    """The head as the origin signed it."""


class OriginsOut(Out):
    """What proves the entries of others in a stretch of a feed, as far as one answer goes."""

    runs: Annotated[tuple[OriginRun, ...], Field(max_length=MOST_RUNS)] = ()
    until: Count
    """How far it speaks: what is behind is asked for again."""


async def proven_leaves(
    runs: Iterable[OriginRun],
    wanted: AbstractSet[Leaf],
    *,
    publics: Callable[[str], Sequence[bytes]],
    verify: Verify,
) -> set[Leaf]:
    """Those of the wanted leaves that stand in a log whose head one of the origin's keys signed.

    A run that does not lead to such a head proves nothing. Whoever sends them does not decide what they cost: none is
    looked at that has no leaf which is still wanted, no place of a feed twice, and others have their turn in between.
    """
    left, seen = set(wanted), set[tuple[str, int]]()
    for run in runs:
        leaves = [run.leaves[at : at + HASH] for at in range(0, len(run.leaves), HASH)]
        found = left.intersection((run.origin, leaf) for leaf in leaves)
        if not found or (run.origin, run.first) in seen:
            continue
        seen.add((run.origin, run.first))
        if _leads_to_its_head(run, leaves, publics(run.origin), verify):
            left -= found
        if not left:
            break
        await asyncio.sleep(0)
    return set(wanted) - left


def _leads_to_its_head(run: OriginRun, leaves: Sequence[bytes], publics: Sequence[bytes], verify: Verify) -> bool:
    try:
        after, _ = Range.unpacked(run.first, run.stack).extended(leaves)
        head = signed_head(
            run.checkpoint, origin=feed_origin(run.origin, UP), publics=publics, verify=verify, at=run.first
        )
    except (BadPage, ValueError):
        return False
    return bool(leaves) and len(run.leaves) % HASH == 0 and (head.size, head.root) == (after.size, after.root())
