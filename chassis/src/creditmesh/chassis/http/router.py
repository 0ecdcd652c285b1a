"""The router every service declares its routes with: a policy on each, one transaction around each.

A route also says how much of a body it takes, where that is more than usual, whether its answers may be long in
coming, and whether they show what peers' copies say. The transaction is committed before the response leaves the route,
never in a dependency's clean-up, which the framework may run after the answer was sent. A `Problem` with `keep` commits
(a logged refusal), any other error rolls back, a failed commit is answered 503. Nothing on the way may keep an answer,
unless its route says otherwise.
"""

import re
from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Protocol, Self, TypeVar
from weakref import WeakKeyDictionary

from fastapi import APIRouter, Depends, Request, Response
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query
from fastapi.routing import APIRoute

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Invalid, Problem
from creditmesh.chassis.http.access import AccessPolicy
from creditmesh.chassis.http.bodies import USUAL, BodyLimit
from creditmesh.chassis.http.problems import answer_to, field_errors
from creditmesh.chassis.http.reading import StrictRequest
from creditmesh.chassis.http.straight import Handler, application, straight, within_stacks
from creditmesh.chassis.shares import working_for

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
ACCESS = "x-creditmesh-access"
BODY = "x-creditmesh-body"
REFERENCE = "#/components/schemas/{model}"
"""Where a model stands in the document."""
COPIES = "x-creditmesh-shows-copies"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a route declares beside its path."""

    access: AccessPolicy
    body: BodyLimit = USUAL
    waits: bool = False
    """Whether its answers may be long in coming (a long poll), so that they must not take others' connections."""
    shows_copies: bool = False
    """Whether it shows what copies of peers' records say: the door refuses it while these show what has ended."""


_POLICIES: WeakKeyDictionary[Callable[..., Any], Policy] = WeakKeyDictionary()


class Contexts(Protocol):
    """What an application keeps in `state.contexts`: it opens the context of a request."""

    def request(self, request: Request) -> AbstractAsyncContextManager[Context]:
        """The context of this request."""

    def named(self, request: Request) -> AbstractContextManager[None]:
        """What is logged inside has the request's names."""


class Tag(str):
    """The name under which routes stand together in the document, with what they are in both languages."""

    __slots__ = ("summary", "summary_zh")

    def __new__(cls, name: str, summary: str, summary_zh: str) -> Self:
        """The tag of that name."""
        tag = super().__new__(cls, name)
        tag.summary, tag.summary_zh = summary, summary_zh
        return tag

    summary: str
    summary_zh: str


class TransactionRoute(APIRoute):
    """Opens the context of a request, checks the route's policy, and commits before it answers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.app = application(self.get_route_handler())

    def get_route_handler(self) -> Handler:
        """The framework's handler, or the straight one, in our transaction. It answers every error itself."""
        handle = straight(self, _context, otherwise=within_stacks(super().get_route_handler()))
        policy = policy_of(self)
        known = {each.alias for each in get_flat_params(self.dependant) if isinstance(each.field_info, Query)}

        async def inside(request: Request) -> Response:
            contexts: Contexts = request.app.state.contexts
            with contexts.named(request):
                try:
                    async with contexts.request(request) as context:
                        policy.access.check(context.known_caller)
                        policy.body.check(request.scope["headers"])
                        _check_parameters(request, known)
                        request.state.context = context
                        read = StrictRequest(request.scope, policy.body.counted(request.receive, context.hold))
                        with working_for(context.known_caller.share):
                            return await _committed(context, handle(read))
                except Exception as error:  # noqa: BLE001 - the one place where an error becomes an answer
                    return answer_to(error, request, path=self.path)

        return inside


def _check_parameters(request: Request, known: Collection[str]) -> None:
    """Refuse a parameter the route does not have: `dryrun=true` must not store what was only to be tried."""
    if not request.scope["query_string"]:
        return
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        findings = [{"type": "extra_forbidden", "loc": ("query", name)} for name in unknown]
        raise Invalid("See errors for each parameter.", "各参数问题见 errors。", errors=field_errors(findings))


async def _committed(context: Context, answer: Awaitable[Response]) -> Response:
    try:
        response = await answer
    except Problem as problem:
        if problem.keep:
            await context.commit()
        raise
    await context.commit()
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def access_of(route: APIRoute) -> AccessPolicy:
    """Whom a route is for."""
    return policy_of(route).access


def policy_of(route: APIRoute) -> Policy:
    """The policy a route declares; a route without one is a mistake that stops the start."""
    try:
        return _POLICIES[route.endpoint]
    except KeyError:
        raise TypeError(f"route {route.path} declares no access policy") from None


class Router(APIRouter):
    """An `APIRouter` whose routes each need `access=AccessPolicy...` and run in a transaction."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(route_class=TransactionRoute, **kwargs)

    def api_route(
        self,
        path: str,
        *,
        access: AccessPolicy | None = None,
        body: BodyLimit | None = None,
        waits: bool = False,
        shows_copies: bool = False,
        **kwargs: Any,
    ) -> Callable[[Endpoint], Endpoint]:
        """As FastAPI's, with the policy beside the path."""
        if access is None:
            raise TypeError(f"route {path} declares no access policy")
        policy = Policy(access=access, body=body or USUAL, waits=waits, shows_copies=shows_copies)
        extra = {**kwargs.pop("openapi_extra", {}), ACCESS: access.document()}
        if body is not None:
            extra[BODY] = asdict(body)
        if shows_copies:
            extra[COPIES] = True
        registering = super().api_route

        def declare(endpoint: Endpoint) -> Endpoint:
            _POLICIES[endpoint] = policy
            described = {"summary": _summary(endpoint), **kwargs}
            return registering(path, openapi_extra=extra, **described)(endpoint)

        return declare

    def get(self, path: str, *, access: AccessPolicy, **kwargs: Any) -> Callable[[Endpoint], Endpoint]:  # type: ignore[override]
        """A GET route."""
        return self.api_route(path, access=access, methods=["GET"], **kwargs)

    def post(self, path: str, *, access: AccessPolicy, **kwargs: Any) -> Callable[[Endpoint], Endpoint]:  # type: ignore[override]
        """A POST route."""
        return self.api_route(path, access=access, methods=["POST"], **kwargs)

    def delete(self, path: str, *, access: AccessPolicy, **kwargs: Any) -> Callable[[Endpoint], Endpoint]:  # type: ignore[override]
        """A DELETE route."""
        return self.api_route(path, access=access, methods=["DELETE"], **kwargs)


def _summary(endpoint: Callable[..., Any]) -> str | None:
    """The first clause of what the endpoint says of itself."""
    said = (endpoint.__doc__ or "").strip()
    return re.split(r"[.:;](?:\s|$)", said, maxsplit=1)[0].replace("\n    ", " ") or None


async def _context(request: Request) -> Context:
    context: Context = request.state.context
    return context


Ctx = Annotated[Context, Depends(_context)]
"""The parameter by which a route gets its context."""
