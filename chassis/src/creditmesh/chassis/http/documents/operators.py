"""The document of the second listener: the routes of the services that live in this process, for who has the secret."""

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

from creditmesh.chassis.errors import Unauthenticated
from creditmesh.chassis.http.app import routes_of
from creditmesh.chassis.http.documents.document import Area, Listener, described
from creditmesh.chassis.service import Service

_SCHEME = "operator"
_ABOUT = (
    "The second listener of the node `{code}`, for its operator. The secret is in the file `operator` of the node's "
    "secrets: `Authorization: Bearer <secret>`. Without it: `/health/live`, `/health/ready` (with reasons), `/metrics`."
    "\n\n节点 `{code}` 的运维端口。运维密钥见节点 secrets 目录中的 `operator` 文件，"
    "以 `Authorization: Bearer <密钥>` 发送；`/health/live`、`/health/ready`（含原因）与 `/metrics` 无需密钥。"
)
_ANSWERS = {
    "X-Request-Id": {
        "description": "The request's id, as the logs have it. / 请求编号，与日志一致。",
        "schema": {"type": "string"},
    }
}


def operators_document(services: Iterable[Service], *, code: str) -> dict[str, Any]:
    """The document of the operator's routes of these services."""
    areas = [
        Area(
            name=service.name,
            summary=service.summary,
            summary_zh=service.summary_zh,
            routes=routes_of(service, internal=True),
        )
        for service in services
    ]
    return described(
        Listener(
            title=f"Creditmesh {code}: operator",
            about=_ABOUT.format(code=code),
            version=version("creditmesh-chassis"),
            schemes={_SCHEME: {"type": "http", "scheme": "bearer", "description": "The operator's secret / 运维密钥"}},
            security=lambda _: [{_SCHEME: []}],
            refusals=lambda _: frozenset({Unauthenticated}),
            answers=_ANSWERS,
        ),
        areas,
    )
