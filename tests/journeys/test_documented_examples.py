"""Every route is asked as the document shows, at a sandbox node, and answers what the document says.

What the document shows is sent as it is: only ids, tokens, states and signed texts, which a node alone knows, are the
cast's. `ANSWERS_GOLDEN=write` writes the examples of answers anew.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import jsonschema
import orjson
import pytest

from creditmesh.chassis.http.documents import answers
from creditmesh.chassis.http.documents.problems import CODES
from creditmesh.gateway.routes import Route, Routes
from creditmesh.node.declaration import NODE
from creditmesh.node.reference import openapi
from creditmesh.schemas.examples import EXAMPLES as BODIES
from creditmesh.schemas.examples import ROW, dated
from tests.journeys.examples import EXAMPLES, named, send
from tests.support.cast import Cast

ROUTES = sorted(Routes(NODE.services).all, key=lambda route: "/withdraw" in route.template)
"""In the order they are declared, but what ends a record or an item comes last: the others are asked about it."""
READ = [route for route in ROUTES if route.methods == {"GET"}]
DOCUMENT = openapi()
BINARY = {"type": "string", "format": "binary"}
OF_ROW = {"/v1/records/{record}/corrections", "/v1/records/{record}/withdrawal"}
"""Done to the record of the document's own row."""
NAMED = {"code", "item", "name"}
"""What stands in a path and is no id."""
A_NODE_KNOWS = {("/v1/exchange/feeds/{feed}/checkpoint", "size")}
"""The sizes of which it signed a head."""
GOLDEN = Path(answers.__file__).with_name(answers.FILE)
WRITES = os.environ.get("ANSWERS_GOLDEN") == "write"


def operation(route: Route, cast: Cast | None = None) -> dict[str, Any]:
    """What the document says of a route; as it is served today where there is a cast."""
    found: dict[str, Any] = DOCUMENT["paths"][route.template][min(route.methods).lower()]
    return found if cast is None else orjson.loads(dated(json.dumps(found), cast.today))


def media() -> Iterator[Any]:
    """Every route with each content type of which the document shows a body."""
    for route in ROUTES:
        content = operation(route).get("requestBody", {}).get("content", {})
        shown = [kind for kind, said in content.items() if "example" in said] or [None]
        yield from (pytest.param(route, kind, id=f"{named(route)} {kind or ''}".strip()) for kind in shown)


def shown(cast: Cast, route: Route, kind: str | None) -> dict[str, Any]:
    """The example of the document, with the cast's own ids and signed texts in place of those that nobody has."""
    if kind is None:
        return {}
    told = operation(route, cast)["requestBody"]["content"][kind]["example"]
    if isinstance(told, str):
        return {"content": told.encode(), "headers": {"Content-Type": kind}}
    own = EXAMPLES[named(route)].body
    assert own is not None
    return {"json": own(cast) if "signed" in told else told | {
        name: own(cast)[name] for name in ("record", "token") if name in told
    }}  # fmt: skip


def path_of(cast: Cast, route: Route) -> dict[str, str]:
    """Where the document's own path leads: its names are sent, its ids are the cast's."""
    said = {each["name"]: each["example"] for each in operation(route).get("parameters", ()) if each["in"] == "path"}
    named_here = {name: value for name, value in said.items() if name in NAMED} | dict(EXAMPLES[named(route)].path)
    ids = {"id": cast.ids["authorisation"], **cast.ids}
    if route.template in OF_ROW:
        ids["record"] = cast.ids["documented record"]
    return {"path": route.template.format_map(ids | named_here)}


def required(route: Route, cast: Cast) -> dict[str, Any]:
    """The query that cannot be left out, as the document shows it."""
    said = [each for each in operation(route, cast).get("parameters", ()) if each["in"] == "query"]
    return {
        each["name"]: each["example"] if "example" in each else each["schema"]["enum"][0]
        for each in said
        if each["required"]
    }


