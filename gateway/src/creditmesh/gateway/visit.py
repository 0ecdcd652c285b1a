"""One request at the door, from its first header to the last byte of its answer."""

from dataclasses import dataclass

from starlette.types import Receive, Scope

from creditmesh.chassis.caller import Caller
from creditmesh.chassis.http.signatures import Signed
from creditmesh.gateway.answer import Answer
from creditmesh.gateway.headers import Incoming
from creditmesh.gateway.routes import Route


@dataclass(slots=True)
class Visit:
    """What is known of it so far."""

    scope: Scope
    receive: Receive
    incoming: Incoming
    answer: Answer
    route: Route | None = None
    caller: Caller | None = None
    """None for who came without a credential."""
    signed: Signed | None = None
    """Whose signature it carries; its body is still to be compared."""

    @property
    def method(self) -> str:
        """The HTTP method."""
        method: str = self.scope["method"]
        return method

    @property
    def path(self) -> str:
        """The decoded path."""
        path: str = self.scope["path"]
        return path

    @property
    def template(self) -> str | None:
        """The path without anybody's ids, for logs and metrics; None while no route is known."""
        return None if self.route is None else self.route.template
