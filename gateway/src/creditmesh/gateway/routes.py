"""Which service serves a path, and what the route demands: made once from what the services declare.

A tree of path segments finds the few routes that could serve a path; the framework's own pattern then decides, and of
several the one declared first, as inside the service. So the door never holds a route to a policy that is not its own.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter

from fastapi.routing import APIRoute

from creditmesh.chassis.errors import NotFound
from creditmesh.chassis.http.access import AccessPolicy
from creditmesh.chassis.http.app import routes_of
from creditmesh.chassis.http.bodies import BodyLimit
from creditmesh.chassis.http.problems import MethodNotAllowed
from creditmesh.chassis.http.router import policy_of
from creditmesh.chassis.service import Service
from creditmesh.gateway.models import SCOPES


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route of one service, as the door needs it."""

    place: int
    """Its place among all declared routes."""
    service: str
    template: str
    methods: frozenset[str]
    access: AccessPolicy
    body: BodyLimit
    waits: bool
    """Whether its answers may be long in coming."""
    shows_copies: bool
    """Whether it shows what peers' copies say."""
    declared: APIRoute

    @property
    def open(self) -> bool:
        """Whether it may be called without a credential."""
        return self.access.scope is None and not self.access.kinds


@dataclass(slots=True)
class _Node:
    named: dict[str, "_Node"] = field(default_factory=dict)
    any: "_Node | None" = None
    here: list[Route] = field(default_factory=list)
    below: list[Route] = field(default_factory=list)
    """Routes whose last parameter takes slashes too."""


class Routes:
    """The routes reachable from outside. Those for the operator are not among them: to the world they do not exist."""

    def __init__(self, services: Iterable[Service]) -> None:
        self._root = _Node()
        self.all: list[Route] = []
        for service in services:
            for declared in routes_of(service, internal=False):
                self._add(service.name, declared)
        self._exact = {
            (method, route.template): self._search(method, route.template)
            for route in self.all
            if "{" not in route.template
            for method in route.methods
        }

    def find(self, method: str, path: str) -> Route:
        """The route that serves it; NotFound for an unknown path, MethodNotAllowed for a known path's other method.

        HEAD is served wherever GET is.
        """
        if method == "HEAD":
            method = "GET"
        return self._exact.get((method, path)) or self._search(method, path)

    def _search(self, method: str, path: str) -> Route:
        served = [route for route in _candidates(self._root, path) if route.declared.path_regex.match(path)]
        for route in served:
            if method in route.methods:
                return route
        if not served:
            raise NotFound(
                "This node has no such path; /docs lists what it has.", "本节点没有此路径，可用路径见 /docs。"
            )
        taken = {method for route in served for method in route.methods}
        allowed = ", ".join(sorted(taken | ({"HEAD"} if "GET" in taken else set())))
        raise MethodNotAllowed(
            f"This path takes: {allowed}.", f"此路径支持的方法: {allowed}。", headers={"Allow": allowed}
        )

    def _add(self, service: str, declared: APIRoute) -> None:
        policy = policy_of(declared)
        if unknown := set(policy.access.all_scopes) - SCOPES:
            raise TypeError(f"route {declared.path} demands {sorted(unknown)}, which no credential can have")
        route = Route(
            place=len(self.all),
            service=service,
            template=declared.path_format,
            methods=frozenset(declared.methods or ()),
            access=policy.access,
            body=policy.body,
            waits=policy.waits,
            shows_copies=policy.shows_copies,
            declared=declared,
        )
        self.all.append(route)
        node = self._root
        for segment in declared.path.split("/"):
            if segment.endswith(":path}"):
                node.below.append(route)
                return
            if "{" in segment:
                node.any = node.any or _Node()
                node = node.any
            else:
                node = node.named.setdefault(segment, _Node())
        node.here.append(route)


def _candidates(root: _Node, path: str) -> list[Route]:
    """Every route whose segments could be the path's, in the order they were declared."""
    nodes, found = [root], list(root.below)
    for segment in path.split("/"):
        nodes = [child for node in nodes for child in (node.named.get(segment), node.any) if child is not None]
        for node in nodes:
            found += node.below
    for node in nodes:
        found += node.here
    return sorted(found, key=attrgetter("place"))
