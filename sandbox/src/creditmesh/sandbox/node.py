"""One node of the sandbox: its settings, its processes, and where it answers."""

import json
from collections.abc import Mapping

from creditmesh.chassis.bus.kafka import publisher
from creditmesh.chassis.settings import KafkaBusSettings, NodeSettings
from creditmesh.node import run_files
from creditmesh.node.declaration import NODE
from creditmesh.node.operator import Operator
from creditmesh.sandbox import broker
from creditmesh.sandbox.forked import Forking
from creditmesh.sandbox.processes import Child, Supervised

GATEWAY = "gateway"


class SandboxNode:
    """A node whose database was made: its processes are launched, waited for, killed and stopped here."""

    def __init__(self, settings: NodeSettings, *, split: bool, forking: Forking) -> None:
        self.settings = settings
        self.operator = Operator(settings.state)
        self.children: dict[str, Child] = {}
        """Its processes: `node`, or each service by its name; `relay` beside them on Kafka."""
        self._split = split
        self._forking = forking

    @property
    def url(self) -> str:
        """The gateway's address."""
        return next(found.url for found in run_files.read(self.settings.state) if GATEWAY in found.services)

    @property
    def environment(self) -> dict[str, str]:
        """The settings as its processes read them."""
        return {
            "CREDITMESH_NODE": self.settings.node,
            "CREDITMESH_TIER": self.settings.tier,
            "CREDITMESH_PARTS": str(self.settings.parts),
            "CREDITMESH_SANDBOX": "true",
            "CREDITMESH_STATE": str(self.settings.state.resolve()),
            "CREDITMESH_DATABASE": str(self.settings.database),
            "CREDITMESH_LEASE_SECONDS": "5",
            **broker.variables(self.settings.bus),
        }

    def launch(self) -> None:
        """Start its processes without waiting: all but the gateway where every service is its own."""
        if self._split:
            for name in (service.name for service in NODE.services if service.name != GATEWAY):
                self._child(name, "serve", name)
        else:
            self._child("node", "up")

    def launch_gateway(self) -> None:
        """Start the gateway where it is by itself: it must be told where the services are, so they are waited for."""
        if self._split:
            addresses = {name: child.ready().url for name, child in self.children.items()}
            self._child(GATEWAY, "serve", GATEWAY, more={"CREDITMESH_SERVICES": json.dumps(addresses)})
        if isinstance(self.settings.bus, KafkaBusSettings):
            self.children["relay"] = Supervised(
                "relay",
                ["relay"],
                state=self.settings.state,
                environment=self._environment({}),
                forking=self._forking,
                code=publisher.EXIT,
            )

    def ready(self) -> None:
        """Wait until every process answers. NodeError names the log of one that does not."""
        for child in self.children.values():
            child.ready()

    def _child(self, name: str, *arguments: str, more: Mapping[str, str] | None = None) -> None:
        environment = self._environment(more or {})
        self.children[name] = Child(
            name, arguments, state=self.settings.state, environment=environment, forking=self._forking
        )

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        return {**self.environment, "CREDITMESH_PORT": "0", "CREDITMESH_OPERATOR_PORT": "0", **more}
