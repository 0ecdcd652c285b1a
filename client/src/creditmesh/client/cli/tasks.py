"""`creditmesh tasks`: the measures that a department must apply, and its answers."""

from typing import Annotated

import typer

from creditmesh.client.cli import given, options, show
from creditmesh.client.cli.asking import CommandCall, asks
from creditmesh.client.cli.exits import Exit
from creditmesh.client.cli.help import Command, Group
from creditmesh.client.http import asked as body_of
from creditmesh.schemas.events.task import Feedback
from creditmesh.schemas.tasks import FeedbackIn, TaskState

app = typer.Typer(
    name="tasks",
    cls=Group,
    help="须落实的措施及反馈。The measures that a department must apply, and its answers.",
    no_args_is_help=True,
)
_Task = Annotated[str, typer.Argument(help="任务编号。Id of the task.", show_default=False)]
_Outcome = Annotated[Feedback, typer.Option(help="落实情况。What was done.", show_default=False)]


@app.command("list", cls=Command)
@asks
def list_(
    asked: CommandCall, *, state: Annotated[TaskState, options.STATE] = "open", due_before: options.DueBefore = None
) -> Exit:
    """列出待反馈的措施。List the measures to apply."""
    with asked.node() as node:
        tasks = node.tasks.waiting(state=state, due_before=given.day(due_before))
        show.many(tasks, ("id", "measure", "subject.name", "state", "due"), as_json=asked.as_json)
    return Exit.DONE


@app.command("show", cls=Command)
@asks
def show_task(asked: CommandCall, task: _Task) -> Exit:
    """查看措施及其对象。Show a measure and whom it is for."""
    with asked.node() as node:
        show.one(node.tasks.read(task), as_json=asked.as_json)
    return Exit.DONE


@app.command("answer", cls=Command)
@asks
def answer(
    asked: CommandCall,
    task: _Task,
    *,
    outcome: _Outcome,
    reason: options.Reason = None,
    officer: options.Officer = None,
) -> Exit:
    """反馈落实情况。Say that a measure was applied, was not and why, or was lifted."""
    body = body_of(FeedbackIn, outcome=outcome, reason=reason, officer=officer)
    with asked.node() as node:
        show.one(node.tasks.answer(node.tasks.read(task), body), as_json=asked.as_json)
    return Exit.DONE
