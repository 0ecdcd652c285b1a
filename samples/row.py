"""One row of a sample file, and what the gate must say of it."""

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from creditmesh.schemas.identifiers import SubjectKind

BASE = date(2026, 11, 20)
"""The day the files were made up for: everything is dated relative to it."""

OPEN = "2099-12-31"
"""How departments write that there is no end."""

Verdict = Literal["accepted", "corrected", "unchanged", "held", "refused"]

CATEGORY: dict[SubjectKind, str] = {
    "natural_person": "自然人",
    "organisation": "法人及非法人组织",
    "sole_trader": "个体工商户",
}


@dataclass(slots=True)
class Row:
    """A row under construction: clean as it is made, then soiled."""

    fields: dict[str, str]
    ends: date | None
    """The first day on which the record is shown no more; None: open."""
    kind: SubjectKind
    verdict: Verdict = "accepted"
    reasons: list[tuple[str, str]] = field(default_factory=list)
    """Code and field; an empty field: the row as a whole."""
    dirt: str = ""
    """What was done to it."""
    told: bool = False
    """Whether it is one of the records that are told of."""

    def copy(self) -> "Row":
        """Another row of the same content."""
        return Row(dict(self.fields), self.ends, self.kind, dirt=self.dirt)

    def becomes(self, verdict: Verdict, *reasons: tuple[str, str]) -> None:
        """What the gate must say of it from now on."""
        self.verdict = verdict
        self.reasons.extend(reasons)
