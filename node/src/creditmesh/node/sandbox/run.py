"""`make run`: start the chain, tell its story, and stay up with the addresses to open."""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console

from creditmesh.node.callers import Callers, invite
from creditmesh.node.errors import NodeError
from creditmesh.node.sandbox.starting import Sandbox, started
from creditmesh.node.story import StoryFailed, cast, tell


def run(*, state: Path, bus: str, once: bool, split: bool, console: Console) -> int:
    """Start the sandbox, tell the story, and stay up unless `once`. The exit code: 0, or 1 if a check failed."""
    began = time.monotonic()
    with ExitStack() as stack:
        stack.enter_context(_interruptible())
        sandbox = stack.enter_context(started(state, bus=bus, split=split, console=console))
        callers = invite(sandbox.nodes, path=state / "sandbox.json", persons=cast.persons())
        stack.callback(callers.close)
        console.print(f"sandbox ready in {time.monotonic() - began:.1f} s / 沙盒已就绪", style="dim")
        try:
            tell(callers, {code: node.operator for code, node in sandbox.nodes.items()}, console)
        except StoryFailed:
            return 1
        if not once:
            _stay_up(sandbox, callers, console)
    return 0


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


def _stay_up(sandbox: Sandbox, callers: Callers, console: Console) -> None:
    console.rule("the nodes stay up; Ctrl-C ends them / 节点保持运行，按 Ctrl-C 结束")
    for code, node in sandbox.nodes.items():
        console.print(f"{code:11} {node.url}/docs   logs {node.settings.state}/logs", highlight=False)
    console.print(f"callers     {callers.path}  (tokens of invented parties, owner-only)", highlight=False)
    console.print(
        "try         .venv/bin/creditmesh submit samples/penalties.csv --sandbox market_regulation", highlight=False
    )
    while sandbox.alive:
        time.sleep(0.5)
    raise NodeError("a process of a node has ended; see its log", "某节点的一个进程已结束，请查看日志")
