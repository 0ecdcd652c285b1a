"""The sandbox: one city node with invented parties, started from nothing, its story told, kept up or taken down.

Everything it starts it stops: its processes, PostgreSQL, and the broker where there is one.
"""

import asyncio
import json
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path

import httpx
from rich.console import Console

from creditmesh.chassis.bus import publisher
from creditmesh.chassis.clock import Clock
from creditmesh.chassis.database.embedded import EmbeddedServer
from creditmesh.chassis.settings import BusSettings, KafkaBus, NodeSettings
from creditmesh.node import broker, database, run_files, running, topics
from creditmesh.node.callers import Callers, invite
from creditmesh.node.declaration import NODE
from creditmesh.node.errors import NodeError
from creditmesh.node.operator import Operator
from creditmesh.node.processes import Child, Supervised
from creditmesh.node.sample_files import a_person, identity, samples
from creditmesh.node.story import StoryFailed, tell
from creditmesh.node.story.asking import PERSON
from creditmesh.node.story.submitting import FIRST

CODE = "city"
PARTS = 12


def run(*, state: Path, bus: str, once: bool, split: bool, console: Console) -> int:
    """Start the sandbox, tell the story, and stay up unless `once`. The exit code: 0, or 1 if a check failed."""
    began = time.monotonic()
    with ExitStack() as stack:
        stack.enter_context(_interruptible())
        sandbox = stack.enter_context(started(state / CODE, bus=bus, split=split, console=console))
        persons = {PERSON: identity(a_person(FIRST)[1])}
        callers = invite(sandbox.operator, url=sandbox.url, path=state / "sandbox.json", persons=persons)
        console.print(f"sandbox ready in {time.monotonic() - began:.1f} s / 沙盒已就绪", style="dim")
        try:
            tell(callers, sandbox.operator, console)
        except StoryFailed:
            return 1
        if not once:
            _stay_up(sandbox, callers, console)
    return 0


def _set_date(operator: Operator) -> None:
    """The legal date the samples were made for, before anything is published: their dates are days before it."""
    real = Clock().legal_date()
    offset = (date.fromisoformat(samples().base) - real).days
    wanted = operator.call("catalogue", "POST", "/v1/admin/clock", {"offset_days": offset})["legal_date"]
    while operator.call("catalogue", "GET", "/v1/admin/clock")["legal_date"] != wanted:
        time.sleep(0.02)


def _all_follow(state: Path, number: int) -> None:
    """Wait until every process goes by what was published: the door refuses a party it does not know yet."""
    operators = [running.operator for running in run_files.read(state) if running.services]
    while any(httpx.get(f"{each}/health/ready", timeout=5).json()["catalogue"] < number for each in operators):
        time.sleep(0.02)


class Sandbox:
    """A running sandbox node: where it answers, and its processes."""

    def __init__(self, settings: NodeSettings, server: EmbeddedServer, children: list[Child]) -> None:
        self.settings = settings
        self.server = server
        self.children = children
        self.operator = Operator(settings.state)

    def kill_and_restart(self, number: int) -> None:
        """End a process as a crash would, and start it again: what a test of promises needs."""
        self.children[number].kill()
        self.children[number] = self.children[number].again()
        self.children[number].ready()

    @property
    def url(self) -> str:
        """The gateway's address."""
        return next(found.url for found in run_files.read(self.settings.state) if "gateway" in found.services)


