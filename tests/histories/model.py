"""What must be so: the records that were acknowledged, how each stands, and what their origin may have said of them."""

from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

State = Literal["published", "repaired", "withdrawn"]
CHANGING = "changing_penalty"
"""An item of the nation's that is narrowed, withdrawn and published again; that of the other records stays."""
CONTENT = frozenset({"accepted", "corrected", "reopened"})
ENDED = frozenset({"repaired", "withdrawn"})


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How a record stands after one of its revisions."""

    change: str
    state: str
    mark: str | None


def after(before: Standing | None, change: str, *, decides: bool = False) -> Standing:
    """What a change makes of a record; `decides`: of a discharge, whether it decides what the record is marked for."""
    if before is None:
        assert change == "accepted"
        return Standing(change=change, state="published", mark=None)
    state = {"repaired": "repaired", "withdrawn": "withdrawn", "reopened": "published"}.get(change, before.state)
    mark = {"marked": "disputed", "unmarked": None}.get(change, before.mark)
    if change in ENDED or (change == "discharged" and decides):
        mark = None if decides else before.mark
    return Standing(change=change, state=state, mark=mark)


@dataclass(kw_only=True)
class Case:
    """A case that was filed about a record, by its subject or by whom it names."""

    id: str
    kind: Literal["objection", "repair"]
    by: Literal["subject", "boss"]
    decided: bool = False
    ended: bool = False
    """Whether what it brought about ended the record, and stands."""
    revoked: bool = False


@dataclass(kw_only=True)
class Record:
    """One record of the history: a penalty on the organisation of its number, which names the person of its number."""

    number: int
    origin: str
    id: str
    item: str
    row: dict[str, Any]
    history: list[Standing] = field(default_factory=list)
    """One for each revision that was acknowledged; the last is how it stands."""
    corrections: int = 0
    corrected_since: bool = False
    """Whether it was corrected since its open case was filed."""
    discharged: bool = False
    cases: list[Case] = field(default_factory=list)
    unsure: bool = False
    """Whether filing or deciding a case was interrupted, so that nobody knows how far that came."""

    @property
    def standing(self) -> Standing:
        return self.history[-1]

    @property
    def rev(self) -> int:
        return len(self.history)

    @property
    def ended(self) -> bool:
        return self.standing.state in ENDED

    @property
    def said_from(self) -> int:
        """The revision from which on everything has to be known for how it stands: its end, or its newest content."""
        if self.ended:
            return self.rev
        return max(rev for rev, each in enumerate(self.history, start=1) if each.change in CONTENT)

    @property
    def key(self) -> UUID:
        return UUID(self.id)

    def open_case(self, kind: str, *, by: str = "subject") -> Case | None:
        return next((each for each in self.cases if (each.kind, each.by) == (kind, by) and not each.decided), None)

    def became(self, change: str, *, decides: bool = False) -> None:
        self.history.append(after(self.history[-1] if self.history else None, change, decides=decides))

    def ended_at(self, rev: int) -> bool:
        """Whether it stood ended after that revision."""
        return self.history[rev - 1].state in ENDED

    def shown_by_none(self, rev: int) -> bool:
        """Whether nobody who knows that revision, or a later one, may show it: it ended, and was not opened since."""
        return self.ended_at(rev) and all(each.state in ENDED for each in self.history[rev - 1 :])


@dataclass
class Model:
    """All of them, by number."""

    records: dict[int, Record] = field(default_factory=dict)
    item: Literal["open", "narrowed", "withdrawn"] = "open"
    """What the nation says of the item that changes: shown, over by its shorter period, or out of the catalogue."""
    said: int = 0
    """How often the nation has said something of the item."""
    peers: int = 0
    """How often a peer was taken out, or in."""

    def shows(self, record: Record) -> bool:
        """Whether the record is shown where everything has come that was said of it."""
        return not record.ended and (record.item != CHANGING or self.item == "open")
