"""No date, number or text of any body of the node is a fault: it is taken, or refused with its field."""

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from creditmesh.chassis.http.app import routes_of
from creditmesh.chassis.vault.keys import Keys
from creditmesh.gateway.routes import Route, Routes
from creditmesh.node.declaration import NODE
from creditmesh.node.reference import openapi
from tests.journeys import test_operator_routes as operators
from tests.journeys.examples import EXAMPLES, named, send
from tests.support.bad_input import JSON, is_refusal
from tests.support.cast import Cast, asked
from tests.support.extremes import DAYS, INSTANTS, NUMBERS, TEXTS, extremes

DOCUMENT = openapi()
INSIDE = [route for service in NODE.services for route in routes_of(service, internal=True)]


def schema_of(route: Route) -> dict[str, Any] | None:
    body = DOCUMENT["paths"][route.template][min(route.methods).lower()].get("requestBody", {})
    found: dict[str, Any] | None = body.get("content", {}).get(JSON, {}).get("schema")
    return found


ROUTES = [route for route in Routes(NODE.services).all if schema_of(route) is not None]


def sound(answer: httpx.Response, where: object, *, numbered: bool = True) -> None:
    assert answer.status_code < 500, (where, answer.text[:300])
    if is_refusal(answer, numbered=numbered) and answer.status_code == 422:
        assert answer.json()["errors"] or answer.json()["detail"], where


@pytest.mark.parametrize("route", ROUTES, ids=named)
async def test_every_field_of_every_body_at_its_extremes_is_taken_or_refused(cast: Cast, route: Route):
    example, schema, tried = EXAMPLES[named(route)], schema_of(route), 0
    assert example.body is not None
    assert schema is not None
    for where, body in extremes(example.body(cast), schema, DOCUMENT):
        sound(await send(cast, route, content=body, headers={"Content-Type": JSON}), where)
        tried += 1
    assert tried > 15


@pytest.mark.parametrize("route", [each for each in INSIDE if each.body_field is not None], ids=operators.named)
async def test_every_field_of_every_operators_body_at_its_extremes_is_taken_or_refused(operated: Cast, route: APIRoute):
    example = operators.EXAMPLES[operators.named(route)].body
    assert example is not None
    assert route.body_field is not None
    schema = TypeAdapter(route.body_field.field_info.annotation).json_schema()
    client = operated.node.operator()
    for where, body in extremes(example(operated), schema, schema):
        answer = await operators.send(operated, route, client, content=body, headers={"Content-Type": JSON})
        sound(answer, where, numbered=False)


SIGNED = ("at", "size", "until", "first", "root", "feed", "by", "key", "alg", "refused")


async def test_every_field_of_a_signed_text_at_its_extremes_is_taken_or_refused(cast: Cast):
    (route,) = [route for route in ROUTES if route.template.endswith("/acknowledgements")]
    members = orjson.loads(orjson.loads(cast.ids["acknowledgement"])["signed"])
    keys = Keys.load(Path(cast.ids["keys of below"]), {"node"})
    for name in SIGNED:
        for value in (*TEXTS, *INSTANTS, *NUMBERS, None, [], {}, [{"index": 2**63, "code": "x"}]):
            try:
                text = json.dumps(members | {name: value}, ensure_ascii=name == "feed")
                signature = b64encode(keys.sign(text.encode())).decode()
            except UnicodeEncodeError:
                continue
            answer = await send(cast, route, json={"signed": text, "signature": signature})
            sound(answer, (name, value))
    assert (await send(cast, route)).status_code == 200


async def test_every_name_of_a_screened_subject_at_its_extremes_is_taken_or_refused(cast: Cast):
    for text in TEXTS:
        subject = asked(text)["subject"] | {"name": text}
        body = json.dumps([subject]).encode()
        answer = await cast.door("asker").post(
            "/v1/screenings?matter=procurement_review&officer=W-17", content=body, headers={"Content-Type": JSON}
        )
        sound(answer, text)


@pytest.mark.parametrize("day", [day for day in DAYS if isinstance(day, str)])
async def test_every_day_of_a_query_string_is_taken_or_refused(cast: Cast, day: str):
    for by, path in (
        (None, f"/v1/catalogue?as_of={day}"),
        (None, f"/v1/catalogue/items?as_of={day}"),
        ("owner", f"/v1/quality?from={day}"),
        ("owner", f"/v1/quality?to={day}"),
        ("asker", f"/v1/tasks?due_before={day}"),
        ("officer", f"/v1/cases?due_before={day}"),
    ):
        sound(await cast.door(by).get(path), path)
