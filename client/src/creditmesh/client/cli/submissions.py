"""`creditmesh submissions`: what became of files that were sent."""

from typing import Annotated

import typer

from creditmesh.client.cli import given, options, say, show
from creditmesh.client.cli.asking import CommandCall, asks
from creditmesh.client.cli.exits import Exit
from creditmesh.client.cli.help import Command, Group
from creditmesh.client.cli.writing import save
from creditmesh.schemas.records import SubmissionState

app = typer.Typer(
    name="submissions",
    cls=Group,
    help="已报送的文件：状态、逐行结果、回执。Files that were sent: state, verdicts, receipt.",
    no_args_is_help=True,
)


@app.command("list", cls=Command)
@asks
def list_(
    asked: CommandCall,
    *,
    item: options.OfItem = None,
    state: Annotated[SubmissionState | None, options.STATE] = None,
    since: options.Since = None,
    until: options.Until = None,
) -> Exit:
    """列出报送，最近的在前。List what was sent, newest first."""
    with asked.node() as node:
        found = node.submissions.list(item=item, state=state, since=given.day(since), until=given.day(until))
        show.many(found, ("submission", "item", "state", "done", "total", "counts", "at"), as_json=asked.as_json)
    return Exit.DONE


@app.command("show", cls=Command)
@asks
def show_submission(asked: CommandCall, submission: options.Submission) -> Exit:
    """查看报送的状态和各类结果。Show how a submission stands."""
    with asked.node() as node:
        show.one(node.submissions.read(submission), as_json=asked.as_json)
    return Exit.DONE


@app.command("verdicts", cls=Command)
@asks
def verdicts(asked: CommandCall, submission: options.Submission, *, out: options.Out = None) -> Exit:
    """逐行结果；写入文件时与回执所签逐字节一致。The verdicts; in a file they are what the receipt was signed over."""
    with asked.node() as node:
        if out is not None:
            save(out, node.submissions.verdict_lines(submission))
            say.answers.print(say.printable(str(out)))
        else:
            columns = ("row", "verdict", "record", "reasons")
            show.many(node.submissions.verdicts(submission), columns, as_json=asked.as_json)
    return Exit.DONE


@app.command("receipt", cls=Command)
@asks
def receipt(asked: CommandCall, submission: options.Submission, *, out: options.Out = None) -> Exit:
    """已签名的回执，可用 verify 核验。The signed receipt, as `creditmesh verify` takes it."""
    with asked.node() as node:
        show.signed(node.submissions.receipt(submission), out)
    return Exit.DONE
