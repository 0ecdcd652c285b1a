"""The document of everything that is reachable from outside: whom a route is for, and what the door itself refuses."""

from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from fastapi.routing import APIRoute

from creditmesh.chassis.errors import Forbidden, Problem, Unauthenticated
from creditmesh.chassis.facts import Facts
from creditmesh.chassis.http.documents import Area, Listener, described
from creditmesh.chassis.http.reached import reached_from
from creditmesh.chassis.http.router import policy_of
from creditmesh.chassis.http.signatures import DIGEST, TO
from creditmesh.chassis.service import Service
from creditmesh.gateway.admission import Admission
from creditmesh.gateway.caps import Caps
from creditmesh.gateway.errors import CatchingUp, NotTakingPart, SignatureNeeded
from creditmesh.gateway.guard import Guard
from creditmesh.gateway.peers import Peers
from creditmesh.gateway.routes import Routes

CREDENTIAL, SIGNATURE = "credential", "signature"
_ABOUT = (
    "The one door of the node `{code}`. Every route names the kinds of caller and the scope it is for "
    "(`x-creditmesh-access`). Errors are RFC 9457 problem documents in English and Chinese, and every answer names "
    "the codes it may have (`x-creditmesh-problems`).\n\n"
    "节点 `{code}` 的统一入口。每个接口注明可调用方与所需权限；错误均为中英文 RFC 9457 问题文档，"
    "各应答列出可能的错误代码（`x-creditmesh-problems`）。"
)
_SCHEMES: Mapping[str, Mapping[str, Any]] = {
    CREDENTIAL: {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key or a person's token: `Authorization: Bearer cm_<node>_...` / API 密钥或个人令牌",
    },
    SIGNATURE: {
        "type": "apiKey",
        "in": "header",
        "name": "Signature",
        "description": "An enrolled node signs (RFC 9421, Ed25519) with its `node` key, in place of a credential: "
        "`Signature-Input`, `Signature`, `Creditmesh-To` and, with a body, `Content-Digest`. / "
        "已登记节点以其 `node` 密钥签名（RFC 9421，Ed25519），不使用凭证。",
    },
}
_SIGNED = {
    "Signature-Input": "What the signature covers, until when, by which key (RFC 9421). / 签名覆盖的内容、期限与密钥。",
    TO.title(): "The code of the node that is asked; covered by the signature. / 被请求节点的代码，须被签名覆盖。",
    DIGEST.title(): "The digest of the body (RFC 9530), where there is one. / 正文摘要（如有正文）。",
}
_ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "X-Request-Id": {
        "description": "The request's id: its operator finds it under this. / 请求编号，运维人员据此查询。",
        "schema": {"type": "string"},
    }
}
_LEGAL_DATE: Mapping[str, Mapping[str, Any]] = {
    "X-Legal-Date": {
        "description": "The day that this sandbox goes by. / 沙箱的业务日期。",
        "schema": {"type": "string", "format": "date"},
    }
}


@lru_cache(maxsize=8)
def document(services: tuple[Service, ...], node: Facts) -> Mapping[str, Any]:
    """The document of all routes that are reachable from outside; making it takes seconds, so it is kept."""
    routes = Routes(services)
    areas = [
        Area(
            name=service.name,
            summary=service.summary,
            summary_zh=service.summary_zh,
            routes=[route.declared for route in routes.all if route.service == service.name],
        )
        for service in services
    ]
    return described(listener(node), areas)


def listener(node: Facts) -> Listener:
    """What is true of everything that comes in by the door."""
    return Listener(
        title=f"Creditmesh {node.code}",
        about=_ABOUT.format(code=node.code),
        version=version("creditmesh-gateway"),
        schemes=_SCHEMES,
        security=_security,
        refusals=_refusals,
        refuses_all=frozenset(reached_from(Caps).problems),
        asks=_asks,
        answers={**_ANSWERS, **(_LEGAL_DATE if node.sandbox else {})},
    )


def _security(route: APIRoute) -> list[dict[str, list[str]]]:
    access = policy_of(route).access
    needed = [{CREDENTIAL: [scope]} for scope in access.all_scopes] or [{CREDENTIAL: []}]
    signed = [{SIGNATURE: list(access.all_scopes)}] if "node" in access.kinds else []
    return [*([] if access.kinds else [{}]), *needed, *signed]


def _refusals(route: APIRoute) -> frozenset[type[Problem]]:
    """A credential that is presented must be valid, also where none is needed."""
    policy = policy_of(route)
    refused = {Unauthenticated, NotTakingPart, SignatureNeeded, *reached_from(Guard).problems}
    if policy.access.kinds:
        refused |= {Forbidden}
    if "node" in policy.access.kinds:
        refused |= reached_from(Peers, Admission).problems - reached_from(Routes).problems
    if policy.shows_copies:
        refused |= {CatchingUp}
    return frozenset(refused)


def _asks(route: APIRoute) -> list[dict[str, Any]]:
    if "node" not in policy_of(route).access.kinds:
        return []
    return [
        {"name": name, "in": "header", "required": False, "schema": {"type": "string"}, "description": about}
        for name, about in _SIGNED.items()
        if name != DIGEST.title() or "POST" in (route.methods or ())
    ]
