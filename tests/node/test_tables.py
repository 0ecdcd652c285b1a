"""What both commands print at a narrow terminal: nothing is cut, folded or read as markup; into a pipe go tabs."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from rich.console import Console
from typer.testing import CliRunner

from creditmesh.client.cli import say
from creditmesh.node.cli import app, console

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
    seen = Console(
        file=file, width=width, force_terminal=terminal, color_system=None, soft_wrap=True, emoji=False, markup=False
    )
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


KEY = "cm_" + "a" * 80
ODD = (KEY, "at [/records/0] missing", "list[int] :warning: [type=missing]")


@pytest.mark.parametrize("line", ODD)
@pytest.mark.parametrize("console_", [console.out, console.err, say.answers, say.notices], ids=["1", "2", "3", "4"])
def test_a_line_of_a_command_is_as_it_was_whatever_the_width_of_the_terminal(
    monkeypatch: pytest.MonkeyPatch, console_: Console, line: str
):
    monkeypatch.setenv("COLUMNS", "20")
    with console_.capture() as said:
        console_.print(line)
    assert said.get() == f"{line}\n"


@pytest.mark.parametrize(("width", "terminal"), [(20, True), (400, True), (20, False)])
def test_a_cell_of_a_table_is_no_markup(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int, *, terminal: bool
):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(console.out, "_force_terminal", terminal)
    monkeypatch.setenv("NO_COLOR", "1")
    console.show_table(("key", "error", "more"), [ODD])
    said = capsys.readouterr().out
    assert [value for value in ODD if value not in said] == []


def test_what_keys_create_prints_are_paths_that_can_be_copied(tmp_path: Path):
    state = tmp_path / "[red]" / ("a" * 60)
    done = CliRunner().invoke(app, ["keys", "create"], env={"COLUMNS": "20", "CREDITMESH_STATE": str(state)})
    assert done.exit_code == 0, done.output
    assert [line for line in done.stdout.splitlines() if not Path(line).is_file()] == []
    assert len(done.stdout.splitlines()) > 5
