"""After a restored database, for an operator: the node's own entries fetched back from who verified them."""

import itertools
import time
from collections.abc import Iterator
from typing import Any

from creditmesh.node.errors import NodeError
from creditmesh.node.operator import Operator

NAMES = ("feed", "index", "record", "rev", "change", "item", "party", "kind", "code", "why")
_FEEDS = "/v1/admin/feeds"
_LOOKS, _SECONDS = 60, 0.5


def restore(operator: Operator, failed: dict[str, NodeError]) -> Iterator[tuple[str, str, int, int]]:
    """Fetch back each feed of the node that is behind, page by page: (feed, peer, size so far, what the peer holds).

    Records first; a feed that cannot be fetched, because nobody who reads it answers, holds up no other: it is put into
    `failed`.
    """
    names = [each["feed"] for each in operator.call("exchange", "GET", _FEEDS)["items"] if each["peer"] is None]
    for feed in sorted(names, key=lambda name: (name != "up", name)):
        try:
            while (page := _page(operator, feed))["peer"] is not None:
                yield feed, page["peer"], page["size"], page["holds"]
        except NodeError as error:
            failed[feed] = error


def look(operator: Operator, feed: str) -> dict[str, Any]:
    """What stands in a feed beside what a reader holds of it; nothing is changed."""
    said: dict[str, Any] = operator.call("exchange", "GET", f"{_FEEDS}/{feed}/second-history")
    return said


def set_aside(operator: Operator, feed: str, head: str) -> None:
    """Set that aside, up to the head that was told; once more it does nothing."""
    operator.call("exchange", "POST", f"{_FEEDS}/{feed}/second-history", {"head": head})


def missing(operator: Operator) -> list[tuple[str, ...]]:
    """What came back as entries alone, by `NAMES`; for a while it waits for what is being made again."""
    return [tuple("-" if row[name] is None else str(row[name]) for name in NAMES) for row in _listed(operator)]


def dismiss(operator: Operator, feed: str, index: int) -> None:
    """Take an entry from what is missing."""
    operator.call("exchange", "DELETE", f"{_FEEDS}/{feed}/restored/{index}")


def end(operator: Operator, feed: str, index: int) -> None:
    """End a record everywhere of which nothing is here but its entries."""
    operator.call("exchange", "POST", f"{_FEEDS}/{feed}/restored/{index}/end")


def _listed(operator: Operator) -> Iterator[dict[str, Any]]:
    """The list, read once: at what is being made again it waits, and reads on from there."""
    cursor: str | None = ""
    looks = 0
    while cursor is not None:
        page = operator.call("exchange", "GET", f"{_FEEDS}/restored" + (f"?cursor={cursor}" if cursor else ""))
        settled = list(itertools.takewhile(lambda row: row["why"] is not None, page["items"]))
        if len(settled) == len(page["items"]) or looks == _LOOKS:
            yield from page["items"]
            cursor = page["next"]
            continue
        yield from settled
        cursor = f"{settled[-1]['feed']}/{settled[-1]['index']}" if settled else cursor
        looks += 1
        time.sleep(_SECONDS)


def _page(operator: Operator, feed: str) -> dict[str, Any]:
    page: dict[str, Any] = operator.call("exchange", "POST", f"{_FEEDS}/{feed}/restore")
    return page
