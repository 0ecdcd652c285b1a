"""`creditmesh templates`: what to send of an item, without a credential."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel

from creditmesh.client.cli import options, say, show
from creditmesh.client.cli.asking import CommandCall, asks
from creditmesh.client.cli.exits import Exit
from creditmesh.client.cli.help import Command, Group
from creditmesh.client.cli.writing import save
from creditmesh.client.errors import Unsendable
from creditmesh.client.node import Node
from creditmesh.schemas.catalogue import FieldSpec

app = typer.Typer(
    name="templates",
    cls=Group,
    help="条目的模板、字段和代码集（无需密钥）。What to send of an item: template, fields, code sets; no key needed.",
    no_args_is_help=True,
)
_Item = Annotated[str, typer.Argument(help="目录条目代码。Code of the catalogue item.", show_default=False)]


class _Field(BaseModel):
    """A field as whoever fills it in needs to know it."""

    code: str
    name_zh: str
    name: str
    type: str
    required: bool
    conditional: bool
    """Required under some condition of other fields."""
    max_length: int | None
    unit: str | None
    code_set: str | None
    values: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    note: str = ""


@app.command("list", cls=Command)
@asks
def list_(asked: CommandCall) -> Exit:
    """列出现行条目。List the items in force."""
    with asked.node(open_to_all=True) as node:
        show.many(node.catalogue.items(), ("code", "name_zh", "name", "kinds", "nature"), as_json=asked.as_json)
    return Exit.DONE


@app.command("csv", cls=Command)
@asks
def csv(asked: CommandCall, item: _Item, *, header: options.Header = "codes", out: options.Out = None) -> Exit:
    """空白 CSV 模板。An empty CSV with the header of an item."""
    with asked.node(open_to_all=True) as node:
        content = node.catalogue.template(item, header=header)
    if out is None:
        say.text(content.decode("utf-8-sig").strip())
    else:
        save(out, content)
        say.answers.print(say.printable(str(out)))
    return Exit.DONE


@app.command("xlsx", cls=Command)
@asks
def xlsx(asked: CommandCall, item: _Item, *, out: options.Out = None) -> Exit:
    """空白工作簿模板，含代码下拉列表和填报说明。An empty workbook with lists to choose codes from (ITEM.xlsx)."""
    with asked.node(open_to_all=True) as node:
        content = node.catalogue.workbook(item)
    to = out or Path(f"{item}.xlsx")
    if out is None and to.exists():
        raise Unsendable(
            f"{to} is there already, and may be filled in: say where to with --out FILE.",
            f"{to} 已存在，可能已填写：请用 --out FILE 指定其他文件。",
        )
    save(to, content)
    say.answers.print(say.printable(str(to)))
    return Exit.DONE


@app.command("fields", cls=Command)
@asks
def fields(asked: CommandCall, item: _Item) -> Exit:
    """条目的字段：是否必填、形式、代码集的取值。The fields of an item: which are required, their form, their values."""
    columns = ("code", "name_zh", "name", "type", "required", "max_length", "unit", "code_set", "values")
    with asked.node(open_to_all=True) as node:
        show.many(_described(node, node.catalogue.item(item).fields), columns, as_json=asked.as_json)
    return Exit.DONE


def _described(node: Node, specs: tuple[FieldSpec, ...]) -> Iterator[_Field]:
    for spec in specs:
        values = () if spec.code_set is None else node.catalogue.code_set(spec.code_set).values
        yield _Field(
            code=spec.code,
            name_zh=spec.name_zh,
            name=spec.name,
            type=spec.type,
            required=spec.required,
            conditional=bool(spec.required_if),
            max_length=spec.max_length,
            unit=spec.unit,
            code_set=spec.code_set,
            values=tuple(
                f"{each.value} {each.name_zh}" if each.name_zh != each.value else each.value for each in values
            ),
            aliases=spec.aliases,
            note=spec.note,
        )
