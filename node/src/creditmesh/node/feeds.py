"""The feeds of this node and its copies of its peers', as its exchange tells them to the operator."""

from collections.abc import Iterator
from typing import Any

from creditmesh.node.named import feed_name, node_code
from creditmesh.node.operator import Operator
from creditmesh.schemas.received import waiting_line

COLUMNS = ("peer", "feed", "size", "state")
_PATH = "/v1/admin/feeds"


def listed(operator: Operator) -> list[tuple[str, ...]]:
    """Every feed: whose it is (`-`: this node's own), how many entries are had, and why a copy stands still."""
    return [
        (each["peer"] or "-", each["feed"], str(each["size"]), each["alarm"] or "; ".join(["ok", *_waits(each)]))
        for each in operator.call("exchange", "GET", _PATH)["items"]
    ]


def _waits(feed: dict[str, Any]) -> Iterator[str]:
    if feed["size"] < (feed["announced"] or 0):
        yield f"catching up {feed['size']}/{feed['announced']}"
    if feed["waiting"]:
        yield waiting_line(feed["waiting"], feed["unknown"])
    if refused := feed["refused"]:
        reasons = ", ".join(f"{code} {many}" for code, many in refused.items())
        yield f"refused here: {reasons} (`feeds offer {feed['peer']} {feed['feed']}` when their reason is gone)"


def resume(operator: Operator, peer: str, feed: str) -> None:
    """Let a stopped copy go on from where it stands; NodeError if it is not stopped."""
    operator.call("exchange", "POST", f"{_of(peer, feed)}/resume")


def _of(peer: str, feed: str) -> str:
    return f"{_PATH}/{node_code(peer)}/{feed_name(feed)}"


def offer(operator: Operator, peer: str, feed: str) -> int:
    """Have this node judge anew what it refused of a copy; how many entries."""
    offered, after, place = 0, 0, _of(peer, feed)
    while after is not None:
        said = operator.call("exchange", "POST", f"{place}/offer?after={after}")
        offered, after = offered + said["offered"], said["next"]
    return offered
