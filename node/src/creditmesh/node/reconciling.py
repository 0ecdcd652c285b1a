"""What this node holds of a peer, compared with what the peer's feed says, and repaired: for an operator.

The exchange says what the feed says of records, ingestion whether its copies are that. The feed is asked before and
after: where it said the same, what was found between is so, however busy the node is; else it is looked again.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from creditmesh.node.named import node_code
from creditmesh.node.operator import Operator

HEADS = ("feed", "of", "here", "there", "heads")
COUNTS = ("item", "equal", "missing", "differing", "shown", "unreadable", "not in the feed", "kept back", "under way")
FOUND = ("record", "item", "difference", "repaired")
MOST_LISTED = 200
"""Differing records that are named; all are counted, and repaired."""
_EXTRA, _KEPT_BACK, _UNDER_WAY = "not in the feed", "kept back", "under way"
_LOOKS, _SECONDS = 120, 0.5
Said = Mapping[str, Any]


@dataclass
class Report:
    """What was found of a peer."""

    heads: list[tuple[str, ...]] = field(default_factory=list)
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    """By item."""
    found: list[tuple[str, ...]] = field(default_factory=list)
    """The first of those that differ, by `FOUND`."""
    equal: bool = True
    """Whether all could be compared, and what differed was repaired."""

    def rows(self) -> list[tuple[str, ...]]:
        """The counts by `COUNTS`."""
        return [(item, *(str(counted[name]) for name in COUNTS[1:])) for item, counted in sorted(self.counts.items())]

    def count(self, item: str | None, name: str) -> None:
        """One more record of this item stands so."""
        self.counts.setdefault(item or "-", Counter())[name] += 1


class Reconciling:
    """The comparison of one peer, and what it finds."""

    def __init__(self, operator: Operator, peer: str, *, repair: bool) -> None:
        self._operator = operator
        self._peer = node_code(peer)
        self._feed = f"/v1/admin/feeds/{self._peer}/up"
        self._repairs = repair
        self.report = Report()

    def heads(self) -> bool:
        """Compare the heads of all feeds with the peer; whether it sends records here."""
        heads = self._exchange("GET", f"/v1/admin/feeds/{self._peer}/heads")["items"]
        for each in heads:
            there = "-" if each["there"] is None else str(each["there"])
            row = each["feed"], each["node"], str(each["here"]), there, each["heads"].replace("_", " ")
            self.report.heads.append(row)
            self.report.equal = self.report.equal and each["heads"] in {"equal", "under_way"}
        return any(each["node"] == self._peer and each["feed"] == "up" for each in heads)

    def records(self) -> Iterator[tuple[int, int]]:
        """Compare the records that the peer's feed says something of: (entries looked through, of so many)."""
        after, size = 0, -1
        while after != size:
            page = self._exchange("GET", f"{self._feed}/said?after={after}")
            self._settle(page["items"])
            after, size = page["until"], page["size"]
            yield after, size

    def extra(self) -> Iterator[int]:
        """Find the copies that are shown here and that no feed says anything of: so many were looked through."""
        looked, cursor = 0, ""
        while cursor is not None:
            page = self._ingestion("GET", f"/v1/admin/copies/{self._peer}" + (cursor and f"?cursor={cursor}"))
            items, cursor = {each["record"]: each["item"] for each in page["items"]}, page["next"]
            for records in _some_of(list(items)):
                extra = self._exchange("POST", "/v1/admin/feeds/unsaid", {"records": records})["records"]
                if extra and self._repairs:
                    self._ingestion("POST", "/v1/admin/copies/withheld", {"records": extra})
                for record in extra:
                    self._note(record, items[record], _EXTRA, repaired=self._repairs)
            looked += len(items)
            yield looked

    def _settle(self, said: list[Said]) -> None:
        """Compare these until it is known of each how it stands, and repair those that differ."""
        for look in range(_LOOKS):
            differing, said = self._look(said)
            repaired = self._repaired(differing) if self._repairs else set()
            for record, compared in differing.items():
                self._note(record, compared["item"], compared["difference"], repaired=record in repaired)
            if not said:
                return
            if look:
                time.sleep(_SECONDS)
        for _ in said:
            self.report.count(None, _UNDER_WAY)
        self.report.equal = False

    def _look(self, said: list[Said]) -> tuple[dict[str, Said], list[Said]]:
        """Those that differ, and those that are to be looked at again; the others are counted."""
        compared = self._compared(said)
        differing = {record: each for record, each in compared.items() if each["difference"] is not None}
        before = {each["record"]: each for each in said}
        again = {each["record"]: each for each in self._said(
            [record for record, each in before.items() if record in differing or each["saying"] == "under_way"]
        )}  # fmt: skip
        moved = {record for record, each in again.items() if each != before[record]}
        moved |= {record for record, each in again.items() if each["saying"] == "under_way"}
        for record, each in before.items():
            if record in moved or record in differing:
                continue
            if record in compared and each["saying"] == "comparable":
                self.report.count(compared[record]["item"], "equal")
            elif each["saying"] != "under_way":
                self.report.count(None, _KEPT_BACK)
        return {r: each for r, each in differing.items() if r not in moved}, [again[record] for record in moved]

    def _repaired(self, differing: Mapping[str, Said]) -> set[str]:
        """Have these told anew; those that are equal then, or of which nothing is shown because this is refused now.

        What began to wait meanwhile was not told: what differs stands beneath it.
        """
        untold = sorted(record for record, each in differing.items() if each["difference"] != "unreadable")
        told = set[str]()
        while untold:
            answer = self._exchange("POST", f"{self._feed}/told", {"records": untold})
            told.update(answer["told"])
            told.update(record for record in answer["withheld"] if differing[record]["difference"] == "shown")
            untold = answer["left"]
        left = set(told)
        for _ in range(_LOOKS):
            if not left:
                break
            said = self._said(left)
            left -= {record for record, each in self._compared(said).items() if each["difference"] is None}
            left -= {each["record"] for each in said if each["saying"] == "kept_back"}
            if left:
                time.sleep(_SECONDS)
        return told - left

    def _note(self, record: str, item: str | None, difference: str, *, repaired: bool) -> None:
        self.report.count(item, difference)
        self.report.equal = self.report.equal and repaired
        if len(self.report.found) < MOST_LISTED:
            self.report.found.append((record, item or "-", difference, "yes" if repaired else "no"))

    def _compared(self, said: Iterable[Said]) -> dict[str, Said]:
        comparable = [each for each in said if each["saying"] in {"comparable", "waits"}]
        if not comparable:
            return {}
        found = self._ingestion("POST", "/v1/admin/copies/compared", {"said": comparable})
        return {each["record"]: each for each in found["items"]}

    def _said(self, records: Iterable[str]) -> list[Said]:
        wanted = sorted(records)
        if not wanted:
            return []
        found: list[Said] = self._exchange("POST", f"{self._feed}/said", {"records": wanted})["items"]
        return found

    def _exchange(self, method: str, path: str, body: Any = None) -> Any:
        return self._operator.call("exchange", method, path, body)

    def _ingestion(self, method: str, path: str, body: Any = None) -> Any:
        return self._operator.call("ingestion", method, path, body)


def _some_of(records: list[str]) -> Iterator[list[str]]:
    return (records[first : first + 200] for first in range(0, len(records), 200))
