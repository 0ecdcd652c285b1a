"""Every route is asked as the document shows, at a sandbox node, and answers what the document says."""

from typing import Any

import httpx
import jsonschema
import pytest

from creditmesh.chassis.http.documents.problems import CODES
from creditmesh.gateway.routes import Route, Routes
from creditmesh.node.declaration import NODE
from creditmesh.node.reference import openapi
from tests.journeys.examples import EXAMPLES, named, send
from tests.support.cast import Cast

ROUTES = sorted(Routes(NODE.services).all, key=lambda route: "/withdraw" in route.template)
"""In the order they are declared, but what ends a record or an item comes last: the others are asked about it."""
DOCUMENT = openapi()
BINARY = {"type": "string", "format": "binary"}


def operation(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][route.template][min(route.methods).lower()]
    return found


def shown(cast: Cast, route: Route) -> dict[str, Any]:
    """The example of the document, with the cast's own ids and days in place of those that nobody has."""
    content = operation(route).get("requestBody", {}).get("content", {})
    if "application/json" not in content:
        return {}
    told = dict(content["application/json"]["example"])
    told |= {
        name: EXAMPLES[named(route)].body(cast)[name] for name in ("record", "token", "valid_until") if name in told
    }
    if "fields" in told:
        own = EXAMPLES[named(route)].body(cast)["fields"]
        told["fields"] = told["fields"] | {name: own[name] for name in ("CF_WSH", "CF_JDRQ")}
    return {"json": EXAMPLES[named(route)].body(cast) if "signed" in told else told}


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


@pytest.mark.parametrize("route", ROUTES, ids=named)
async def test_what_the_document_shows_works_and_is_answered_as_it_says(cast: Cast, route: Route):
    answer = await send(cast, route, **shown(cast, route))
    refused = EXAMPLES[named(route)].refused
    assert answer.status_code < 400 or answer.json()["code"] == refused, answer.text
    check(route, answer)
