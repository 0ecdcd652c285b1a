"""The commands; each room of them is one module."""

from importlib.metadata import version
from typing import Annotated, Any

import typer

from creditmesh.client.cli import (
    authorisations,
    cases,
    me,
    profile,
    records,
    reviews,
    say,
    submissions,
    tasks,
    templates,
)
from creditmesh.client.cli.help import Command, Group
from creditmesh.client.cli.pull import pull
from creditmesh.client.cli.quality import quality
from creditmesh.client.cli.query import query
from creditmesh.client.cli.screen import screen
from creditmesh.client.cli.submit import submit
from creditmesh.client.cli.verify import verify
from creditmesh.schemas.output import to_any_code_page


class _App(typer.Typer):
    def __call__(self, *arguments: Any, **options: Any) -> Any:
        to_any_code_page()
        return super().__call__(*arguments, **options)


app = _App(
    name="creditmesh",
    cls=Group,
    help="用于使用节点的命令。Commands for who uses a Creditmesh node.",
    no_args_is_help=True,
    add_completion=False,
    # A rendered traceback shows local variables, and with them keys and rows.
    pretty_exceptions_enable=False,
)


def _say_version(asked: bool) -> None:  # noqa: FBT001 - as typer calls it
    if asked:
        say.answers.print(f"creditmesh {version('creditmesh-client')}")
        raise typer.Exit


_Version = Annotated[
    bool, typer.Option("--version", callback=_say_version, is_eager=True, help="版本。The version, and exit.")
]


@app.callback()
def _commands(*, _version: _Version = False) -> None:
    pass


app.command("submit", cls=Command)(submit)
for _room in (submissions, records, reviews):
    app.add_typer(_room.app)
app.command("quality", cls=Command)(quality)
app.command("screen", cls=Command)(screen)
app.command("query", cls=Command)(query)
for _room in (tasks, cases, authorisations, me, templates):
    app.add_typer(_room.app)
app.command("pull", cls=Command)(pull)
app.command("verify", cls=Command)(verify)
app.add_typer(profile.app)
