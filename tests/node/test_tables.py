"""Tables of both commands at a narrow terminal: nothing is cut, no id is folded; into a pipe go values between tabs."""

from collections.abc import Callable
from io import StringIO
from uuid import uuid4

import pytest
from rich.console import Console

from creditmesh.client.cli import say
from creditmesh.node.cli import console

NAMES = ("record", "item", "party", "deleted", "pending")
ROWS = [(str(uuid4()), "administrative_penalty", "market_regulation", "false", "province nation") for _ in range(2)]


def by_the_node() -> None:
    console.show_table(NAMES, ROWS)


def by_the_client() -> None:
    table = say.columns(*NAMES)
    for row in ROWS:
        table.add_row(*row)
    say.table(table)


def shown(monkeypatch: pytest.MonkeyPatch, show: Callable[[], None], *, width: int, terminal: bool) -> str:
    file = StringIO()
    seen = Console(file=file, width=width, force_terminal=terminal, color_system=None, soft_wrap=True, emoji=False)
    monkeypatch.setattr(console, "out", seen)
    monkeypatch.setattr(say, "answers", seen)
    show()
    return file.getvalue()


@pytest.mark.parametrize("show", [by_the_node, by_the_client])
def test_where_a_table_does_not_fit_every_value_stands_whole_behind_its_name(
    monkeypatch: pytest.MonkeyPatch, show: Callable[[], None]
):
    lines = shown(monkeypatch, show, width=80, terminal=True).splitlines()
    for row in ROWS:
        assert [name for name, value in zip(NAMES, row, strict=True) if f"{name}: {value}" not in lines] == []
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("show", [by_the_node, by_the_client])
def test_where_it_fits_it_is_a_table(monkeypatch: pytest.MonkeyPatch, show: Callable[[], None]):
    said = shown(monkeypatch, show, width=200, terminal=True)
    assert any(all(value in line for value in ROWS[0]) for line in said.splitlines())
    assert "record:" not in said


def test_into_a_pipe_goes_a_line_of_values_between_tabs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    said = shown(monkeypatch, by_the_client, width=80, terminal=False)
    assert [tuple(line.split("\t")) for line in said.splitlines()] == [NAMES, *ROWS]
    shown(monkeypatch, by_the_node, width=80, terminal=False)
    assert capsys.readouterr().out == said
