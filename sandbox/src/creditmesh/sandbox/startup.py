"""Starting a sandbox from nothing and taking it down: one PostgreSQL, one broker, and the processes of its nodes.

Everything it starts it stops. The libraries of all its processes are loaded once, by the fork server, while the first
database is being made.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console

from creditmesh.chassis.database.embedded import EmbeddedServer
from creditmesh.chassis.settings import BusSettings, KafkaBusSettings, NodeSettings
from creditmesh.node import database, running, topics
from creditmesh.sandbox import broker, leftovers
from creditmesh.sandbox.chain import CHAIN, TIERS, join
from creditmesh.sandbox.forked import Forking, forking
from creditmesh.sandbox.node import SandboxNode
from creditmesh.schemas.identifiers import NodeCode

PARTS = 12


class Sandbox:
    """The running sandbox: the server that holds the database of every node, and the nodes."""

    def __init__(self, server: EmbeddedServer) -> None:
        self.server = server
        self.nodes: dict[NodeCode, SandboxNode] = {}

    @property
    def alive(self) -> bool:
        """Whether every process of every node runs."""
        return all(child.alive for node in self.nodes.values() for child in node.children.values())

    def stop(self) -> None:
        """Stop every process: all are told first, so that they end at the same time."""
        children = [child for node in self.nodes.values() for child in node.children.values()]
        for child in children:
            child.terminate()
        for child in children:
            child.wait()


@contextmanager
def started(
    state: Path, *, bus: str, split: bool, console: Console, codes: Sequence[NodeCode] = CHAIN
) -> Iterator[Sandbox]:
    """Fresh nodes in `state`, each one process or one a service, with catalogue and peers; taken down on leaving."""
    server = EmbeddedServer(leftovers.servers(state) / "postgres")
    with ExitStack() as stack:
        with console.status("PostgreSQL"):
            leftovers.take_away(state)
            leftovers.make(state, codes)
            stack.callback(lambda: asyncio.run(server.stop()))
            forked = stack.enter_context(forking(leftovers.servers(state)))
            asyncio.run(server.start())
        carrier = stack.enter_context(broker.broker(bus, leftovers.servers(state) / "kafka", console))
        sandbox = Sandbox(server)
        stack.callback(sandbox.stop)
        for code in codes:
            with console.status(f"{code}: migrations / 建库"):
                sandbox.nodes[code] = _node(
                    _settings(code, state, server, carrier), server, split=split, forking=forked
                )
        with console.status("processes / 进程"):
            for node in sandbox.nodes.values():
                node.launch_gateway()
            for node in sandbox.nodes.values():
                node.ready()
        with console.status("catalogue, peers / 目录、对等节点"):
            join(sandbox.nodes)
        yield sandbox


def _node(settings: NodeSettings, server: EmbeddedServer, *, split: bool, forking: Forking) -> SandboxNode:
    running.make_keys(settings)
    asyncio.run(database.create(settings, server.admin))
    if isinstance(settings.bus, KafkaBusSettings):
        asyncio.run(topics.apply(settings, anew=True))  # what a former sandbox published is of another database
    node = SandboxNode(settings, split=split, forking=forking)
    node.launch()
    return node


def _settings(code: NodeCode, state: Path, server: EmbeddedServer, bus: BusSettings) -> NodeSettings:
    address = server.tcp.of(code).url
    given = {"node": code, "tier": TIERS[code], "parts": PARTS, "sandbox": True, "state": state / code}
    return NodeSettings.model_validate({**given, "database": address, "bus": bus})
