"""The commands; each room of them is one module."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer

from creditmesh.client.cli import say
from creditmesh.client.cli.help import Command, Group
from creditmesh.schemas.output import to_any_code_page

ROOMS = (
    "submit",
    "submissions",
    "records",
    "reviews",
    "quality",
    "screen",
    "query",
    "tasks",
    "cases",
    "authorisations",
    "me",
    "templates",
    "pull",
    "verify",
    "profile",
)
"""In the order of the help; each is the module of that name: a group's `app`, or the one command."""


class _Rooms(Mapping[str, Any]):
    """The commands by their names, each loaded when it is asked for: a call needs one."""

    def __iter__(self) -> Iterator[str]:
        return iter(ROOMS)

    def __len__(self) -> int:
        return len(ROOMS)

    def __getitem__(self, name: str) -> Any:
        if name not in ROOMS:
            raise KeyError(name)
        return _loaded(name)


@cache
def _loaded(name: str) -> Any:
    room = import_module(f"creditmesh.client.cli.{name}")
    if hasattr(room, "app"):
        return typer.main.get_group(room.app)
    alone = typer.Typer(add_completion=False)
    alone.command(name, cls=Command)(getattr(room, name))
    return typer.main.get_command(alone)


class _Overview(Group):
    """The command itself, and what stands under it."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands: Any = _Rooms()


class _App(typer.Typer):
    def __call__(self, *arguments: Any, **options: Any) -> Any:
        to_any_code_page()
        return super().__call__(*arguments, **options)


app = _App(
    name="creditmesh",
    cls=_Overview,
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
