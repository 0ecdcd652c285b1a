"""What makes started nodes a chain: one legal date, the catalogue of each, and each knowing its neighbours."""

import time
from collections.abc import Mapping
from datetime import date

import httpx

from creditmesh.chassis.clock import Clock
from creditmesh.node import run_files
from creditmesh.node.operator import Operator
from creditmesh.node.sample_files import samples
from creditmesh.node.sandbox.chain import neighbours
from creditmesh.node.sandbox.node import SandboxNode
from creditmesh.schemas.identifiers import NodeCode

CATALOGUE = "catalogue"


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
    number: int = httpx.get(f"{operator}/health/ready", timeout=5).json()["catalogue"]
    return number
