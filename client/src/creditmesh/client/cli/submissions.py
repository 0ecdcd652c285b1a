"""`creditmesh submissions`: what became of files that were sent."""

import typer

from creditmesh.client.cli import options, say, show
from creditmesh.client.cli.asking import Asked, asks
from creditmesh.client.cli.exits import Exit
from creditmesh.client.cli.help import Command, Group
from creditmesh.client.cli.writing import save

app = typer.Typer(
    name="submissions",
    cls=Group,
    help="已报送的文件：状态、逐行结果、回执。Files that were sent: state, verdicts, receipt.",
    no_args_is_help=True,
)


@app.command("show", cls=Command)
@asks
def show_submission(asked: Asked, submission: options.Submission) -> Exit:
    """查看报送的状态和各类结果。Show how a submission stands."""
    with asked.node() as node:
        show.one(node.records.submission(submission), as_json=asked.as_json)
    return Exit.DONE


@app.command("verdicts", cls=Command)
@asks
def verdicts(asked: Asked, submission: options.Submission, *, out: options.Out = None) -> Exit:
    """逐行结果；写入文件时与回执所签逐字节一致。The verdicts; in a file they are what the receipt was signed over."""
    with asked.node() as node:
        if out is not None:
            save(out, node.records.verdict_lines(submission))
            say.answers.print(say.printable(str(out)))
        else:
            columns = ("row", "verdict", "record", "reasons")
            show.many(node.records.verdicts(submission), columns, as_json=asked.as_json)
    return Exit.DONE


@app.command("receipt", cls=Command)
@asks
def receipt(asked: Asked, submission: options.Submission, *, out: options.Out = None) -> Exit:
    """已签名的回执，可用 verify 核验。The signed receipt, as `creditmesh verify` takes it."""
    with asked.node() as node:
        show.signed(node.records.receipt(submission), out)
    return Exit.DONE
