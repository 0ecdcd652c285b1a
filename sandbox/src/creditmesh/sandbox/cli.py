"""`creditmesh-sandbox`, which is `make run`. A command imports what it needs itself: a chain takes seconds to load."""

from pathlib import Path
from typing import Annotated

import typer

from creditmesh.node.cli.console import Program, plainly, print_document
from creditmesh.sandbox.shell import FILE, STATE, shell_lines

app = Program(add_completion=False, pretty_exceptions_enable=False)
State = Annotated[Path, typer.Option(help="The sandbox's folder; made anew at each start.")]


@app.callback(invoke_without_command=True)
def run(
    context: typer.Context,
    bus: Annotated[str, typer.Option(help="embedded, or kafka.")] = "embedded",
    *,
    once: Annotated[bool, typer.Option("--once", help="Tell the story and end.")] = False,
    split: Annotated[bool, typer.Option("--split", help="Every service as its own process.")] = False,
    state: State = STATE,
) -> None:
    """Start a chain of sandbox nodes with invented parties, tell its story with every step checked, and stay up.

    It exits with 0, or with 1 at the first step whose check fails.
    """
    if context.invoked_subcommand is not None:
        return
    from creditmesh.sandbox.run import tell_and_stay

    with plainly():
        tell_and_stay(state, bus=bus, split=split, once=once)


@app.command()
def env(
    caller: Annotated[str, typer.Argument(help="A caller's name in sandbox.json.")], *, state: State = STATE
) -> None:
    """Print a caller's node and token for a shell, for curl and `creditmesh`: eval "$(creditmesh-sandbox env NAME)"."""
    with plainly():
        print_document(shell_lines(state / FILE, caller))


@app.command()
def remove(*, state: State = STATE) -> None:
    """Take away what a sandbox that has ended left in its folder; what no sandbox made stays, and is named."""
    from creditmesh.sandbox import leftovers

    with plainly():
        leftovers.take_away(state)
        (state / FILE).unlink(missing_ok=True)
