"""What a route demands of its caller: declared on the route, checked by the gateway and again by the service."""

from dataclasses import dataclass

from creditmesh.chassis.caller import Caller
from creditmesh.chassis.errors import Forbidden
from creditmesh.schemas.events.access import CallerKind


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call a route: these kinds of caller, holding this scope. `internal` routes are not reachable outside."""

    scope: str | None = None
    kinds: frozenset[CallerKind] = frozenset()
    internal: bool = False

    @classmethod
    def public(cls) -> "Access":
        """Open to everyone, with or without a credential."""
        return cls()

    @classmethod
    def to(cls, *kinds: CallerKind, scope: str) -> "Access":
        """Open to these kinds of caller if they hold the scope."""
        return cls(scope, frozenset(kinds))

    @classmethod
    def inside(cls) -> "Access":
        """For the node's own operator tools, on the second listener only."""
        return cls(internal=True)

    def document(self) -> dict[str, object]:
        """As it stands in the OpenAPI document of the node."""
        return {"scope": self.scope, "kinds": sorted(self.kinds), "internal": self.internal}

    def check(self, caller: Caller) -> None:
        """Forbidden, naming the scope or the kind that is missing."""
        if self.kinds and caller.kind not in self.kinds:
            kinds = ", ".join(sorted(self.kinds))
            raise Forbidden(f"This route is for: {kinds}.", f"此接口仅限: {kinds}。")
        if self.scope is not None and self.scope not in caller.scopes:
            raise Forbidden(
                f"The credential lacks the scope {self.scope!r}; ask the node's operator for a key that has it.",
                f"凭证缺少权限 {self.scope!r}；请向节点运维方申请。",
            )
