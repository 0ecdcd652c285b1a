"""The commands; each is one module."""

import typer

from creditmesh.client.cli.pull import pull
from creditmesh.client.cli.screen import screen
from creditmesh.client.cli.submit import submit
from creditmesh.client.cli.verify import verify

app = typer.Typer(
    name="creditmesh",
    help="用于使用节点的命令。Commands for who uses a Creditmesh node.",
    no_args_is_help=True,
    add_completion=False,
    # A rendered traceback shows local variables, and with them keys and rows.
    pretty_exceptions_enable=False,
)


@app.callback()
def _commands() -> None:
    pass


app.command("submit")(submit)
app.command("pull")(pull)
app.command("verify")(verify)
app.command("screen")(screen)
