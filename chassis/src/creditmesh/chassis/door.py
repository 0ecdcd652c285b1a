"""The door as the host sees it: what it is built from, and what it is once it is built."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from creditmesh.chassis.equipment import Equipment
from creditmesh.chassis.service import Declaration
from creditmesh.chassis.settings import NodeSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosted:
    """What the door is built from: the applications of this process, and the gateway's own equipment."""

    declaration: Declaration
    settings: NodeSettings
    apps: Mapping[str, FastAPI]
    equipment: Equipment
    readiness: Callable[[], Any]


class DoorApp(Protocol):
    """The public application: called like any, and closed when the process ends."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

    async def close(self) -> None:
        """Write what is still unwritten and let go of connections."""


Door = Callable[[Hosted], DoorApp]
"""Builds the public application; the node gives it, because the chassis does not know the gateway."""
