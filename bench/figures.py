"""What a part of the bench hands back: a table for the eye and the same figures for the file."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table as Printed


@dataclass
class Table:
    """Rows of figures under one title. `samples` are the single measurements behind them, for the file alone."""

    title: str
    rows: list[dict[str, str | float | None]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    samples: dict[str, Any] = field(default_factory=dict)

    def show(self, console: Console) -> None:
        """Print it."""
        printed = Printed(title=self.title, title_justify="left", title_style="bold")
        columns = list(dict.fromkeys(name for row in self.rows for name in row))
        for name in columns:
            printed.add_column(name, justify="left" if name == columns[0] else "right")
        for row in self.rows:
            printed.add_row(*(_text(row.get(name)) for name in columns))
        console.print(printed)
        for note in self.notes:
            console.print(f"  {note}", style="dim", highlight=False)


def centile(values: Sequence[float], part: float) -> float:
    """The value below which that part of them lies, by the nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def spread(values: Sequence[float], form: str = ".2f") -> str:
    """The median, and the least and the greatest."""
    return f"{median(values):{form}} ({min(values):{form}}-{max(values):{form}})"


def _text(value: str | float | None) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case int():
            return f"{value:,}"
        case _:
            return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
