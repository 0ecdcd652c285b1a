"""The chain that the sandbox stands for: which tier each node is, and who stands above and below it."""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from creditmesh.schemas.identifiers import NodeCode, Tier

CHAIN: tuple[NodeCode, ...] = ("city", "province", "nation")
"""The nodes' codes, from the lowest to the highest."""
TIERS: dict[NodeCode, Tier] = {"city": "city", "province": "province", "nation": "nation"}


class Neighbour(NamedTuple):
    """A peer as one node of the chain sees it."""

    code: NodeCode
    place: Literal["above", "below"]
    sends_for: tuple[NodeCode, ...]
    """The origins whose records it may send: its own and everybody's below it; of a node above, none."""


def neighbours(code: NodeCode, among: Sequence[NodeCode]) -> Iterator[Neighbour]:
    """Who stands next to a node among those that were started (in the order of the chain)."""
    place = among.index(code)
    if place > 0:
        yield Neighbour(among[place - 1], "below", tuple(among[:place]))
    if place + 1 < len(among):
        yield Neighbour(among[place + 1], "above", ())
