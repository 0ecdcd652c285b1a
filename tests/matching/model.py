"""What must be true of tasks and designations, in the smallest words: recomputed from scratch, with no code of ours.

Subjects are names (`firm0`, `person1`), records numbers, measures codes. Nothing is kept but what happened.
"""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta

LISTS = {"default": "black", "arrears": "grey", "honour": "red", "penalty": None}
MEASURES = {
    # lists, kinds of the listed, whether it reaches the responsible
    "bar": ({"black", "grey"}, {"firm", "person"}, False),
    "luxury": ({"black"}, {"firm"}, True),
    "lane": ({"red"}, {"firm", "person"}, True),
}
Task = tuple[int, str, str]
"""Record, whom it is for, measure."""


@dataclass(frozen=True)
class Record:
    """A record as its newest revision says it."""

    subject: str
    item: str
    boss: str | None
    begins: date
    ends: date
    state: str = "published"


@dataclass
class Model:
    """What happened so far."""

    today: date
    records: dict[int, Record] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)
    measures: set[str] = field(default_factory=lambda: set(MEASURES))
    answers: dict[Task, str] = field(default_factory=dict)

    lists: dict[str, str | None] = field(default_factory=lambda: dict(LISTS))
    """The list that an item in force names."""
    shown_for: dict[str, int] = field(default_factory=dict)
    """For how many months an item in force shows its records, where that was ever changed."""
    lasts: dict[str, int | None] = field(default_factory=dict)
    """For how many months a measure in force applies."""
    in_doubt: set[str] = field(default_factory=set)
    """Lists and measures in force that nobody has confirmed."""

    def revise(self, number: int, **change: object) -> None:
        self.records[number] = replace(self.records[number], **change)

    def days_pass(self, days: int) -> None:
        self.today += timedelta(days=days)

    def visible(self, record: Record) -> bool:
        on_show = record.begins <= self.today < record.ends
        if record.item in self.shown_for:
            on_show = on_show and self.today < months_after(record.begins, self.shown_for[record.item])
        return record.state == "published" and on_show and record.item not in self.withdrawn

    def on_list(self, code: str) -> set[int]:
        return {n for n, each in self.records.items() if self.lists[each.item] == code and self.visible(each)} - (
            self.records.keys() if code in self.in_doubt else set()
        )

    def designations(self, who: str) -> set[tuple[int, str]]:
        """Record and role, of every list."""
        found = set()
        for number, record in self.records.items():
            code = self.lists[record.item]
            if code is None or code in self.in_doubt or not self.visible(record):
                continue
            if record.subject == who:
                found.add((number, "listed"))
            elif record.boss == who and code != "red":
                found.add((number, "responsible"))
        return found

    def applies(self) -> set[Task]:
        """Every measure that applies to somebody today."""
        found = set()
        for number, record in self.records.items():
            for code in self.measures if self.visible(record) else ():
                lists, kinds, reaches = MEASURES[code]
                ends = self.lasts.get(code) and months_after(record.begins, self.lasts[code])
                if {code, self.lists[record.item]} & self.in_doubt or (ends and ends <= self.today):
                    continue
                if self.lists[record.item] not in lists or record.subject[:-1] not in kinds:
                    continue
                found.add((number, record.subject, code))
                if reaches and record.boss is not None and self.lists[record.item] != "red":
                    found.add((number, record.boss, code))
        return found

    def tasks(self, state: str) -> set[Task]:
        applies = self.applies()
        match state:
            case "open":
                return {task for task in applies if self.answers.get(task) in {None, "lifted"}}
            case "answered":
                return {task for task in applies if self.answers.get(task) in {"applied", "not_executed"}}
            case "withdrawn":
                return {task for task, word in self.answers.items() if word == "applied" and task not in applies}
            case _:
                return {task for task, word in self.answers.items() if word == "lifted" and task not in applies}


def months_after(day: date, months: int) -> date:
    """Written anew here: the same day of a later month, or its last."""
    while months:
        first = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
        last = (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        months -= 1
        day = first.replace(day=min(day.day, last.day))
    return day
