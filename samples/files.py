"""The files themselves: who sends them, of what rows they are made, in which shape and encoding."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

from creditmesh.schemas.catalogue import Item, Party
from creditmesh.schemas.identifiers import SubjectKind
from samples.dirt import By, Names, Soil
from samples.invented import Subject, Town
from samples.row import Row

Make = Callable[[Random, Subject, Party, str], Row]
SOILED = 2
"""How many rows have each kind of dirt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One sample file."""

    name: str
    item: Item
    party: Party
    rows: Sequence[Row]
    header: Literal["codes", "zh"] = "codes"
    encoding: Literal["utf-8", "utf-8-sig", "gb18030"] = "utf-8"
    renamed: dict[str, str] | None = None
    """Fields that this sender calls otherwise."""
    notices: tuple[str, ...] = ()
    """What the node says of it, for it does not read all of it."""

    @property
    def content_type(self) -> str:
        """What to send it as."""
        if self.name.endswith(".ndjson"):
            return "application/x-ndjson"
        return f"text/csv; charset={self.encoding.removesuffix('-sig')}"

    def write(self, folder: Path) -> None:
        """Write it."""
        text = self._lines() if self.name.endswith(".ndjson") else self._table()
        (folder / self.name).write_bytes(text.encode(self.encoding))

    def _called(self, code: str) -> str:
        spelling = code if self.header == "codes" else self.item.field(code).name_zh
        return (self.renamed or {}).get(code, spelling)

    def _table(self) -> str:
        codes = [spec.code for spec in self.item.fields]
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\r\n")
        table.writerow(map(self._called, codes))
        table.writerows([row.fields.get(code, "") for code in codes] for row in self.rows)
        return text.getvalue()

    def _lines(self) -> str:
        order = {spec.code: place for place, spec in enumerate(self.item.fields)}
        return "".join(
            json.dumps(
                {
                    self._called(code) if code in order else code: row.fields[code]
                    for code in sorted(row.fields, key=lambda code: order.get(code, len(order)))
                },
                ensure_ascii=False,
            )
            + "\n"
            for row in self.rows
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pile:
    """What a file of departments' rows is made from."""

    random: Random
    town: Town
    party: Party
    make: Make
    names: Names
    stranger: str
    series: str
    """What the numbers of the decisions begin with."""

    def rows(self, clean: int, dirt: Sequence[tuple[Soil, SubjectKind | None]], told: Sequence[Row] = ()) -> list[Row]:
        """Clean and soiled rows, shuffled; then some again, as they were, changed, or under another's name."""
        numbers = iter(range(1, 10_000))
        rows = [self._row(next(numbers), None) for _ in range(clean)]
        self._branches(rows)
        rows += [self._soiled(next(numbers), soil, kind) for soil, kind in dirt for _ in range(SOILED)]
        rows += told
        self.random.shuffle(rows)
        for _ in range(SOILED):
            for again in (self._repeated, self._corrected, self._shared_number):
                place = self.random.randrange(len(rows) // 2)
                while rows[place].dirt or rows[place].told:
                    place += 1
                rows.insert(self.random.randrange(place + 1, len(rows) + 1), again(rows[place]))
        return rows

    def _row(self, number: int, kind: SubjectKind | None) -> Row:
        subject = self.town.someone(self.random, kind)
        return self.make(self.random, subject, self.party, f"{self.series}〔{{}}〕{number:04d}号")

    def _soiled(self, number: int, soil: Soil, kind: SubjectKind | None) -> Row:
        row = self._row(number, kind)
        soil(row, By(self.names, self.random, self.stranger))
        row.dirt = soil.__name__
        return row

    def _branches(self, rows: Sequence[Row]) -> None:
        for row in rows[::12]:
            for code in self.party.issues_for[:1]:
                row.fields[self.names.issuer] = code
                row.dirt = "issued_by_a_branch"

    def _repeated(self, row: Row) -> Row:
        row.dirt = "sent_again_below"
        copy = row.copy()
        copy.dirt = "repeated"
        copy.becomes("unchanged", ("repeated", ""))
        return copy

    def _corrected(self, row: Row) -> Row:
        row.dirt = "sent_again_below"
        copy = row.copy()
        copy.fields["BZ"] = "更正：补充备注"
        copy.dirt = "same_number_new_content"
        copy.becomes("corrected")
        return copy

    def _shared_number(self, row: Row) -> Row:
        row.dirt = "shares_its_number"
        other = self._row(0, None)
        while other.fields[self.names.name] == row.fields[self.names.name]:
            other = self._row(0, None)
        other.fields[self.names.number] = row.fields[self.names.number]
        other.dirt = "same_number_another_subject"
        return other
