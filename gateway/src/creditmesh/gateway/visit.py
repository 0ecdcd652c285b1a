"""One request at the door, from its first header to the last byte of its answer."""

from dataclasses import dataclass

from starlette.types import Receive, Scope

from creditmesh.chassis.caller import Caller
from creditmesh.chassis.http.signatures import SignedRequest
from creditmesh.gateway.answer import AnswerSender
from creditmesh.gateway.headers import RequestHeaders
from creditmesh.gateway.routes import Route


@dataclass(slots=True)
class Visit:
    """What is known of it so far."""

    scope: Scope
    receive: Receive
    incoming: RequestHeaders
    answer: AnswerSender
    route: Route | None = None
    caller: Caller | None = None
    """None for who came without a credential."""
    signed: SignedRequest | None = None
    """Whose signature it carries; its body is still to be compared."""

    @property
    def found(self) -> Route:
        """The route; there is one once the visit was let in."""
        if self.route is None:
            raise LookupError("no route was looked for")
        return self.route

    @property
    def method(self) -> str:
        """The HTTP method."""
        method: str = self.scope["method"]
        return method

    @property
    def headless(self) -> bool:
        """Whether only the headers of the answer are asked for."""
        return self.method == "HEAD"

    def onward(self) -> Scope:
        """The request as its service gets it, but for who calls; a HEAD is its GET, whose body the answer drops."""
        method = "GET" if self.headless else self.method
        return {**self.scope, "method": method, "headers": self.incoming.onward()}

    @property
    def path(self) -> str:
        """The decoded path."""
        path: str = self.scope["path"]
        return path

    @property
    def accept(self) -> str:
        """The kinds of answer that the caller says it reads."""
        given = (value for name, value in self.scope["headers"] if name == b"accept")
        return b",".join(given).decode("latin-1")

    @property
    def template(self) -> str | None:
        """The path without anybody's ids, for logs and metrics; None while no route is known."""
        return None if self.route is None else self.route.template
