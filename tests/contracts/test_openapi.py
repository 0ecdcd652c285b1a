"""What the node says of itself is what it is: the OpenAPI document and the settings' page, committed and checked."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from creditmesh.chassis.http.access import AccessPolicy
from creditmesh.chassis.http.documents import operators_document
from creditmesh.chassis.http.documents.problems import CODES
from creditmesh.chassis.http.router import ACCESS
from creditmesh.chassis.settings import NodeSettings
from creditmesh.gateway.routes import Route, Routes
from creditmesh.node.declaration import NODE
from creditmesh.node.reference import FOLDER, openapi, write
from creditmesh.schemas.examples import dated
from creditmesh.schemas.files.workbook import TYPE as WORKBOOK
from creditmesh.schemas.parameter_examples import SHOWN
from creditmesh.schemas.parameter_texts import PARAMETERS
from creditmesh.schemas.problems import PROBLEM_JSON
from creditmesh.schemas.property_texts import WORDS
from creditmesh.schemas.reasons import REASONS

REMEDY = "run `python -m creditmesh.node.reference` and commit docs/reference"
Document = Mapping[str, Any]
DOCUMENT = openapi()
OPERATORS = operators_document(NODE.services, code="city")
UNSHOWN = {WORKBOOK}
"""What no document shows: the row of the other types, in a workbook."""
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


@pytest.mark.parametrize("name", ["openapi.json", "openapi-operator.json", "problems.md", "settings.md"])
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
    signed = [{"signature": list(route.access.all_scopes)}] if "node" in route.access.kinds else []
    assert described["security"] == ([{}, *needed] if route.access == AccessPolicy.public() else [*needed, *signed])
    refused = [
        answer for status, answer in described["responses"].items() if status not in {"200", "201", "202", "204", "304"}
    ]
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


@pytest.mark.parametrize("document", [DOCUMENT, OPERATORS], ids=["outside", "operator"])
def test_an_operation_is_named_by_a_verb_and_what_it_is_done_to(document: Document):
    for name in found(document["paths"], "operationId"):
        assert re.fullmatch(r"[a-z]+([A-Z][a-z]+)+", name), f"{name}: name the route's function do_something"


@pytest.mark.parametrize("document", [DOCUMENT, OPERATORS], ids=["outside", "operator"])
def test_the_viewer_shows_every_operation_under_a_tag_that_says_what_it_is(document: Document):
    """It shows the operations by their tags, and those of no tag in the list under none."""
    described = {tag["name"]: tag["description"] for tag in document["tags"]}
    used = [tag for tags in found(document["paths"], "tags") for tag in tags]
    assert set(used) == set(described)
    assert len(used) == sum(len(methods) for methods in document["paths"].values())
    for said in described.values():
        assert " / " in said


@pytest.mark.parametrize("document", [DOCUMENT, OPERATORS], ids=["outside", "operator"])
def test_every_property_says_what_it_is(document: Document):
    silent = [
        f"{model}.{name}"
        for model, schema in document["components"]["schemas"].items()
        for name, said in schema.get("properties", {}).items()
        if not said.get("description")
    ]
    assert not silent, "write a text under the field, or its name into creditmesh.schemas.property_texts"


def parameters() -> list[tuple[str, dict[str, Any]]]:
    return [
        (path, said)
        for document in (DOCUMENT, OPERATORS)
        for path, operations in document["paths"].items()
        for operation in operations.values()
        for said in operation.get("parameters", ())
    ]


def test_every_parameter_says_what_it_is():
    silent = {f"{path}:{said['name']}" for path, said in parameters() if not said.get("description")}
    assert not silent, "write `description=` at the route, or its name into creditmesh.schemas.parameter_texts"


def test_every_text_of_a_parameter_is_used():
    used = {
        word
        for path, said in parameters()
        for word in (f"{path}:{said['name']}", said["name"])
        if PARAMETERS.get(word) == said.get("description")
    }
    assert used == set(PARAMETERS)


def _schema_of(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in said["schema"].items() if name != "format"}


def test_every_parameter_shows_a_good_value():
    """Where nothing is shown its default is one, or the first of its few values; a cursor is what `next` was."""
    for path, said in parameters():
        shown = [said["example"]] if "example" in said else said["schema"].get("examples", [])
        if said["name"] == "cursor" or not {"default", "enum"}.isdisjoint(found_keys(said["schema"])):
            continue
        assert shown, f"{path}:{said['name']}: write it into creditmesh.schemas.parameter_examples"
        assert said["required"] == ("example" in said), "what may be left out would be sent by the viewer"
        for value in shown:
            jsonschema.validate(value, _schema_of(said))


def found_keys(schema: Mapping[str, Any]) -> set[str]:
    return set(schema).union(*(each for each in schema.get("anyOf", ())))


def test_every_example_of_a_parameter_is_used():
    used = {
        word
        for path, said in parameters()
        for word in {f"{path}:{said['name']}", said["name"]} & set(SHOWN)
        if SHOWN[word] in (said.get("example"), *said["schema"].get("examples", ()))
    }
    assert used == set(SHOWN)


def test_a_day_in_an_example_is_ahead_or_behind_whenever_it_is_read():
    """A day that is written out passes, but one that no rule reaches and what an answer told."""
    asked = [
        *(said.get("example", said["schema"].get("examples")) for _, said in parameters()),
        *(body for document in (DOCUMENT, OPERATORS) for body in found(document["paths"], "requestBody")),
    ]
    days = set(re.findall(r"\b2\d{3}-\d\d-\d\d\b", json.dumps(asked)))
    assert days == {"2099-12-31"}
    served = dated(json.dumps(asked), date(2031, 3, 1))
    assert {"2031-03-31", "2030-12-31"} <= set(re.findall(r"\b2\d{3}-\d\d-\d\d\b", served))
    assert "<today" not in served


def test_every_word_of_the_glossary_is_used():
    used = {
        word
        for document in (DOCUMENT, OPERATORS)
        for model, schema in document["components"]["schemas"].items()
        for name, said in schema.get("properties", {}).items()
        for word in (f"{model}.{name}", name)
        if WORDS.get(word) == said["description"]
    }
    assert used == set(WORDS)


def headers_of(path: str, method: str) -> dict[str, bool]:
    asked = DOCUMENT["paths"][path][method].get("parameters", ())
    return {each["name"]: each["required"] for each in asked if each["in"] == "header"}


def test_the_headers_that_a_request_needs_are_declared():
    assert headers_of("/v1/records/{record}/corrections", "post") == {"If-Match": True, "Idempotency-Key": False}
    assert headers_of("/v1/cases/{case}/actions", "post") == {"If-Match": True, "Idempotency-Key": False}
    assert headers_of("/v1/items/{item}/records", "post") == {"Idempotency-Key": False, "Content-Encoding": False}
    assert headers_of("/v1/catalogue/items/{code}", "get") == {"If-None-Match": False}
    assert headers_of("/v1/catalogue/items/{code}/withdraw", "post") == {"If-Match": False}
    signed = {"Signature-Input": False, "Creditmesh-To": False}
    assert headers_of("/v1/exchange/feeds", "get") == signed
    assert headers_of("/v1/exchange/feeds/{feed}/acknowledgements", "post") == signed | {"Content-Digest": False}
    assert headers_of("/v1/me/file", "get") == {}


def test_the_headers_of_an_answer_are_declared():
    corrected = DOCUMENT["paths"]["/v1/records/{record}/corrections"]["post"]["responses"]
    always = {"X-Request-Id", "X-Legal-Date"}
    assert set(corrected["201"]["headers"]) == {"ETag", "Location", "Link", "Idempotency-Replayed"} | always
    assert set(corrected["412"]["headers"]) == always
    assert set(corrected["503"]["headers"]) == {"Retry-After"} | always
    assert set(DOCUMENT["paths"]["/v1/records/{record}"]["get"]["responses"]["200"]["headers"]) == {"ETag"} | always
    assert set(DOCUMENT["paths"]["/v1/quality"]["get"]["responses"]["200"]["headers"]) == always


def test_the_codes_that_a_route_may_refuse_with_are_declared_by_status():
    corrections = DOCUMENT["paths"]["/v1/records/{record}/corrections"]["post"]["responses"]
    codes = {status: set(answer.get(CODES, ())) for status, answer in corrections.items()}
    assert codes["404"] == {"not_found", "unknown_item"}
    assert codes["409"] == {"not_the_origin", "record_closed"}
    assert codes["412"] == {"stale"}
    assert codes["428"] == {"if_match_needed"}
    assert "credential_expired" in codes["401"]
    assert "officer_needed" in codes["403"]
    assert {"natural_key_changed", "idempotency_key_reused"} < codes["422"]
    assert corrections["409"][CODES]["record_closed"]["title_zh"] in corrections["409"]["description"]
    assert "catching_up" in DOCUMENT["paths"]["/v1/queries"]["post"]["responses"]["503"][CODES]
    everywhere = set(DOCUMENT["components"]["responses"]["Problem"][CODES])
    assert {"malformed", "invalid", "too_large", "unavailable", "fault", "url_too_long"} <= everywhere


def test_every_body_has_an_example_that_its_schema_takes():
    for route in ROUTES:
        for media, content in operation(route).get("requestBody", {}).get("content", {}).items():
            if media.startswith(("image/", "application/pdf")) or media in UNSHOWN:
                continue
            shown = [each["value"] for each in content.get("examples", {}).values()] or [content["example"]]
            schema = {**content["schema"], "components": DOCUMENT["components"]}
            for value in shown:
                jsonschema.validate(value, schema)


def test_every_code_that_a_document_names_is_on_the_page_with_its_titles():
    page = (FOLDER / "problems.md").read_text(encoding="utf-8")
    for document in (DOCUMENT, OPERATORS):
        for codes in found(document, CODES):
            for code, said in codes.items():
                row = next(line for line in page.splitlines() if line.startswith(f"| {said['status']} | `{code}` |"))
                assert said["title"] in row
                assert said["title_zh"] in row
    for code, text in REASONS.items():
        assert f"| `{code}` | {text.detail.split('{')[0].split('|')[0].split('<')[0]}" in page


def test_every_setting_says_what_it_is():
    page = (FOLDER / "settings.md").read_text(encoding="utf-8")
    for name, field in NodeSettings.model_fields.items():
        assert field.description, name
        assert f"`CREDITMESH_{name.upper()}`" in page