def optional(route: Route, cast: Cast) -> dict[str, Any]:
    """What may be left out, as the document shows it: an example, a default, or one of its values."""
    found = {}
    for each in operation(route, cast).get("parameters", ()):
        schema = each["schema"]
        values = [*schema.get("examples", ()), *([schema["default"]] if "default" in schema else ())]
        values += [value for kind in schema.get("anyOf", ()) for value in kind.get("enum", ())]
        if each["in"] == "query" and not each["required"] and values:
            found[each["name"]] = values[0]
    return {name: value for name, value in found.items() if (route.template, name) not in A_NODE_KNOWS}


def check(route: Route, answer: httpx.Response) -> None:
    said = operation(route)["responses"]
    media = answer.headers.get("content-type", "").partition(";")[0]
    if answer.status_code >= 400:
        codes = {**DOCUMENT["components"]["responses"]["Problem"], **said.get(str(answer.status_code), {})}[CODES]
        assert answer.json()["code"] in codes, answer.text
        return
    described = said[str(answer.status_code)]
    for header in {"etag", "location", "idempotency-replayed", "retry-after"} & set(answer.headers):
        assert header in {name.lower() for name in described["headers"]}
    if answer.status_code == 204:
        assert "content" not in described
        return
    schema = described["content"][media].get("schema", {})
    if schema != BINARY and media == "application/json":
        jsonschema.validate(answer.json(), {**schema, "components": DOCUMENT["components"]})


@pytest.fixture(scope="module", autouse=True)
async def documented(cast: Cast) -> None:
    """The record of the row that the document shows, which its owner has sent."""
    row = orjson.loads(dated(orjson.dumps(ROW).decode(), cast.today))
    cast.ids["documented record"] = (await cast.submit(row)).json()["record"]
    await cast.node.settled()


@pytest.mark.parametrize(("route", "kind"), [*media()])
async def test_what_the_document_shows_works_and_is_answered_as_it_says(cast: Cast, route: Route, kind: str | None):
    query = {} if not required(route, cast) else {"query": urlencode(required(route, cast))}
    answer = await send(cast, route, **path_of(cast, route), **query, **shown(cast, route, kind))
    refused = EXAMPLES[named(route)].refused
    assert answer.status_code < 400 or answer.json()["code"] == refused, answer.text
    if isinstance(shown(cast, route, kind).get("content"), bytes):
        assert b'"refused"' not in answer.content
    check(route, answer)


@pytest.mark.parametrize("route", READ, ids=named)
async def test_what_may_be_left_out_works_as_the_document_shows_it(cast: Cast, route: Route):
    query = urlencode(required(route, cast) | optional(route, cast))
    answer = await send(cast, route, **path_of(cast, route), query=query)
    assert answer.status_code == 200, answer.text
    check(route, answer)


def shortened(value: Any) -> Any:
    """An answer with one entry of each list, and a text that a node signed as the documents show one."""
    if isinstance(value, list):
        return [shortened(each) for each in value[:1]]
    if isinstance(value, dict):
        return {name: BODIES["HandedIn"][name] if name == "token" else shortened(each) for name, each in value.items()}
    return value


def outline(value: Any) -> Any:
    """The names in an answer, without its values."""
    if isinstance(value, list):
        return [outline(each) for each in value]
    return {name: outline(each) for name, each in value.items()} if isinstance(value, dict) else None


@pytest.mark.parametrize("route", READ, ids=named)
async def test_an_answer_of_the_document_is_what_a_node_answers(cast: Cast, route: Route):
    said = operation(route)
    content = said["responses"]["200"].get("content", {}).get("application/json")
    if content is None:
        return
    got = shortened((await send(cast, route)).json())
    if WRITES:
        kept = orjson.loads(GOLDEN.read_bytes()) | {said["operationId"]: got}
        GOLDEN.write_bytes(orjson.dumps(kept, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")
        return
    assert outline(content["example"]) == outline(got), "ANSWERS_GOLDEN=write, then `make docs`"
    jsonschema.validate(content["example"], {**content["schema"], "components": DOCUMENT["components"]})
