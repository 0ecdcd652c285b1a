"""After a restored database, for an operator: the node's own entries fetched back from who verified them."""

from collections.abc import Iterator
from typing import Any

from creditmesh.node.operator import Operator

_FEEDS = "/v1/admin/feeds"


def restore(operator: Operator) -> Iterator[tuple[str, str, int, int]]:
    """Fetch back each feed of the node that is behind, page by page: (feed, peer, size so far, what the peer holds)."""
    for feed in [each["feed"] for each in operator.call("exchange", "GET", _FEEDS)["items"] if each["peer"] is None]:
        while (page := _page(operator, feed))["peer"] is not None:
            yield feed, page["peer"], page["size"], page["holds"]


def missing(operator: Operator) -> list[tuple[str, ...]]:
    """What came back as entries alone, of each record the newest: feed, record, revision, change, item, party."""
    listed = operator.call("exchange", "GET", f"{_FEEDS}/restored")["items"]
    names = ("feed", "record", "rev", "change", "item", "party")
    return [tuple("-" if each[name] is None else str(each[name]) for name in names) for each in listed]


def _page(operator: Operator, feed: str) -> dict[str, Any]:
    page: dict[str, Any] = operator.call("exchange", "POST", f"{_FEEDS}/{feed}/restore")
    return page
