"""`creditmesh-sandbox`, which is `make run`: start the chain, tell its story, stay up with the addresses to open."""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from creditmesh.node.cli.console import out, plainly
from creditmesh.node.errors import NodeError
from creditmesh.sandbox.callers import Callers, issue_credentials
from creditmesh.sandbox.startup import Sandbox, started
from creditmesh.sandbox.story import StoryFailed, cast, tell

TRY = f"creditmesh submit samples/{cast.FIRST} --item {cast.PENALTY} --sandbox {cast.DEPARTMENT}"
"""What anybody may type while the nodes stay up; the guide says the same."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def run(
    bus: Annotated[str, typer.Option(help="embedded, or kafka.")] = "embedded",
    *,
    once: Annotated[bool, typer.Option("--once", help="Tell the story and end.")] = False,
    split: Annotated[bool, typer.Option("--split", help="Every service as its own process.")] = False,
    state: Annotated[Path, typer.Option(help="The sandbox's folder; made anew each time.")] = Path("var"),
) -> None:
    """Start a chain of sandbox nodes with invented parties, tell its story with every step checked, and stay up.

    It exits with 0, or with 1 at the first step whose check fails.
    """
    began = time.monotonic()
    with plainly(), ExitStack() as stack:
        stack.enter_context(_interruptible())
        sandbox = stack.enter_context(started(state, bus=bus, split=split, console=out))
        callers = issue_credentials(sandbox.nodes, path=state / "sandbox.json", persons=cast.persons())
        stack.callback(callers.close)
        out.print(f"sandbox ready in {time.monotonic() - began:.1f} s / 沙箱已就绪", style="dim")
        try:
            tell(callers, {code: node.operator for code, node in sandbox.nodes.items()}, out)
        except StoryFailed:
            raise typer.Exit(1) from None
        if not once:
            _stay_up(sandbox, callers)


@contextmanager
def _interruptible() -> Iterator[None]:
    def interrupt(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def _stay_up(sandbox: Sandbox, callers: Callers) -> None:
    out.rule("the nodes stay up; Ctrl-C ends them / 节点保持运行，按 Ctrl-C 结束")
    for code, node in sandbox.nodes.items():
        out.print(f"{code:11} {node.url}/docs   logs {node.settings.state}/logs", highlight=False)
    out.print(f"callers     {callers.path}  (tokens of invented parties, owner-only)", highlight=False)
    out.print(f"try         .venv/bin/{TRY}", highlight=False, soft_wrap=True)
    while sandbox.alive:
        time.sleep(0.5)
    raise NodeError("a process of a node has ended; see its log", "某节点的一个进程已结束，请查看日志")
