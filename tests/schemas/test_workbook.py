"""A workbook is read by a process that may die, and says what its cells say; what may not be read says why."""

import contextlib
import csv
import io
import time
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
import xlsxwriter

from creditmesh.schemas.files import workbook as module
from creditmesh.schemas.files.workbook import Merged, Unreadable, Workbook, workbook_of

SHEET, BOOK = "xl/worksheets/sheet1.xml", "xl/workbook.xml"


def made(write: Callable[[Any], None], **options: object) -> bytes:
    """A workbook as that writes it."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, options) as book:
        write(book)
    return file.getvalue()


def of_rows(*rows: list[Any], name: str = "数据") -> bytes:
    def write(book: Any) -> None:
        sheet = book.add_worksheet(name)
        for n, row in enumerate(rows):
            sheet.write_row(n, 0, row)

    return made(write)


def again(body: bytes, change: Callable[[str, bytes], bytes], **more: bytes) -> bytes:
    """The same archive with other parts in it."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as before, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            after.writestr(name, change(name, before.read(name)))
        for name, content in more.items():
            after.writestr(name, content)
    return out.getvalue()


def with_sheet(text: bytes) -> bytes:
    begin = b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    return again(of_rows(["a"]), lambda name, was: begin + text + b"</worksheet>" if name == SHEET else was)


def cells(book: Workbook) -> list[list[str]]:
    return list(csv.reader(io.StringIO(book.sheet.decode())))


def why(body: bytes) -> str:
    with pytest.raises(Unreadable) as refused:
        workbook_of(body)
    words = {name: detail.split("{")[0].split("(")[0] for name, (detail, _) in module._WHY.items()}
    [found] = [name for name, begins in words.items() if refused.value.why.detail.startswith(begins)]
    assert refused.value.why.detail_zh
    return found


def test_what_cells_say_is_read_as_it_is_meant():
    def write(book: Any) -> None:
        sheet, day = book.add_worksheet(), book.add_format({"num_format": "yyyy/m/d"})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        sheet.write_string(0, 0, "01234")
        sheet.write_number(0, 1, 1234)
        sheet.write_number(0, 2, 0.1)
        sheet.write_datetime(0, 3, datetime(2026, 5, 1), day)  # noqa: DTZ001 - a sheet has no zones
        sheet.write_datetime(0, 4, datetime(2026, 5, 1, 8, 30), moment)  # noqa: DTZ001
        sheet.write_boolean(0, 5, True)
        sheet.write_formula(0, 6, "=1+1", None, 2)
        sheet.write_string(0, 7, "一\n二")
        sheet.write_string(0, 8, '他说"好", 然后')

    expected = ["01234", "1234", "0.1", "2026-05-01", "2026-05-01 08:30:00", "TRUE", "2", "一 二", '他说"好", 然后']
    assert cells(workbook_of(made(write))) == [expected]


def test_a_number_that_has_lost_its_last_digits_is_none():
    [[found, near]] = cells(workbook_of(of_rows([110101199003070071, 999999999999999])))
    assert ("E+17" in found, near) == (True, "999999999999999")


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ("3.3000000000000003", "3.3"), ("1E-05", "0.00001"), ("1234567.891", "1234567.891"), ("-0", "0"),
        ("123456789012345.67", "123456789012346"), ("0.1", "0.1"), ("100", "100"), ("1E+15", "1.00000000000000E+15"),
    ],
)  # fmt: skip
def test_a_number_is_said_as_a_spreadsheet_shows_it(stored: str, said: str):
    sheet = b'<sheetData><row r="1"><c r="A1"><v>%s</v></c></row></sheetData>' % stored.encode()
    assert cells(workbook_of(with_sheet(sheet))) == [[said]]


def test_days_are_counted_as_the_workbook_counts_them():
    def write(book: Any) -> None:
        book.add_worksheet().write_datetime(0, 0, date(2026, 5, 1), book.add_format({"num_format": "yyyy-mm-dd"}))

    assert cells(workbook_of(made(write, date_1904=True))) == [["2026-05-01"]]
    assert cells(workbook_of(made(write))) == [["2026-05-01"]]


def test_lines_have_the_numbers_of_the_sheets_rows():
    def write(book: Any) -> None:
        sheet = book.add_worksheet()
        sheet.write(2, 1, "三")
        sheet.write(4, 1, "五\r\n五")

    lines = workbook_of(made(write)).sheet.decode().splitlines()
    assert [n for n, line in enumerate(lines, start=1) if line != '""'] == [3, 5]
    assert lines[4] == "五 五"


