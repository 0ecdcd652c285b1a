"""The commands; each is one module."""

from typing import Any

import typer

from creditmesh.client.cli.pull import pull
from creditmesh.client.cli.say import to_any_code_page
from creditmesh.client.cli.screen import screen
from creditmesh.client.cli.submit import submit
from creditmesh.client.cli.verify import verify


class _App(typer.Typer):
    def __call__(self, *arguments: Any, **options: Any) -> Any:
        to_any_code_page()
        return super().__call__(*arguments, **options)


app = _App(
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
