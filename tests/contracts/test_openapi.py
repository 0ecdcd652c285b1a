"""What the node says of itself is what it is: the OpenAPI document and the settings' page, committed and checked."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from creditmesh.chassis.http.access import AccessPolicy
from creditmesh.chassis.http.router import ACCESS
from creditmesh.chassis.settings import NodeSettings
from creditmesh.gateway.routes import Route, Routes
from creditmesh.node.declaration import NODE
from creditmesh.node.reference import FOLDER, openapi, write
from creditmesh.schemas.problems import PROBLEM_JSON

REMEDY = "run `python -m creditmesh.node.reference` and commit docs/reference"
DOCUMENT = openapi()
ROUTES = Routes(NODE.services).all


def operation(route: Route) -> dict[str, Any]:
    return DOCUMENT["paths"][route.template][min(route.methods).lower()]


def found(value: object, name: str) -> Iterator[Any]:
    """Everything of that name, however deep."""
    if isinstance(value, dict):
        if name in value:
            yield value[name]
        for entry in value.values():
            yield from found(entry, name)
    elif isinstance(value, list):
        for entry in value:
            yield from found(entry, name)


def resolved(reference: str) -> Any:
    place: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        place = place[step]
    return place


@pytest.mark.parametrize("name", ["openapi.json", "settings.md"])
def test_the_committed_reference_is_what_the_code_says(name: str, tmp_path: Path):
    write(tmp_path)
    assert (FOLDER / name).read_text(encoding="utf-8") == (tmp_path / name).read_text(encoding="utf-8"), REMEDY


def test_every_route_is_in_the_document_and_nothing_else_is():
    described = {(method, path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert described == {(min(route.methods).lower(), route.template) for route in ROUTES}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{min(route.methods)} {route.template}")
def test_every_route_says_what_it_is_for_whom_and_how_it_refuses(route: Route):
    described = operation(route)
    assert len(described["summary"]) > 10
    assert len(described["summary"]) <= 120
    assert described["description"].startswith(described["summary"].split(",")[0])
    assert described["tags"]
    policy = {name: said for name, said in route.access.document().items() if said is not None}
    assert described[ACCESS] == policy
    needed = [{"credential": [scope]} for scope in route.access.all_scopes] or [{"credential": []}]
    assert described["security"] == ([{}, *needed] if route.access == AccessPolicy.public() else needed)
    refused = [answer for status, answer in described["responses"].items() if not status.startswith("2")]
    assert refused
    for answer in refused:
        content = resolved(answer["$ref"]) if "$ref" in answer else answer
        assert set(content["content"]) == {PROBLEM_JSON}


def test_a_refusal_is_described_in_both_languages():
    answer = DOCUMENT["components"]["responses"]["Problem"]["content"][PROBLEM_JSON]["schema"]
    problem = resolved(answer["$ref"])
    assert {"code", "title", "title_zh", "status", "detail", "detail_zh", "errors"} <= set(problem["properties"])
    field = resolved("#/components/schemas/FieldError")["properties"]
    assert {"pointer", "code", "detail", "detail_zh"} == set(field)
    for service in DOCUMENT["tags"]:
        assert " / " in service["description"]


def test_nothing_of_the_operators_is_in_it():
    assert not [path for path in DOCUMENT["paths"] if path.startswith(("/internal", "/v1/admin"))]


def test_every_reference_leads_somewhere():
    references = set(found(DOCUMENT, "$ref"))
    assert references
    for reference in references:
        assert isinstance(resolved(reference), dict)


def test_every_schema_is_one():
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def _leaves(schema: Any, here: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every text and number that a body may have, with its place."""
    if "$ref" in schema:
        yield from () if schema["$ref"].endswith("/JsonValue") else _leaves(resolved(schema["$ref"]), here)
    for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _leaves(each, here)
    if schema.get("type") in {"string", "integer", "number"}:
        yield here, schema
    for name, each in schema.get("properties", {}).items():
        yield from _leaves(each, f"{here}/{name}")
    if "items" in schema:
        yield from _leaves(schema["items"], f"{here}/0")


def _bounded(schema: dict[str, Any]) -> bool:
    if schema["type"] == "string":
        return bool({"enum", "const", "format", "maxLength"} & set(schema)) or schema.get("pattern", "").endswith("}$")
    return {"minimum", "maximum"} <= set(schema)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{min(route.methods)} {route.template}")
def test_every_text_of_a_body_has_its_length_or_form_and_every_number_its_bounds(route: Route):
    for content in operation(route).get("requestBody", {}).get("content", {}).values():
        loose = [place for place, leaf in _leaves(content.get("schema", {})) if not _bounded(leaf)]
        assert not loose


def test_operations_are_told_apart():
    names = list(found(DOCUMENT["paths"], "operationId"))
    assert len(names) == len(set(names)) == len(ROUTES)


def test_every_setting_says_what_it_is():
    page = (FOLDER / "settings.md").read_text(encoding="utf-8")
    for name, field in NodeSettings.model_fields.items():
        assert field.description, name
        assert f"`CREDITMESH_{name.upper()}`" in page
