"""The threat model names controls and tests: they are there."""

import re
from pathlib import Path

import pytest

from creditmesh.chassis.http.server.protocol import HEAD_SECONDS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("|") and not line.startswith(("| threat", "|---"))
]
TESTS = sorted(set(re.findall(r"`(tests/[\w/.]+)::(\w+)`", PAGE)))


@pytest.mark.parametrize(("path", "name"), TESTS)
def test_every_test_that_is_named_exists(path: str, name: str):
    assert re.search(rf"^ *(async )?def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_every_threat_has_a_control_a_place_and_a_test(row: list[str]):
    threat, control, where, tests = row
    assert threat
    assert control
    places = re.findall(r"`([^`]+)`", where)
    assert places
    assert [place for place in places if not (ROOT / place).is_file()] == []
    assert re.search(r"`tests/[\w/.]+::test_\w+`", tests)


def test_the_page_is_read():
    assert len(ROWS) > 30
    assert len(TESTS) > 60


def test_the_seconds_of_headers_are_those_of_the_listener():
    seconds = f"{HEAD_SECONDS:g} s"
    running = (ROOT / "docs" / "guide" / "running.md").read_text(encoding="utf-8")
    assert f"timed ({seconds})" in PAGE
    assert f"silent ones for {seconds}," in PAGE
    assert f"| first line and headers | {seconds};" in running
