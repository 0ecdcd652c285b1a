"""A workbook (.xlsx) as the table that it holds: read by a bounded process of its own, which may die (decision 79).

What comes of it is CSV in UTF-8, a line for each row of the sheet, which is read as any other table.
"""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import orjson

from creditmesh.schemas.files.foreign import Foreign
from creditmesh.schemas.files.table import Names, Table

TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
"""Its media type."""
SECONDS = 120
"""Wall time for reading one: what takes longer is ended."""
_CHILD = str(Path(__file__).with_name("workbook_child.py"))
_WHY: Mapping[str, Foreign] = {
    "unreadable": Foreign(
        "The file is no workbook (.xlsx) that can be read: it is damaged, or was made by no spreadsheet; "
        "open it in a spreadsheet and save it anew, or save the sheet as CSV (UTF-8).",
        "该文件不是可读取的电子表格工作簿（.xlsx）：文件损坏，或并非由电子表格软件生成；"
        "请用电子表格打开后重新保存，或将工作表另存为 CSV（UTF-8）。",
    ),
    "no_workbook": Foreign(
        "This is an archive without a workbook in it; send the workbook (.xlsx) itself.",
        "该文件是压缩包而不是工作簿；请报送工作簿（.xlsx）本身。",
    ),
    "too_large": Foreign(
        "The workbook unpacks to more than is read; take out pictures and other sheets, split it, or send CSV.",
        "工作簿解压后超过可读取的大小；请删除图片和其他工作表，拆分文件，或报送 CSV。",
    ),
    "too_wide": Foreign(
        "A cell stands beyond row {rows} or column {columns}, or there are too many; delete what stands outside the "
        "table (formats too), or split the file.",
        "有单元格位于第 {rows} 行或第 {columns} 列之外，或单元格过多；请删除表格之外的内容（包括格式），或拆分文件。",
    ),
    "encrypted": Foreign(
        "The workbook has a password; save it without one.",
        "工作簿设有密码；请取消密码后保存。",
    ),
    "errors": Foreign(
        "Cells show an error (#N/A, #REF!, ...) and no value: {places}; correct their formulas, or empty them.",
        "以下单元格显示错误值（#N/A、#REF! 等）而没有内容：{places}；请更正公式或清空。",
    ),
    "uncomputed": Foreign(
        "Formulas have no value that was saved: {places}; open the workbook in a spreadsheet, let it compute, save it.",
        "以下单元格的公式没有保存计算结果：{places}；请用电子表格打开、重新计算后保存。",
    ),
    "twice": Foreign(
        "The sheet has these rows or cells twice: {places}; open it in a spreadsheet and save it anew.",
        "工作表中以下行或单元格重复：{places}；请用电子表格打开后重新保存。",
    ),
    "merged": Foreign(
        "Cells of the rows are merged ({places}): all but the first of them are empty; separate them and fill in each.",
        "数据行中有合并单元格（{places}），除首格外均为空；请取消合并并逐格填写。",
    ),
    "macros": Foreign(
        "The workbook has macros; save it as .xlsx without them.",
        "工作簿含有宏；请另存为不含宏的 .xlsx 文件。",
    ),
    "links": Foreign(
        "The workbook has links to other files; replace them by their values and save it.",
        "工作簿含有指向其他文件的链接；请将其替换为数值后保存。",
    ),
    "empty": Foreign(
        "The workbook has no sheet with rows; a day on which nothing was decided has a sheet with the header alone.",
        "工作簿中没有含数据的工作表；当日无决定的，请报送仅含表头的工作表。",
    ),
    "sheets": Foreign(
        "More than one sheet has rows (from the left: {places}); send one with a single such sheet: hide the others.",
        "有多个工作表含有数据（自左起第 {places} 个）；请只保留一个，其余的隐藏或删除。",
    ),
    "died": Foreign(
        "The workbook took more memory or time than reading one may: one cell far from the table is enough. Delete "
        "what stands outside the table (formats too), split the file, or save the sheet as CSV (UTF-8).",
        "读取该工作簿所需的内存或时间超过限额：表格之外很远处有一个单元格即可如此。请删除表格之外的内容（包括格式）、拆分文件，"
        "或将工作表另存为 CSV（UTF-8）。",
    ),
}


class Unreadable(Exception):
    """The file is no workbook that is read here; why, and what to do."""

    def __init__(self, why: Foreign) -> None:
        super().__init__(why.detail)
        self.why = why


class Merged(NamedTuple):
    """Cells that are one in the sheet."""

    row: int
    """The last of its rows, from 1."""
    name: str


@dataclass(frozen=True, slots=True)
class Workbook:
    """What a workbook holds. Its rows are read through `table`, which refuses what some cells only seem to say."""

    sheet: bytes = field(repr=False)
    """CSV in UTF-8, whose lines have the numbers of the sheet's rows."""
    merged: tuple[Merged, ...]
    """The lowest of its merged cells."""
    hidden: bool
    """Whether rows or columns are hidden; they are read as the others."""

    def table(self, names: Names) -> Table:
        """The table under the header that has most of these names. Unreadable where cells of its rows are merged."""
        table = Table.of(self.sheet, "utf-8", names=names)
        if merged := [each.name for each in self.merged if each.row > table.header.line]:
            raise _unreadable("merged", {"places": merged})
        return table


def command() -> tuple[str, ...]:
    """The process that reads a workbook from its standard input; `workbook_in` reads what it says."""
    return sys.executable, "-I", _CHILD


def workbook_of(body: bytes, *, seconds: float = SECONDS) -> Workbook:
    """Read a workbook; Unreadable if it cannot be, whatever it does to its reader. It waits for it."""
    try:
        ended = subprocess.run(command(), input=body, capture_output=True, timeout=seconds, check=False, env={})  # noqa: S603 - our own module, and nothing of the file
    except subprocess.TimeoutExpired:
        raise not_read() from None
    return workbook_in(ended.stdout, ended.returncode)


def workbook_in(said: bytes, code: int | None) -> Workbook:
    """What the process said that ended with this code; Unreadable."""
    if code:
        raise not_read()
    head, _, sheet = said.partition(b"\n")
    found = orjson.loads(head)
    if "refused" in found:
        raise _unreadable(found.pop("refused"), found)
    return Workbook(sheet, tuple(Merged(*each) for each in found["merged"]), bool(found["hidden"]))


def not_read() -> Unreadable:
    """Its reader died, or was ended."""
    return _unreadable("died", {})


def _unreadable(why: str, said: Mapping[str, object]) -> Unreadable:
    detail, detail_zh = _WHY[why]
    en, zh = (
        {name: mark.join(value) if isinstance(value, list) else value for name, value in said.items()}
        for mark in (", ", "、")
    )
    return Unreadable(Foreign(detail.format(**en), detail_zh.format(**zh)))
