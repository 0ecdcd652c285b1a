"""What a route demands of its caller: declared on the route, checked by the gateway and again by the service."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

from creditmesh.chassis.caller import Caller
from creditmesh.chassis.errors import Forbidden
from creditmesh.schemas.events.access import CallerKind


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """Who may call a route: these kinds of caller, holding this scope. `internal` routes are not reachable outside."""

    scope: str | None = None
    kinds: frozenset[CallerKind] = frozenset()
    internal: bool = False
    scopes: Mapping[CallerKind, str] = field(default_factory=dict, hash=False)
    """Where each kind of caller needs a scope of its own, instead of `scope`."""
    named: bool = False
    """Whether it is for named officers: with a token of their own, and no key of a party."""

    @classmethod
    def public(cls) -> "AccessPolicy":
        """Open to everyone, with or without a credential."""
        return cls()

    @classmethod
    def to(cls, *kinds: CallerKind, scope: str, named: bool = False) -> "AccessPolicy":
        """Open to these kinds of caller if they hold the scope; `named`: to officers of theirs by name."""
        return cls(scope, frozenset(kinds), named=named)

    @classmethod
    def each(cls, **scopes: str) -> "AccessPolicy":
        """Open to these kinds of caller, each with the scope named for it: `each(subject="cases:file", ...)`."""
        kinds = {kind: scopes[kind] for kind in get_args(CallerKind) if kind in scopes}
        if len(kinds) != len(scopes):
            raise TypeError(f"no such kind of caller among {', '.join(scopes)}")
        return cls(kinds=frozenset(kinds), scopes=kinds)

    def scope_of(self, kind: CallerKind) -> str | None:
        """The scope that this kind of caller needs here."""
        return self.scopes.get(kind, self.scope)

    @property
    def all_scopes(self) -> tuple[str, ...]:
        """Every scope that lets somebody in; none where no credential needs one."""
        return tuple(sorted({*self.scopes.values(), *([] if self.scope is None else [self.scope])}))

    @classmethod
    def inside(cls) -> "AccessPolicy":
        """For the node's own operator tools, on the second listener only."""
        return cls(internal=True)

    def document(self) -> dict[str, object]:
        """As it stands in the OpenAPI document of the node."""
        document: dict[str, object] = {"scope": self.scope, "kinds": sorted(self.kinds), "internal": self.internal}
        return document | ({"scopes": dict(self.scopes)} if self.scopes else {})

    def check(self, caller: Caller) -> None:
        """Forbidden, naming the scope or the kind that is missing."""
        if self.kinds and caller.kind not in self.kinds:
            kinds = ", ".join(sorted(self.kinds))
            raise Forbidden(f"This route is for: {kinds}.", f"此接口仅限: {kinds}。")
        scope = self.scope_of(caller.kind)
        if scope is not None and scope not in caller.scopes:
            if self.named:
                raise Forbidden(
                    f"A named officer does this: use the personal token of an officer that has the scope {scope!r}.",
                    f"须由具名工作人员办理：请使用具有权限 {scope!r} 的工作人员个人令牌。",
                )
            raise Forbidden(
                f"The credential lacks the scope {scope!r}; ask the node's operator for a key that has it.",
                f"凭证缺少权限 {scope!r}；请向节点运维人员申请。",
            )