def test_one_sheet_is_read_and_what_is_ours_or_hidden_is_passed_over():
    def write(book: Any) -> None:
        book.add_worksheet("填报说明").write(0, 0, "说明")
        book.add_worksheet("空")
        book.add_worksheet("数据").write(0, 0, "行")
        hidden = book.add_worksheet("旧")
        hidden.write(0, 0, "旧")
        hidden.hide()

    assert cells(workbook_of(made(write))) == [["行"]]


def test_merged_and_hidden_cells_are_told():
    def write(book: Any) -> None:
        sheet = book.add_worksheet()
        sheet.merge_range(0, 0, 0, 3, "标题")
        sheet.merge_range("B3:B5", "合并")
        sheet.set_row(6, None, None, {"hidden": True})
        sheet.write(6, 0, "藏")

    book = workbook_of(made(write))
    assert (book.merged, book.hidden) == ((Merged(1, "A1:D1"), Merged(5, "B3:B5")), True)
    assert cells(book)[6][0] == "藏"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"PK\x03\x04" + b"\0" * 100, "unreadable"),
        (of_rows(["a"])[:-200], "unreadable"),
        (again(of_rows(["a"]), lambda name, was: was[: len(was) // 2] if name == SHEET else was), "unreadable"),
        (again(of_rows(["a"]), lambda name, was: b"<!DOCTYPE x>" + was if name == BOOK else was), "unreadable"),
        (again(of_rows(["a"]), lambda _, was: was, **{"xl/vbaProject.bin": b"x"}), "macros"),
        (again(of_rows(["a"]), lambda _, was: was, **{"xl/externalLinks/externalLink1.xml": b"<a/>"}), "links"),
        (with_sheet(b'<sheetData><row r="1"><c r="A1"><v>1</v></c></row><row r="1048576">'
                    b'<c r="XFD1048576"><v>1</v></c></row></sheetData>'), "died"),
        (with_sheet(b'<sheetData><row r="1"><c r="A1"><v>1</v></c><c t="n" s="1" r="ZZ1"><v>1</v></c></row>'
                    b'</sheetData>'), "too_wide"),
        (with_sheet(b"<c " * 4_000_000), "empty"),
        (with_sheet(b"<sheetData></sheetData>"), "empty"),
        (made(lambda book: [book.add_worksheet(name).write(0, 0, 1) for name in ("一月", "二月")]), "sheets"),
        (again(of_rows(["a"]), lambda name, was: was, **{f"x/{n}": b"" for n in range(600)}), "too_large"),
        (again(of_rows(["a"]), lambda name, was: was, **{f"x/{n}": b"\0" * (60 << 20) for n in range(9)}), "too_large"),
    ],
    ids=["no archive", "cut off", "half a sheet", "entities", "macros", "links", "far", "wide", "never closed", "empty",
         "two sheets", "many parts", "bomb"],
)  # fmt: skip
def test_what_may_not_be_read_says_why(body: bytes, reason: str):
    assert why(body) == reason


def test_the_reader_may_die_and_nobody_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Any):
    for text in (
        "raise SystemExit(3)",
        "import os; os.abort()",
        "import time; time.sleep(60)",
        "x = bytearray(1 << 40)",
        "1 / 0",
    ):
        child = tmp_path / "child.py"
        child.write_text(text)
        monkeypatch.setattr(module, "_CHILD", str(child))
        with pytest.raises(Unreadable, match="took more memory or time"):
            workbook_of(of_rows(["a"]), seconds=2)


def test_a_sheet_that_is_refused_is_named_by_its_place_alone():
    """Its name may be somebody's."""
    with pytest.raises(Unreadable) as refused:
        workbook_of(made(lambda book: [book.add_worksheet(name).write(0, 0, 1) for name in ("示某甲", "示某乙")]))
    for text, places in zip(refused.value.why, ("1, 2", "1、2"), strict=True):
        assert ("示某" in text, places in text) == (False, True)


