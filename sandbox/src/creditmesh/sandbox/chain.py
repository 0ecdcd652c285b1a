"""The chain: which tier each node is, who stands next to whom, and what makes started nodes one chain."""

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Literal, NamedTuple

from creditmesh.chassis.clock import Clock
from creditmesh.node import run_files
from creditmesh.node.operator import Operator, ask_readiness
from creditmesh.sandbox.node import SandboxNode
from creditmesh.sandbox.sample_files import samples
from creditmesh.schemas.identifiers import NodeCode, Tier

CATALOGUE = "catalogue"
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


def join(nodes: Mapping[NodeCode, SandboxNode]) -> None:
    """Set the date, publish the catalogues from the highest node down, enrol the neighbours, and wait for all of it."""
    offset = (date.fromisoformat(samples().base) - Clock().legal_date()).days
    for node in nodes.values():
        move_date(node.operator, offset)  # before anything is published: the samples' dates are days before it
    for node in reversed(list(nodes.values())):
        node.operator.call(CATALOGUE, "POST", "/v1/admin/catalogue", {"folder": None})
    if len(nodes) > 1:
        _enrol(nodes)
    for node in nodes.values():
        _all_follow(node)


def _enrol(nodes: Mapping[NodeCode, SandboxNode]) -> None:
    """Publish the row of every neighbour at each node: its keys from its own row, and where it stands from here."""
    own = {code: node.operator.call(CATALOGUE, "GET", "/v1/admin/peers")["own"] for code, node in nodes.items()}
    for code, node in nodes.items():
        for peer in neighbours(code, list(nodes)):
            placed = {"url": nodes[peer.code].url, "place": peer.place, "sends_for": peer.sends_for}
            node.operator.call(CATALOGUE, "POST", "/v1/admin/peers", {**own[peer.code], **placed})


def move_date(operator: Operator, offset_days: int) -> date:
    """Move a node's legal date, and wait until its catalogue goes by it; the day it is then."""
    moved = operator.call(CATALOGUE, "POST", "/v1/admin/clock", {"offset_days": offset_days})["legal_date"]
    while operator.call(CATALOGUE, "GET", "/v1/admin/clock")["legal_date"] != moved:
        time.sleep(0.02)
    return date.fromisoformat(moved)


def _all_follow(node: SandboxNode) -> None:
    """Wait until every process goes by what was published: the door refuses a party it does not know yet."""
    number = _followed(next(found.operator for found in _hosts(node) if CATALOGUE in found.services))
    while any(_followed(found.operator) < number for found in _hosts(node)):
        time.sleep(0.02)


def _hosts(node: SandboxNode) -> list[run_files.RunFile]:
    return [found for found in run_files.read(node.settings.state) if found.services]


def _followed(operator: str) -> int:
    number: int = ask_readiness(operator, seconds=5).json()["catalogue"]
    return number
