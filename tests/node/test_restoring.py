"""What an operator is shown after a restore: the list of what is missing, read once, however long it changes."""

from typing import Any, cast

import pytest

from creditmesh.node import restoring
from creditmesh.node.operator import Operator
from creditmesh.node.restoring import NAMES

PAGE = 100


class Exchange:
    """The route of the list, as the service answers it; what is being made again is gone after so many looks."""

    def __init__(self, *, rows: int, making: dict[int, int]) -> None:
        self.rows, self.making = list(range(rows)), making
        self.asked: list[int] = []

    def call(self, service: str, method: str, path: str) -> dict[str, Any]:
        assert (service, method) == ("exchange", "GET")
        after = int(path.rpartition("/")[2]) if "cursor=" in path else -1
        self.asked.append(after)
        self.making = {index: looks - 1 for index, looks in self.making.items()}
        self.rows = [index for index in self.rows if self.making.get(index, 1) > 0]
        found = [index for index in self.rows if index > after]
        items = [self._row(index) for index in found[:PAGE]]
        return {"items": items, "next": f"up/{found[PAGE - 1]}" if len(found) > PAGE else None}

    def _row(self, index: int) -> dict[str, Any]:
        why = None if index in self.making else "content_gone"
        return dict.fromkeys(NAMES) | {"feed": "up", "index": index, "why": why}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restoring, "_SECONDS", 0.0)


def shown(exchange: Exchange) -> list[tuple[str, str]]:
    return [(row[1], row[-1]) for row in restoring.missing(cast("Operator", exchange))]


def test_the_list_is_read_once_and_waits_where_something_is_being_made_again():
    exchange = Exchange(rows=1000, making={950: 40})
    assert shown(exchange) == [(str(index), "content_gone") for index in range(1000) if index != 950]
    assert exchange.asked.count(-1) == 1
    assert len(exchange.asked) <= 50, "ten pages, and the last one until it is made again"


def test_what_is_on_its_way_for_too_long_is_shown_so():
    exchange = Exchange(rows=250, making={0: 10_000, 180: 10_000})
    assert [each for each in shown(exchange) if each[1] == "-"] == [("0", "-"), ("180", "-")]
    assert len(shown(Exchange(rows=0, making={}))) == 0
    assert exchange.asked.count(99) == 1