@contextmanager
def started(state: Path, *, bus: str, split: bool, console: Console) -> Iterator[Sandbox]:
    """A fresh node in `state`, as one process or as one a service; taken down on leaving."""
    if (state / "run").exists() and run_files.read(state):
        raise NodeError(f"a node is running in {state}; stop it first", f"{state} 中已有节点在运行，请先停止")
    server = EmbeddedServer(state / "postgres")
    with ExitStack() as stack:
        with console.status("PostgreSQL"):
            _empty(state, server)
            stack.callback(lambda: asyncio.run(server.stop()))
            asyncio.run(server.start())
        settings = _settings(state, server, stack.enter_context(broker.broker(bus, state / "kafka", console)))
        running.make_keys(settings)
        with console.status("migrations / 建库"):
            asyncio.run(database.create(settings, server.admin_url))
            if isinstance(settings.bus, KafkaBus):
                asyncio.run(topics.apply(settings, anew=True))  # what a former sandbox published is of another database
        children: list[Child] = []
        stack.callback(_stop, children)
        with console.status("processes / 进程"):
            _start(settings, children, split=split)
            _set_date(Operator(state))
            answer = Operator(state).call("catalogue", "POST", "/v1/admin/catalogue", {"folder": None})
            _all_follow(state, 1 + answer["published"])
        yield Sandbox(settings, server, children)


def _stop(children: list[Child]) -> None:
    for child in reversed(children):
        child.stop()


def _empty(state: Path, server: EmbeddedServer) -> None:
    if state.exists():
        broker.forget(state / "kafka")
        asyncio.run(server.remove())
        shutil.rmtree(state)
    state.mkdir(parents=True)


def _settings(state: Path, server: EmbeddedServer, bus: BusSettings) -> NodeSettings:
    address = server.tcp_url.set(username=None, password=None, database=CODE).render_as_string()
    given = {"node": CODE, "tier": "city", "parts": PARTS, "sandbox": True, "state": state, "database": address}
    return NodeSettings.model_validate({**given, "bus": bus})


def _environment(settings: NodeSettings) -> dict[str, str]:
    return {
        "CREDITMESH_NODE": settings.node,
        "CREDITMESH_TIER": settings.tier,
        "CREDITMESH_PARTS": str(settings.parts),
        "CREDITMESH_SANDBOX": "true",
        "CREDITMESH_STATE": str(settings.state.resolve()),
        "CREDITMESH_DATABASE": str(settings.database),
        "CREDITMESH_LEASE_SECONDS": "5",
        "PYTHONWARNINGS": "ignore",
        **broker.variables(settings.bus),
    }


def _start(settings: NodeSettings, children: list[Child], *, split: bool) -> None:
    environment = _environment(settings)

    def child(name: str, *arguments: str, **more: str) -> Child:
        ports = {"CREDITMESH_PORT": str(more.pop("port", 0)), "CREDITMESH_OPERATOR_PORT": "0"}
        made = Child(name, arguments, state=settings.state, environment={**environment, **ports, **more})
        children.append(made)
        return made

    if split:
        services = [service.name for service in NODE.services if service.name != "gateway"]
        started_services = {name: child(name, "serve", name) for name in services}
        addresses = {name: made.ready().url for name, made in started_services.items()}
        child("gateway", "serve", "gateway", CREDITMESH_SERVICES=json.dumps(addresses)).ready()
    else:
        child("node", "up").ready()
    if isinstance(settings.bus, KafkaBus):
        relay_environment = {**environment, "CREDITMESH_OPERATOR_PORT": "0"}
        relay = Supervised("relay", ["relay"], state=settings.state, environment=relay_environment, code=publisher.EXIT)
        children.append(relay)
        relay.ready()


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
    console.rule("the node stays up; Ctrl-C ends it / 节点保持运行，按 Ctrl-C 结束")
    console.print(f"API         {sandbox.url}/docs", highlight=False)
    console.print(f"callers     {callers.path}  (tokens of invented parties, owner-only)", highlight=False)
    console.print(
        "try         .venv/bin/creditmesh submit samples/penalties.csv --sandbox market_regulation", highlight=False
    )
    console.print(f"logs        {sandbox.settings.state}/logs", highlight=False)
    while all(child.alive for child in sandbox.children):
        time.sleep(0.5)
    raise NodeError("a process of the node has ended; see its log", "节点的一个进程已结束，请查看日志")
