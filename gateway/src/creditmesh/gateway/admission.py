"""Who comes in: the credential or the signature, its party, the route, and whether the one may call the other.

Refusals are noted.
"""

from collections.abc import Awaitable, Callable

from creditmesh.chassis.caller import Caller
from creditmesh.chassis.clock import Clock
from creditmesh.chassis.errors import Forbidden, NotFound, Problem, Unauthenticated
from creditmesh.gateway.errors import NotTakingPart, TwoCredentials
from creditmesh.gateway.guard import Guard
from creditmesh.gateway.peers import Peers
from creditmesh.gateway.refusals import Refusal, Refusals
from creditmesh.gateway.routes import Route, Routes
from creditmesh.gateway.visit import Visit

TakesPart = Callable[[str], bool]
"""Whether the party of that code takes part in the node now."""
CaughtUp = Callable[[], Awaitable[None]]
"""CatchingUp while copies of peers' records may show what has ended."""


class Admission:
    """Finds a visit's caller and route, or refuses it."""

    def __init__(
        self,
        *,
        guard: Guard,
        peers: Peers,
        routes: Routes,
        refusals: Refusals,
        clock: Clock,
        takes_part: TakesPart,
        caught_up: CaughtUp,
    ) -> None:
        self._guard = guard
        self._peers = peers
        self._routes = routes
        self._refusals = refusals
        self._clock = clock
        self._takes_part = takes_part
        self._caught_up = caught_up

    async def admit(self, visit: Visit) -> Route:
        """The route, with its caller in the visit.

        A credential or a signature that is presented must be valid, whatever the path: else 401 even for what is open
        to all, and 403 where its party takes no part any more. Then 404 and 405 for the path, 401 without a credential
        where one is needed, 403 where it does not suffice, 503 where it shows what this node has to catch up with, 413
        and 415 for a body that the route does not take, and 401 for one that is not the signed one.
        """
        presented = bool(visit.incoming.authorization) or visit.incoming.signed
        try:
            if presented:
                visit.caller = await self._caller(visit)
                self._check_party(visit.caller)
            visit.route = self._routes.find(visit.method, visit.path)
            _check(visit, visit.route)
            if visit.route.shows_copies:
                await self._caught_up()
            visit.route.body.check(visit.scope["headers"])
            if visit.signed is not None:
                await self._peers.check_body(visit, visit.signed)
        except (Unauthenticated, Forbidden, NotFound) as problem:
            if presented or not isinstance(problem, NotFound):
                self._note(visit, problem)
            raise
        return visit.route

    async def _caller(self, visit: Visit) -> Caller:
        if not visit.incoming.signed:
            return await self._guard.caller(visit.incoming.authorization)
        if visit.incoming.authorization:
            raise TwoCredentials
        visit.signed = self._peers.signed(visit)
        return self._peers.caller(visit.signed)

    def _check_party(self, caller: Caller) -> None:
        if caller.party is not None and not self._takes_part(caller.party):
            raise NotTakingPart(
                "The catalogue has no active party of this credential; ask the credit office.",
                "目录中没有该凭证所属的有效参与方；请联系信用工作机构。",
            )

    def _note(self, visit: Visit, problem: Problem) -> None:
        client = visit.scope.get("client")
        refusal = Refusal(
            method=visit.method,
            route=visit.template,
            status=problem.status,
            reason=getattr(problem, "reason", problem.code),
            key=getattr(problem, "key", None) if visit.caller is None else visit.caller.credential,
            address=None if client is None else self._refusals.address(client[0]),
        )
        self._refusals.note(refusal, at=self._clock.instant(), request_id=visit.incoming.request_id)


def _check(visit: Visit, route: Route) -> None:
    if visit.caller is not None:
        route.access.check(visit.caller)
    elif not route.open:
        raise Unauthenticated(
            "Send `Authorization: Bearer <key or token>`.",
            "请发送 `Authorization: Bearer <密钥或令牌>`。",
            headers={"WWW-Authenticate": "Bearer"},
        )
