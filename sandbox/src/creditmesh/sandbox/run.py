"""From start to end of what `make run` does: start the chain, tell its story, stay up with the addresses to open."""

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import typer

from creditmesh.node.cli.console import out
from creditmesh.node.errors import NodeError
from creditmesh.sandbox.callers import Callers, issue_credentials
from creditmesh.sandbox.leftovers import servers
from creditmesh.sandbox.sample_files import FOLDER
from creditmesh.sandbox.shell import FILE, STATE
from creditmesh.sandbox.startup import Sandbox, started
from creditmesh.sandbox.story import StoryFailed, cast, tell
from creditmesh.sandbox.story.stage import PROVINCE


def tell_and_stay(state: Path, *, bus: str, split: bool, once: bool) -> None:
    """Start the nodes and tell their story, then stay up until a signal comes; not with `once`.

    `typer.Exit` with 1 at the first step whose check fails.
    """
    began, file = time.monotonic(), state / FILE
    with ExitStack() as stack:
        stack.enter_context(_interruptible())
        sandbox = stack.enter_context(started(state, bus=bus, split=split, console=out))
        stack.callback(file.unlink, missing_ok=True)  # tokens and addresses are of no use without the nodes
        callers = issue_credentials(sandbox.nodes, path=file, persons=cast.persons())
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
        out.print(f"{code:11} {node.url}/docs   logs {node.settings.state}/logs")
    out.print(f"callers     {callers.path}  (tokens of invented parties, owner-only)")
    out.print("try these in another terminal, here / 请在本目录的另一终端中尝试：")
    for line in suggested(callers.path):
        out.print(f"  {line}")
    while sandbox.alive:
        time.sleep(0.5)
    raise NodeError("a process of a node has ended; see its log", "某节点的一个进程已结束，请查看日志")


def suggested(file: Path) -> Iterator[str]:
    """What anybody may type in the folder in which the sandbox was started while its nodes stay up."""
    folder = Path(sys.executable).parent
    commands = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    elsewhere = "" if file == STATE / FILE else f" --sandbox-file {file}"
    state = "" if file.parent == STATE else f" --state {file.parent}"
    client = f"{commands}/creditmesh"
    yield f"{client} submit {FOLDER}/{cast.FIRST} --item {cast.PENALTY} --sandbox {cast.DEPARTMENT}{elsewhere}"
    yield f"{client} pull up --into {servers(file.parent)}/city-up.ndjson --sandbox {PROVINCE}{elsewhere}"
    yield f'eval "$({commands}/creditmesh-sandbox env {cast.DEPARTMENT}{state})"'
    yield 'curl --fail-with-body -s $NODE/v1/quality -H "Authorization: Bearer $KEY"'
