"""A table as an office exports it from a spreadsheet: the dirt is the file's, and some of it the rows' with it."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random

from creditmesh.schemas.catalogue import Item, Party
from samples import penalties
from samples.files import File
from samples.invented import Town
from samples.row import BASE, Row

SEED = 20261121
_TITLE = "示例市交通运输局行政处罚信息公示表（2026年11月）"
_OWN = ("序号", "ADD_TIME")
"""Columns of the office's own system."""
_LONG = "CF_SY"
"""The field with the text that is damaged."""

Spoil = Callable[[str, Row], bytes]


def whole(line: str, _row: Row) -> bytes:
    """As it is written."""
    return line.encode("gb18030")


def ends_early(line: str, _row: Row) -> bytes:
    """Accepted: the delimiters of the empty cells at the end are left away."""
    return f"{line.rstrip().rstrip(',')}\r\n".encode("gb18030")


def over_lines(line: str, row: Row) -> bytes:
    """Accepted: a text of two lines, in quotes."""
    text = row.fields[_LONG]
    row.fields[_LONG] = f"{text}\n经查属实"
    return line.replace(text, f'"{row.fields[_LONG]}"').encode("gb18030")


def quote_without_end(line: str, row: Row) -> bytes:
    """Refused: a text that begins with a quote; read loosely it would take in the next row."""
    row.becomes("refused", ("malformed_row", ""))
    return line.replace(row.fields[_LONG], f'"{row.fields[_LONG]}').encode("gb18030")


def quote_without_beginning(line: str, row: Row) -> bytes:
    """Refused: a text that ends with a quote, in the row after a text that begins with one."""
    row.becomes("refused", ("malformed_row", ""))
    return line.replace(row.fields[_LONG], f'{row.fields[_LONG]}"').encode("gb18030")


def half_a_character(line: str, row: Row) -> bytes:
    """Refused: a column of so many bytes has cut the text in the middle of a character."""
    row.becomes("refused", ("bad_encoding", ""))
    text = row.fields[_LONG].encode("gb18030")
    return line.encode("gb18030").replace(text, text[:-1])


def in_another_encoding(line: str, row: Row) -> bytes:
    """Refused: pasted in from a file in UTF-8."""
    row.becomes("refused", ("bad_encoding", ""))
    return line.encode()


def header_again(line: str, row: Row) -> bytes:
    """Refused: two months' tables, one under the other."""
    row.becomes("refused", ("header_again", ""))
    return line.encode("gb18030")


def in_words(line: str, row: Row) -> bytes:
    """Accepted: an instant for a day, no end in words, an amount with its unit, a kind as another standard has it."""
    spoken = {"CF_JDRQ": f"{row.fields['CF_JDRQ']}T09:30:00+08:00", "CF_YXQ": "长期", "CF_NR_FK": "贰仟元整"}
    (cells,) = csv.reader([line])
    told = {row.fields[code]: text for code, text in spoken.items()}
    return _line([told.get(cell, "其它（责令改正）;罚款" if cell == "罚款" else cell) for cell in cells]).encode(
        "gb18030"
    )


_SPOILS: Sequence[Spoil] = (
    whole,
    ends_early,
    over_lines,
    quote_without_end,
    quote_without_beginning,
    whole,
    half_a_character,
    in_another_encoding,
    in_words,
    header_again,
    whole,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported(File):
    """The file; its rows are said of when it is written."""

    lines: Sequence[bytes]

    @classmethod
    def made(cls, people: Town, item: Item, party: Party) -> "Exported":
        """Rows of each kind of dirt under a title, a header with marks, and blank rows between."""
        random, rows, columns = Random(SEED), [], [spec.code for spec in item.fields]
        names = [f"{spec.name_zh.replace('_', '-')}{'（必填）' if spec.required else ''}" for spec in item.fields]
        lines = [whole(f"{_TITLE}\r\n\r\n", _none()), whole(_line([*_OWN, *names]), _none())]
        for number, spoil in enumerate(_SPOILS * 2, 1):
            row = _none() if spoil is header_again else _row(random, people, party, number)
            text = [*_OWN, *names] if spoil is header_again else [str(number), "2026-11-19 23:59:59"]
            text += [] if spoil is header_again else [row.fields.get(code, "") for code in columns]
            lines.append(spoil(_line(text), row))
            row.dirt = "" if spoil is whole else spoil.__name__
            rows.append(row)
            if number % 5 == 0:
                lines.append(whole(_line(["　", *[""] * (len(columns) + 1)]), row))
        lines.append(b"\x1a")
        return cls(
            name="penalties-exported.csv",
            item=item,
            party=party,
            rows=rows,
            encoding="gb18030",
            notices=("above_header", "extra_field", "extra_field"),
            lines=lines,
        )

    @property
    def content_type(self) -> str:
        """Without an encoding: that is for the node to see."""
        return "text/csv"

    def write(self, folder: Path) -> None:
        """Write it."""
        (folder / self.name).write_bytes(b"".join(self.lines))


def _none() -> Row:
    return Row({}, None, "organisation")


def _row(random: Random, people: Town, party: Party, order: int) -> Row:
    subject, decided = people.someone(random, "organisation"), BASE - timedelta(days=random.randrange(20, 300))
    number = f"示交路罚〔{decided.year}〕{order:04d}号"
    row = penalties.of(random, subject, party, number=number, severity="general", decided=decided)
    row.fields |= {"CF_CFLB": "罚款", "CF_NR": "处以罚款人民币2000元。", "CF_NR_FK": "0.2", "CF_NR_ZKDX": ""}
    return row


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue()
