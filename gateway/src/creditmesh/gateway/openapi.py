"""One OpenAPI 3.1 document for the whole node, put together from what the services declare."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.metadata import version
from typing import Any

from fastapi.openapi.utils import get_openapi

from creditmesh.chassis.facts import Facts
from creditmesh.chassis.service import Service
from creditmesh.gateway.routes import Route, Routes
from creditmesh.schemas.problems import PROBLEM_JSON, ProblemDocument

_REFERENCE = "#/components/schemas/{model}"
_SCHEME = "credential"
_FRAMEWORKS_OWN = ("HTTPValidationError", "ValidationError")
_ABOUT = (
    "The one door of the node `{code}`. Every route names the kinds of caller and the scope it is for "
    "(`x-creditmesh-access`). Errors are RFC 9457 problem documents in English and Chinese.\n\n"
    "节点 `{code}` 的统一入口。每个接口注明可调用方与所需权限，错误均为中英文 RFC 9457 问题文档。"
)
_HOW = "An API key or a person's token: `Authorization: Bearer cm_<node>_...` / API 密钥或个人令牌"


@lru_cache(maxsize=8)
def document(services: tuple[Service, ...], node: Facts) -> Mapping[str, Any]:
    """The document of all routes that are reachable from outside; it takes a third of a second, so it is kept."""
    routes = Routes(services)
    described: dict[str, Any] = get_openapi(
        title=f"Creditmesh {node.code}",
        version=version("creditmesh-gateway"),
        description=_ABOUT.format(code=node.code),
        routes=[route.declared for route in routes.all],
        tags=[
            {"name": each.name, "description": f"{each.summary} / {each.summary_zh}"}
            for each in _serving(routes, services)
        ],
    )
    for route in routes.all:
        for operation in _operations(described, route):
            _finish(operation, route)
    _add_components(described)
    return described


def _serving(routes: Routes, services: Iterable[Service]) -> list[Service]:
    names = {route.service for route in routes.all}
    return [service for service in services if service.name in names]


def _operations(described: Mapping[str, Any], route: Route) -> list[dict[str, Any]]:
    path = described["paths"].get(route.template, {})
    return [path[method.lower()] for method in route.methods if method.lower() in path]


def _finish(operation: dict[str, Any], route: Route) -> None:
    """What the framework cannot know: the service, the credential, and that every error is a problem document."""
    operation.setdefault("tags", [route.service])
    needed = [{_SCHEME: [scope]} for scope in route.access.all_scopes] or [{_SCHEME: []}]
    operation["security"] = [{}, *needed] if route.open else needed
    responses = operation["responses"]
    content = responses.get("422", {}).get("content", {})
    if _FRAMEWORKS_OWN[0] in str(content.get("application/json", "")):
        del responses["422"]
    responses.setdefault("default", {"$ref": "#/components/responses/Problem"})


def _add_components(described: dict[str, Any]) -> None:
    components = described.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in _FRAMEWORKS_OWN:
        schemas.pop(name, None)
    problem = ProblemDocument.model_json_schema(ref_template=_REFERENCE)
    schemas.update(problem.pop("$defs", {}))
    schemas["ProblemDocument"] = problem
    components["responses"] = {
        "Problem": {
            "description": "What is wrong, where, and what to do / 问题、位置与处理办法",
            "content": {PROBLEM_JSON: {"schema": {"$ref": _REFERENCE.format(model="ProblemDocument")}}},
        }
    }
    components["securitySchemes"] = {_SCHEME: {"type": "http", "scheme": "bearer", "description": _HOW}}
