"""`creditmesh me`: a person's or an enterprise's own file, and who looked."""

import typer

from creditmesh.client.cli import incomplete, options, say, show
from creditmesh.client.cli.asking import CommandCall, asks
from creditmesh.client.cli.exits import Exit
from creditmesh.client.cli.help import Command, Group
from creditmesh.client.cli.writing import save

app = typer.Typer(
    name="me",
    cls=Group,
    help="本人（本企业）的档案、访问日志、导出。Your own file, who looked, and what you may carry away.",
    no_args_is_help=True,
)


@app.command("file", cls=Command)
@asks
def file(asked: CommandCall) -> Exit:
    """本人的全部记录及其来源。Your whole file, every source named."""
    with asked.node() as node:
        show.one(node.me.file(), as_json=asked.as_json)
    return Exit.DONE


@app.command("accesses", cls=Command)
@asks
def accesses(asked: CommandCall) -> Exit:
    """谁查看过、谁被拒绝，最近的在前。Who looked, and who was refused, newest first.

    有 node 的，查看的是该上级节点的副本，looked_at 为当时的时间。With `node`: a copy there was looked at, `looked_at`.
    """
    with asked.node() as node:
        columns = ("at", "caller", "party", "officer", "purpose", "matter", "outcome", "node", "looked_at")
        show.many(node.me.accesses(), columns, as_json=asked.as_json)
    return Exit.DONE


@app.command("export", cls=Command)
@asks
def export(asked: CommandCall, *, out: options.Out = None) -> Exit:
    """导出本人的全部数据（JSON，仅本人可读）。Everything of yours in one JSON document, for yourself alone."""
    with asked.node() as node:
        exported = node.me.export()
    document = exported.model_dump_json(indent=1)
    if out is None:
        say.text(document)
    else:
        save(out, document.encode() + b"\n", private=True)
        say.answers.print(say.printable(str(out)))
    incomplete.tell(exported)
    return Exit.DONE
