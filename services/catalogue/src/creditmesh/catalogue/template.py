"""The workbook to fill in for an item: its columns, what each takes, and the values of its code sets to choose from."""

import io
from collections.abc import Mapping, Sequence

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from creditmesh.schemas.catalogue import CodeSet, Item
from creditmesh.schemas.catalogue.field import FieldSpec
from creditmesh.schemas.files import MOST_ROWS

ROWS, SAID, SETS = "数据", "填报说明", "代码表"
"""Its sheets: what is filled in, and what is read by people alone."""
_TITLES = ("字段 / Name", "代码 / Code", "必填 / Required", "填写要求 / Form", "说明 / Note", "示例 / Example")
_TYPES = {
    "date": ("日期，如 2026-05-01 / a day", "2026-05-01"),
    "decimal": ("数字，不带千位分隔符 / a number without separators", "5000.00"),
    "code": ("从下拉列表中选择 / one of the list", ""),
    "codes": ("一个或多个代码值，以分号 ; 分隔 / one or more values, ; between them", ""),
}
_WIDTH = 22
_NOTE_WIDTH = 320


def template_xlsx(item: Item, sets: Mapping[str, CodeSet]) -> bytes:
    """The workbook: a sheet with the header and lists to choose from, one that explains, one with the values.

    Cells are text, so that no number loses its zeros or its last digits.
    """
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        rows, said, listed = (book.add_worksheet(name) for name in (ROWS, SAID, SETS))
        bold, required = book.add_format({"bold": True}), book.add_format({"bold": True, "bg_color": "#FFE699"})
        text = book.add_format({"num_format": "@"})
        places = _list_values(listed, sets, bold)
        for column, spec in enumerate(item.fields):
            rows.write_string(0, column, spec.name_zh, required if spec.required else bold)
            rows.write_comment(0, column, _comment(spec), {"x_scale": _NOTE_WIDTH / 128})
            rows.set_column(column, column, _WIDTH, text)
            if spec.code in places and spec.type == "code":
                _let_choose(rows, column, places[spec.code], is_open=sets[spec.code].open)
        rows.freeze_panes(1, 0)
        _explain(said, item.fields, sets, bold)
    return file.getvalue()


def _list_values(sheet: Worksheet, sets: Mapping[str, CodeSet], bold: Format) -> dict[str, str]:
    """Write the values of each set, a column each, and where those of each field stand."""
    columns: dict[str, int] = {}
    for code_set in sets.values():
        if code_set.code in columns:
            continue
        column = columns[code_set.code] = len(columns)
        sheet.set_column(column, column, _WIDTH)
        sheet.write_string(0, column, code_set.name_zh, bold)
        for row, value in enumerate(_active(code_set), start=1):
            sheet.write_string(row, column, value)
    return {field: _range(columns[found.code], len(_active(found))) for field, found in sets.items() if _active(found)}


def _active(code_set: CodeSet) -> list[str]:
    return [each.name_zh for each in code_set.values if each.active]


def _range(column: int, values: int) -> str:
    letter = xlsxwriter.utility.xl_col_to_name(column, col_abs=True)
    return f"='{SETS}'!{letter}$2:{letter}${values + 1}"


def _let_choose(sheet: Worksheet, column: int, source: str, *, is_open: bool) -> None:
    told = {"error_title": "代码值", "error_message": "请从下拉列表中选择。 / Choose one of the list."}
    sheet.data_validation(
        1, column, MOST_ROWS, column,
        {"validate": "list", "source": source, "error_type": "warning" if is_open else "stop", **told},
    )  # fmt: skip


def _explain(sheet: Worksheet, fields: Sequence[FieldSpec], sets: Mapping[str, CodeSet], bold: Format) -> None:
    sheet.set_column(0, len(_TITLES) - 1, 2 * _WIDTH)
    sheet.write_row(0, 0, _TITLES, bold)
    for row, spec in enumerate(fields, start=1):
        form, example = _form(spec, sets)
        needed = "是 / yes" if spec.required else "视情况 / see note" if spec.required_if else ""
        for column, value in enumerate((spec.name_zh, spec.code, needed, form, spec.note, example)):
            sheet.write_string(row, column, value)


def _form(spec: FieldSpec, sets: Mapping[str, CodeSet]) -> tuple[str, str]:
    longest = f"，不超过 {spec.max_length} 字" if spec.max_length else ""
    form, example = _TYPES.get(spec.type, (f"文本{longest} / text", ""))
    values = _active(sets[spec.code]) if spec.code in sets else []
    unit = f"（{spec.unit}）" if spec.unit else ""
    return form + unit, values[0] if values else example


def _comment(spec: FieldSpec) -> str:
    also = f"\n{spec.note}" if spec.note else ""
    return f"{spec.name_zh} {spec.code}{also}"
