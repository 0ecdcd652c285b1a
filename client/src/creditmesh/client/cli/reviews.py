"""`creditmesh reviews`: rows that wait for an officer, and what the officer decides."""

from typing import Annotated

import typer

from creditmesh.client.cli import options, show
from creditmesh.client.cli.asking import CommandCall, asks
from creditmesh.client.cli.exits import Exit
from creditmesh.client.cli.help import Command, Group
from creditmesh.client.http import asked as body_of
from creditmesh.schemas.records import DecisionIn, ReviewState

app = typer.Typer(
    name="reviews",
    cls=Group,
    help="待审核的数据行（须工作人员本人令牌）。Rows that wait for an officer, with a token of their own.",
    no_args_is_help=True,
)
_COLUMNS = ("review", "item", "party", "row", "reasons", "at")


@app.command("list", cls=Command)
@asks
def list_(asked: CommandCall, *, state: Annotated[ReviewState, options.STATE] = "held") -> Exit:
    """列出待审核的行，不含其内容。List held rows, without what they say."""
    with asked.node() as node:
        show.many(node.reviews.waiting(state=state), _COLUMNS, as_json=asked.as_json)
    return Exit.DONE


@app.command("show", cls=Command)
@asks
def show_review(asked: CommandCall, review: options.Review) -> Exit:
    """查看待审核行的内容；当事人可见此次查看。Show a held row; whom it concerns sees that it was read."""
    with asked.node() as node:
        show.one(node.reviews.read(review), as_json=asked.as_json)
    return Exit.DONE


@app.command("release", cls=Command)
@asks
def release(asked: CommandCall, review: options.Review, *, note: options.Note = None) -> Exit:
    """审核通过。Let a held row into its record."""
    body = body_of(DecisionIn, decision="release", note=note)
    with asked.node() as node:
        show.one(node.reviews.release(review, note=body.note), as_json=asked.as_json)
    return Exit.DONE


@app.command("refuse", cls=Command)
@asks
def refuse(asked: CommandCall, review: options.Review, *, note: options.Note = None) -> Exit:
    """审核不通过。Refuse a held row for good."""
    body = body_of(DecisionIn, decision="refuse", note=note)
    with asked.node() as node:
        show.one(node.reviews.refuse(review, note=body.note), as_json=asked.as_json)
    return Exit.DONE
