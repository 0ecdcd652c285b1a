"""The one door: a raw ASGI application that lets requests through to their services, or refuses them.

In order: the caps, the door's own pages, who calls, which route, whether they may, and whether the route takes such a
body; then the request goes on without its credential and with who calls (in a token, if the service is in another
process), its body unparsed and in the pieces it came in (a signed one whole). Every line that is logged meanwhile has
the request's id and trace.
"""

import asyncio
from collections.abc import Mapping
from functools import cache, partial
from time import perf_counter

import structlog
from prometheus_client import Counter, Histogram
from starlette.types import Receive, Scope, Send

from creditmesh.chassis.clock import Clock
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.errors import Problem, Unavailable
from creditmesh.chassis.facts import Facts
from creditmesh.chassis.http.health import Readiness
from creditmesh.chassis.http.naming import named
from creditmesh.chassis.http.problems import of_error, render
from creditmesh.chassis.http.signatures import KeyOf
from creditmesh.chassis.metrics import REQUESTS, SECONDS, TOKENS_REFUSED
from creditmesh.chassis.service import Declaration
from creditmesh.chassis.vault.keys import Keys
from creditmesh.gateway.admission import Admission, CaughtUp, TakesPart
from creditmesh.gateway.answer import AnswerSender
from creditmesh.gateway.caps import Caps
from creditmesh.gateway.guard import Guard
from creditmesh.gateway.headers import Header, RequestHeaders
from creditmesh.gateway.openapi import document
from creditmesh.gateway.pages import Pages
from creditmesh.gateway.peers import Peers
from creditmesh.gateway.refusals import Refusals
from creditmesh.gateway.routes import Routes
from creditmesh.gateway.transport import ServiceTransport
from creditmesh.gateway.visit import Visit

log = structlog.get_logger(__name__)


def build(
    *,
    declaration: Declaration,
    transports: Mapping[str, ServiceTransport],
    pool: Pool,
    keys: Keys,
    clock: Clock,
    node: Facts,
    ready: Readiness,
    caps: Caps | None = None,
    documents: Mapping[str, bytes] | None = None,
    takes_part: TakesPart | None = None,
    peer_key: KeyOf | None = None,
    caught_up: CaughtUp | None = None,
) -> "Door":
    """The door of a node.

    `transports` has one for every service with a route reachable from outside (ValueError names the missing ones);
    `pool` connects as the gateway's role; `keys` holds `credential`; `documents` are further JSON pages by path,
    such as `/asyncapi.json`. `takes_part` and `peer_key` ask the followed catalogue: whether a party takes part, and
    with what an enrolled peer signs; `caught_up` refuses while the node has to catch up with one. None only where a
    node has no parties, or no peers.
    """
    routes = Routes(declaration.services)
    missing = {route.service for route in routes.all} - set(transports)
    if missing:
        raise ValueError(f"no transport for: {', '.join(sorted(missing))}")

    mac = partial(keys.mac, "credential")
    refusals = Refusals(pool, mac)
    guard = Guard(pool=pool, mac=mac, clock=clock, node=node)
    return Door(
        guard=guard,
        admission=Admission(
            guard=guard,
            peers=Peers(peer_key or (lambda _node, _key: None), node=node.code, clock=clock),
            routes=routes,
            refusals=refusals,
            clock=clock,
            takes_part=takes_part or (lambda _: True),
            caught_up=caught_up or _has_no_peers,
        ),
        pages=Pages(
            described=partial(document, declaration.services, node),
            ready=ready,
            clock=clock,
            node=node,
            documents=documents or {},
        ),
        transports=transports,
        refusals=refusals,
        clock=clock,
        sandbox=node.sandbox,
        caps=caps or Caps(),
    )


class Door:
    """The public application of a node; `close` it when its listener has drained."""

    def __init__(
        self,
        *,
        guard: Guard,
        admission: Admission,
        pages: Pages,
        transports: Mapping[str, ServiceTransport],
        refusals: Refusals,
        clock: Clock,
        sandbox: bool,
        caps: Caps,
    ) -> None:
        self._guard = guard
        self._admission = admission
        self._pages = pages
        self._transports = transports
        self._refusals = refusals
        self._clock = clock
        self._sandbox = sandbox
        self._caps = caps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. Nothing that a client sends is answered with a 500 of the door's own."""
        if scope["type"] != "http":
            raise ValueError(f"the door does not speak {scope['type']}")
        began = perf_counter()
        incoming = RequestHeaders.of(scope["headers"])
        added = self._on_every_answer(incoming)
        visit = Visit(scope, receive, incoming, AnswerSender(send, added=added, headless=scope["method"] == "HEAD"))
        with named(incoming.request_id, incoming.traceparent.decode()):
            problem = await self._attempt(visit)
            if problem is not None:
                await visit.answer.say(render(problem, incoming.request_id))
        answered, seconds = _metrics(visit.template or "-", visit.answer.status)
        answered.inc()
        seconds.observe(perf_counter() - began)

    async def close(self) -> None:
        """Write what the security log still waits for, and close the pooled connections."""
        await self._guard.close()
        await self._refusals.close()
        for transport in self._transports.values():
            await transport.close()

    async def _attempt(self, visit: Visit) -> Problem | None:
        try:
            async with asyncio.timeout(self._caps.seconds) as timer:
                await self._serve(visit)
        except Problem as problem:
            return problem
        except Exception as error:  # noqa: BLE001 - the one place where a fault becomes an answer
            return self._too_slow() if timer.expired() else of_error(error, path=visit.template or "-", reads=True)
        return None

    async def _serve(self, visit: Visit) -> None:
        self._caps.check(visit.scope, visit.incoming)
        if self._pages.has(visit.path):
            await visit.answer.say(await self._pages.answer(visit.method, visit.path, accept=visit.accept))
            return
        route = await self._admission.admit(visit)
        visit.answer.no_store = visit.caller is not None
        await self._transports[route.service](visit)
        if visit.answer.token_refused is not None:
            raise _token_refused(visit, route.service, visit.answer.token_refused)

    def _on_every_answer(self, incoming: RequestHeaders) -> list[Header]:
        headers = [(b"x-request-id", incoming.request_id.encode())]
        if self._sandbox:
            headers.append((b"x-legal-date", self._clock.legal_date().isoformat().encode()))
        return headers

    def _too_slow(self) -> Unavailable:
        return Unavailable(
            f"The request was not answered within {self._caps.seconds:g} s. Send it again with the same "
            "Idempotency-Key; send less at once.",
            f"请求未能在 {self._caps.seconds:g} 秒内完成。请使用相同的 Idempotency-Key 重新发送，或减少单次数据量。",
            headers={"Retry-After": "1"},
        )


async def _has_no_peers() -> None:
    """Nothing to catch up with."""


def _token_refused(visit: Visit, service: str, reason: str) -> Unavailable:
    """The node's own trouble (its hosts' clocks, its key files), told to its operator."""
    TOKENS_REFUSED.labels("gateway", service, reason).inc()
    log.error("a service refuses the gateway's token", service=service, reason=reason, path=visit.template)
    return Unavailable(
        "The processes of this node do not trust each other now; your credential is good. Nothing was done.",
        "本节点内部进程之间暂时无法互信；所用凭证有效。请求未被处理。",
        headers={"Retry-After": "5"},
    )


@cache
def _metrics(route: str, status: int) -> tuple[Counter, Histogram]:
    return REQUESTS.labels("gateway", route, status), SECONDS.labels("gateway", route)