CELL = b'<sheetData><row r="1"><c r="A1"><v>1</v></c>%s</row></sheetData>'


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (b'<c r="B1" t="e"><v>#N/A</v></c>', "errors"),
        (b"<c r='B1' s='1' t = 'e'><f>1/0</f><v>#DIV/0!</v></c>", "errors"),
        (b'<c r="B1"><f>A1+1</f></c>', "uncomputed"),
        (b'<c r="B1"><f t="shared" si="0"/></c>', "uncomputed"),
        (b'<c r="B1"><f>1+1</f><v /></c>', "uncomputed"),
        (b'<c t="e"><v>#N/A</v></c>', "errors"),
        (b'<x:c xmlns:x="y" r="B1" t="e"><v>#N/A</v></x:c>', "errors"),
        (b'<c r="A1"><v>2</v></c>', "twice"),
        (b'</row><row r="1"><c r="A1"><v>2</v></c>', "twice"),
    ],
)
def test_a_cell_that_shows_an_error_or_was_never_computed_is_not_taken_for_an_empty_one(cell: bytes, reason: str):
    assert why(with_sheet(CELL % cell)) == reason
    assert cells(workbook_of(with_sheet(CELL % b'<c r="B1" t="str"><f>A1&amp;"x"</f><v>1x</v></c>'))) == [["1", "1x"]]


def test_errors_are_named_by_their_cells():
    with pytest.raises(Unreadable) as refused:
        workbook_of(with_sheet(CELL % b'<c r="B1" t="e"><v>#N/A</v></c><c r="C1" t="e"><v>#REF!</v></c>'))
    assert ("B1, C1" in refused.value.why.detail, "B1、C1" in refused.value.why.detail_zh) == (True, True)


@pytest.mark.parametrize(
    "hides",
    [
        b'<cols><col min="2" max="2" hidden = "true"/></cols>',
        b'<sheetFormatPr defaultRowHeight="15" zeroHeight="1"/>',
        b'<row r="2" ht="0" customHeight="1"/>',
        b"<row r='2' hidden='1'/>",
    ],
)
def test_whatever_hides_a_row_or_a_column_is_seen(hides: bytes):
    sheet = CELL % b""
    before, row, after = sheet.partition(b"</row>")
    text = before + row + hides + after if hides.startswith(b"<row") else hides + sheet
    assert workbook_of(with_sheet(text)).hidden
    assert not workbook_of(with_sheet(CELL % b"")).hidden


def test_what_stands_in_sheets_that_are_not_read_is_nothing_to_it():
    def write(book: Any) -> None:
        book.add_worksheet("数据").write(0, 0, "行")
        codes = book.add_worksheet("代码表")
        codes.set_column(0, 0, None, None, {"hidden": True})
        codes.write(0, 0, "x")
        old = book.add_worksheet("旧")
        old.write_formula(0, 0, "=1/0", None, "#DIV/0!")
        old.hide()

    book = workbook_of(again(made(write), lambda _, was: was, **{"docProps/x.svg": b"<!DOCTYPE svg><svg/>"}))
    assert (cells(book), book.hidden) == ([["行"]], False)


class _Any:
    """Whatever the header says."""

    def known(self, cells: Any) -> int:
        return len(cells)


def test_rows_are_not_had_without_what_is_merged_in_them():
    def write(book: Any) -> None:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["号码", "名称"])
        sheet.merge_range("B2:B3", "示某")

    with pytest.raises(Unreadable, match="B2:B3"):
        workbook_of(made(write)).table(_Any())


def test_a_chart_is_no_sheet_of_rows():
    def write(book: Any) -> None:
        sheet, chart = book.add_worksheet("数据"), book.add_chart({"type": "line"})
        sheet.write(0, 0, 1)
        chart.add_series({"values": "=数据!$A$1:$A$1"})
        book.add_chartsheet("图").set_chart(chart)

    assert cells(workbook_of(made(write))) == [["1"]]


def test_the_largest_table_is_read():
    cell = b'<c r="%s%d"><v>1</v></c>'
    ends = b"".join(b'<row r="%d">' % n + cell % (b"A", n) + cell % (b"AN", n) + b"</row>" for n in (1, 200_000))
    assert workbook_of(with_sheet(b"<sheetData>" + ends + b"</sheetData>")).sheet.count(b"\n") == 200_000


def test_what_passes_the_look_and_takes_all_memory_ends_its_reader_alone():
    cell = b'<row r="%d"><c r="%s%d"><v>1</v></c></row>'
    ends = cell % (1, b"A", 1) + cell % (200_000, b"SR", 200_000)
    assert why(with_sheet(b"<sheetData>" + ends + b"</sheetData>")) == "died"


@pytest.mark.parametrize("text", [b"<c<c<c<c", b'<c\tr="A1"', b"<row\t", b"<" + b"x" * 100_000, b"</f> "])
def test_what_is_looked_through_is_looked_through_once(text: bytes):
    began = time.monotonic()
    with contextlib.suppress(Unreadable):
        workbook_of(with_sheet(b"<sheetData>" + text * ((24 << 20) // len(text))))
    assert time.monotonic() - began < 20, "a second or two on a machine of its own"
