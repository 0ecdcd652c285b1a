"""One OpenAPI 3.1 document for all routes of a listener."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel

from creditmesh.chassis.errors import Problem
from creditmesh.chassis.http.documents import headers, problems, properties
from creditmesh.chassis.http.documents.answers import answer_of
from creditmesh.chassis.http.reached import reached_from
from creditmesh.chassis.http.router import REFERENCE
from creditmesh.schemas.examples import EXAMPLES
from creditmesh.schemas.problems import ProblemDocument

_FRAMEWORKS_OWN = ("HTTPValidationError", "ValidationError")
_SUCCESS = "2"

Problems = frozenset[type[Problem]]


@dataclass(frozen=True, kw_only=True)
class Area:
    """Some routes that belong together: they stand under its name where their routers say no other."""

    name: str
    summary: str
    summary_zh: str
    routes: Sequence[APIRoute]


@dataclass(frozen=True, kw_only=True)
class Listener:
    """What is true of a listener and not of a route alone."""

    title: str
    about: str
    version: str
    schemes: Mapping[str, Mapping[str, Any]]
    """Its security schemes, as the document has them."""
    security: Callable[[APIRoute], list[dict[str, list[str]]]]
    """The schemes that let somebody call a route."""
    refusals: Callable[[APIRoute], Problems] = lambda _: frozenset()
    """What the listener itself may answer to who calls a route, before the route is asked."""
    refuses_all: Problems = field(default_factory=frozenset)
    """What it may answer to anybody, whatever is called."""
    asks: Callable[[APIRoute], Sequence[headers.Parameter]] = lambda _: ()
    """The headers that the listener itself reads of who calls a route."""
    answers: headers.Headers = field(default_factory=dict)
    """The headers that it puts on every answer."""


def described(listener: Listener, areas: Sequence[Area]) -> dict[str, Any]:
    """The document of all routes of these areas."""
    routes = [(route, area) for area in areas for route in area.routes]
    document: dict[str, Any] = get_openapi(
        title=listener.title,
        version=listener.version,
        description=listener.about,
        routes=[route for route, _ in routes],
    )
    common = listener.refuses_all | problems.of_every_route()
    for route, area in routes:
        for operation in _operations(document, route):
            _finish(operation, route, area, listener=listener, common=common)
    document["tags"] = list(_tags(areas))
    _add_components(document, listener, common)
    properties.describe(document["components"]["schemas"])
    properties.describe_parameters(document["paths"])
    properties.show_parameters(document["paths"])
    return document


def operation_id(route: APIRoute) -> str:
    """The name of the function in camel case, which says what is done to what: `submit_records`, `submitRecords`."""
    first, *others = route.name.split("_")
    return first + "".join(word.capitalize() for word in others)


def _operations(document: Mapping[str, Any], route: APIRoute) -> list[dict[str, Any]]:
    path = document["paths"].get(route.path_format, {})
    return [path[method.lower()] for method in route.methods or () if method.lower() in path]


def _finish(operation: dict[str, Any], route: APIRoute, area: Area, *, listener: Listener, common: Problems) -> None:
    """What the framework cannot know: whom a route is for, what it refuses, and its headers."""
    reached = reached_from(route.endpoint)
    operation["operationId"] = operation_id(route)
    operation["tags"] = [str(tag) for tag in route.tags] or [area.name]
    operation["security"] = listener.security(route)
    _add_parameters(operation, [*headers.asked(route, reached), *listener.asks(route)])
    _add_example(operation)
    answers = operation["responses"]
    _add_answer(operation)
    if _FRAMEWORKS_OWN[0] in str(answers.get("422", "")):
        del answers["422"]
    _add_headers(answers, {**headers.given(route, reached), **listener.answers})
    if headers.may_be_unchanged(route, reached):
        answers["304"] = {"description": "Not changed since that ETag was given / 自该 ETag 以来未变更"}
    refused = (reached.problems | listener.refusals(route)) - common
    answers.update(problems.responses(refused, listener.answers))
    answers["default"] = {"$ref": "#/components/responses/Problem"}


def _add_parameters(operation: dict[str, Any], parameters: Sequence[headers.Parameter]) -> None:
    if parameters:
        operation["parameters"] = [*operation.get("parameters", ()), *parameters]


def _add_example(operation: Mapping[str, Any]) -> None:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = content.get("schema", {})
        models = [each.get("$ref", "").rpartition("/")[2] for each in (schema, *schema.get("oneOf", ()))]
        shown = next((EXAMPLES[model] for model in models if model in EXAMPLES), None)
        if shown is not None:
            content["example"] = shown


def _add_answer(operation: Mapping[str, Any]) -> None:
    """What a sandbox node answered to it, where that is kept."""
    content = operation["responses"].get("200", {}).get("content", {}).get("application/json")
    if content is not None and (shown := answer_of(operation["operationId"])) is not None:
        content["example"] = shown


def _add_headers(answers: Mapping[str, Any], given: headers.Headers) -> None:
    for status, answer in answers.items():
        if status.startswith(_SUCCESS):
            answer["headers"] = headers.referred(given)


def _tags(areas: Sequence[Area]) -> Iterator[dict[str, str]]:
    """Every tag that an operation has, in the order of the routes, with what it says of itself."""
    seen = set()
    for area in areas:
        for route in area.routes:
            tag: Any = route.tags[0] if route.tags else area
            name = str(tag) if route.tags else area.name
            if name not in seen:
                seen.add(name)
                said = getattr(tag, "summary", area.summary), getattr(tag, "summary_zh", area.summary_zh)
                yield {"name": name, "description": " / ".join(said)}


def _add_components(document: dict[str, Any], listener: Listener, common: Problems) -> None:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in _FRAMEWORKS_OWN:
        schemas.pop(name, None)
    added: list[type[BaseModel]] = [ProblemDocument, *_named_by_hand(document, schemas)]
    for model in added:
        schema = model.model_json_schema(ref_template=REFERENCE)
        schemas.update(schema.pop("$defs", {}))
        schemas[model.__name__] = schema
    components["headers"] = {**headers.GIVEN, **headers.RETRY_AFTER, **listener.answers}
    components["responses"] = {"Problem": problems.anywhere(common, listener.answers)}
    components["securitySchemes"] = dict(listener.schemes)


def _named_by_hand(document: Mapping[str, Any], schemas: Mapping[str, Any]) -> list[type[BaseModel]]:
    """The models that a route names in a content of its own, of which the framework knows nothing."""
    start = REFERENCE.format(model="")
    named = set(re.findall(f'"{start}([^"]+)"', json.dumps(document["paths"])))
    return [properties.models()[name] for name in sorted(named - set(schemas) - {ProblemDocument.__name__})]


def problems_of(listener: Listener, route: APIRoute) -> Problems:
    """Every problem that a call of this route may be answered with."""
    own = reached_from(route.endpoint).problems
    return frozenset(own | listener.refusals(route) | listener.refuses_all | problems.of_every_route())
