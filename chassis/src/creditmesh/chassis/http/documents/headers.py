"""The headers of requests and answers, declared where a route's code reads or gives them."""

from collections.abc import Mapping
from typing import Any

from fastapi.routing import APIRoute

from creditmesh.chassis.http import conditions, idempotency
from creditmesh.chassis.http.reached import Reached
from creditmesh.chassis.http.router import policy_of

Parameter = Mapping[str, Any]
Headers = Mapping[str, Mapping[str, Any]]

_TEXT = {"type": "string"}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": idempotency.LONGEST},
    "description": "A fresh UUID for each thing to be done. The same key with the same body does it once; with another "
    "body it is 422. / 每次操作使用新的 UUID；同一键与同一正文只生效一次，正文不同则返回 422。",
}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "schema": _TEXT,
    "description": "The ETag of the state that the change was decided on, with its quotes; 412 if it has changed since."
    " / 作出更改时所依据状态的 ETag，须含双引号；此后已变更则返回 412。",
}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "schema": _TEXT,
    "description": "The ETag of the answer you have: 304 if it still stands. / 已有应答的 ETag；未变更则返回 304。",
}
_ENCODING = {
    "name": "Content-Encoding",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "enum": ["gzip", "identity"]},
    "description": "`gzip` for a packed body. / 正文经 gzip 压缩时填写 `gzip`。",
}
GIVEN: Headers = {
    "ETag": {
        "description": "The state of the resource, which a change sends as If-Match. / 资源状态，更改时作为 If-Match。",
        "schema": _TEXT,
    },
    "Location": {"description": "Where what this made is read. / 所生成资源的地址。", "schema": _TEXT},
    "Link": {"description": "What this belongs to, with its relation. / 相关资源及其关系。", "schema": _TEXT},
    idempotency.REPLAYED: {
        "description": "`true`: it was done before under this key. / `true` 表示该键此前已执行。",
        "schema": {"type": "string", "enum": ["true"]},
    },
}
RETRY_AFTER: Headers = {
    "Retry-After": {"description": "Seconds to wait. / 应等待的秒数。", "schema": {"type": "integer", "minimum": 0}}
}


def asked(route: APIRoute, reached: Reached) -> list[Parameter]:
    """The headers that a route reads."""
    texts = reached.texts(of=_room_of(route))
    found: list[Parameter] = []
    if conditions.expected in reached.functions:
        found.append({**_IF_MATCH, "required": True})
    elif "if-match" in texts:
        found.append({**_IF_MATCH, "required": False})
    if idempotency.key_of in reached.functions:
        found.append(_KEY)
    if may_be_unchanged(route, reached):
        found.append(_IF_NONE_MATCH)
    if policy_of(route).body.gzip:
        found.append(_ENCODING)
    return found


def given(route: APIRoute, reached: Reached) -> Headers:
    """The headers that a route puts on what it answers."""
    texts = reached.texts(of=_room_of(route))
    replays = idempotency.key_of in reached.functions
    return {name: each for name, each in GIVEN.items() if name in texts and (replays or name != idempotency.REPLAYED)}


def referred(given: Headers) -> dict[str, dict[str, str]]:
    """These headers as an answer names them: what each is stands once in the document."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in given}


def may_be_unchanged(route: APIRoute, reached: Reached) -> bool:
    """Whether it answers 304 to who has the answer already."""
    return "if-none-match" in reached.texts(of=_room_of(route))


def _room_of(route: APIRoute) -> str:
    """The `api` of the route's service: headers are its business alone."""
    room, _, rest = route.endpoint.__module__.partition(".api")
    return f"{room}.api" if rest or route.endpoint.__module__.endswith(".api") else route.endpoint.__module__
