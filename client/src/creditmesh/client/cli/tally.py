"""Counts verdicts as they come, and shows what became of a file: how many rows, why, and which ones for example."""

from collections import Counter
from dataclasses import dataclass, field

from rich.table import Table
from rich.text import Text

from creditmesh.client.cli import say
from creditmesh.client.cli.words import VALUES
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.verdicts import Verdict, VerdictWord

_WORDS = VALUES[VerdictWord]
_STYLES = {"accepted": "green", "unchanged": "dim", "corrected": "cyan", "held": "yellow", "refused": "red"}
"""The verdicts as they are counted, the worst last."""
_NOTICED = ("superseded", "record_ended")
"""Reasons that a file which is exported whole every day has again and again: told apart, and nothing to mend."""
_EXAMPLES = 5
_MOST_REASONS = 12


@dataclass(slots=True)
class _Seen:
    reason: FieldError
    count: int = 0
    rows: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    """Where these rows begin in the file, if it has lines."""

    @property
    def places(self) -> list[str]:
        """The rows, each with its line."""
        if not self.lines:
            return [str(row) for row in self.rows]
        return [f"{row} ({line})" for row, line in zip(self.rows, self.lines, strict=True)]


@dataclass(slots=True)
class Tally:
    """What became of the rows so far."""

    counts: Counter[str] = field(default_factory=Counter)
    reasons: dict[tuple[str, FieldError], _Seen] = field(default_factory=dict)
    notices: dict[FieldError, None] = field(default_factory=dict)
    """What of the file was not read, each once."""

    def add(self, verdict: Verdict) -> None:
        """Count one row."""
        self.counts[verdict.verdict] += 1
        self.notices |= dict.fromkeys(verdict.notices)
        for reason in verdict.reasons:
            seen = self.reasons.setdefault((verdict.verdict, reason), _Seen(reason))
            seen.count += 1
            if len(seen.rows) < _EXAMPLES:
                seen.rows.append(verdict.row)
                seen.lines += [] if verdict.line is None else [verdict.line]

    @property
    def rows(self) -> int:
        """The rows that have a verdict."""
        return self.counts.total()

    @property
    def noticed(self) -> dict[str, int]:
        """How many rows say what a record said before, or what an ended one did: nobody meant to send those."""
        found = {reason.code: 0 for _, reason in self.reasons if reason.code in _NOTICED}
        for (_, reason), seen in self.reasons.items():
            if reason.code in found:
                found[reason.code] += seen.count
        return found

    def document(self) -> dict[str, object]:
        """The same for programs."""
        return {
            "rows": self.rows,
            **{verdict: self.counts[verdict] for verdict in _STYLES},
            "noticed": self.noticed,
            "reasons": [
                {"verdict": verdict, **seen.reason.model_dump(), "count": seen.count, "rows": seen.rows}
                | ({"lines": seen.lines} if seen.lines else {})
                for verdict, seen in self._most()
            ],
            "notices": [notice.model_dump() for notice in self.notices],
        }

    def tables(self) -> list[Table]:
        """The same for people."""
        return [self._counted(), *([self._reasoned()] if self.reasons else [])]

    def _most(self) -> list[tuple[str, _Seen]]:
        order = list(_STYLES)[::-1]
        found = [(verdict, seen) for (verdict, _), seen in self.reasons.items()]
        return sorted(found, key=lambda one: (order.index(one[0]), -one[1].count))

    def _counted(self) -> Table:
        table = say.columns("结果", "verdict", "行数 rows", right=2)
        for verdict, style in _STYLES.items():
            if self.counts[verdict]:
                table.add_row(_WORDS[verdict], verdict, f"{self.counts[verdict]:,}", style=style)
        table.add_row("合计", "in all", f"{self.rows:,}", style="bold")
        return table

    def _reasoned(self) -> Table:
        table = say.columns("行数 rows", "verdict", "字段 field", "原因 reason", "例如行 e.g. row (line)", right=0)
        most = self._most()
        for verdict, seen in most[:_MOST_REASONS]:
            text = Text(f"{seen.reason.detail_zh}\n{seen.reason.detail} [{seen.reason.code}]")
            rows = ", ".join(seen.places) + (" …" if seen.count > len(seen.rows) else "")
            table.add_row(f"{seen.count:,}", verdict, seen.reason.pointer, text, rows, style=_STYLES[verdict])
        if len(most) > _MOST_REASONS:
            table.add_row("…", "", "", Text("其余见 --verdicts 文件 / the others are in the --verdicts file"), "")
        return table
