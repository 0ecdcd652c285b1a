"""What every command shares: the console, the settings, the operator's side, and how an error is said."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from creditmesh.node.errors import NodeError
from creditmesh.schemas.output import to_any_code_page, write_document

if TYPE_CHECKING:
    from creditmesh.chassis.settings import NodeSettings
    from creditmesh.node.operator import Operator

out = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
"""What is written stands there as it is: a key is copied whole, and no value is read as markup."""
_ANY = 1_000_000
"""As wide as any table."""


class Program(typer.Typer):
    """A program of the node's: it writes in any code page."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Run it."""
        to_any_code_page()
        return super().__call__(*arguments, **options)


def print_document(text: str) -> None:
    """A text that another program reads."""
    write_document(text, out.file)


def print_json(document: Any) -> None:
    """A document for a program."""
    print_document(json.dumps(document, ensure_ascii=False))


@contextmanager
def plainly() -> Iterator[None]:
    """An error that was raised on purpose is a line for the person at the console, and exit code 2."""
    from creditmesh.chassis.errors import MeshError

    try:
        yield
    except (NodeError, MeshError) as error:
        err.print(str(error), style="red")
        raise typer.Exit(2) from error
    except OSError as error:
        if error.filename is None:
            raise
        err.print(f"{error.filename}: {error.strerror} / 无法读写该文件", style="red")
        raise typer.Exit(2) from error


def node_settings() -> "NodeSettings":
    """The settings of this process, read anew."""
    from creditmesh.node.settings import read_settings

    return read_settings()


def node_operator() -> "Operator":
    """The operator's side of this node."""
    from creditmesh.node.operator import Operator

    return Operator(node_settings().state)


def show_table(names: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """A table where it fits, else a block of `name: value` for each row: an id is never cut, nor folded.

    Where nobody looks, a line of values between tabs for each row, the names first.
    """
    if not out.is_terminal:
        typer.echo("\n".join("\t".join(" ".join(cell.split()) for cell in each) for each in (names, *rows)))
        return
    table = Table(*names)
    for row in rows:
        table.add_row(*row)
    if not rows or Measurement.get(out, out.options.update(width=_ANY), table).maximum <= out.width:
        out.print(table, soft_wrap=False)
        return
    for row in rows:
        for name, value in zip(names, row, strict=True):
            out.print(f"{name}: {value}")
        out.print()
