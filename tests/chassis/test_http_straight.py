"""A plain route is called without the framework's preparations, and refuses what is wrong in the framework's words."""

from typing import Annotated, Any

import pytest
from fastapi import Query, Request, Response, routing
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict

from creditmesh.chassis.http import reading
from creditmesh.chassis.http.access import AccessPolicy
from creditmesh.chassis.http.app import service_app
from creditmesh.chassis.http.reading import strictly
from creditmesh.chassis.http.router import Ctx, Router
from tests.chassis.conftest import Nursery

JSON = {"Content-Type": "application/json"}
Limit = Annotated[int, Query(ge=1, le=9)]


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")

    colour: str
    size: int = 1


class Answered(BaseModel):
    part: int
    asked: Asked
    limit: int


router = Router()


@router.post("/v1/plain/{part}", access=AccessPolicy.public(), status_code=201)
async def plain(ctx: Ctx, part: int, asked: Asked, limit: Limit = 5) -> Answered:
    """What the straight way takes."""
    return Answered(part=part + 0 * ctx.part("k"), asked=asked, limit=limit)


@router.post("/v1/framework/{part}", access=AccessPolicy.public(), status_code=201)
async def framework(ctx: Ctx, response: Response, part: int, asked: Asked, limit: Limit = 5) -> Answered:
    """The same with a parameter that only the framework gives."""
    assert response.status_code is None
    return await plain(ctx, part, asked, limit)


@router.post("/v1/streamed", access=AccessPolicy.public(), response_class=StreamingResponse)
async def streamed(request: Request) -> Response:
    """A route that reads its body and makes its answer itself."""
    pieces = [piece async for piece in request.stream()]
    return StreamingResponse(iter([b"<", *pieces, b">"]), status_code=202)


GOOD = b'{"colour": "red", "size": 3}'
QUESTIONS: list[tuple[str, bytes, dict[str, str]]] = [
    ("/4", GOOD, JSON),
    ("/4?limit=9", b'{"colour": "red"}', JSON),
    ("/4?limit=10", GOOD, JSON),
    ("/4?limt=1", GOOD, JSON),
    ("/four", GOOD, JSON),
    ("/four?limit=0", b"{", JSON),
    ("/4", b'{"colour": 1, "weight": 2}', JSON),
    ("/4", b'{"colour": "red", "colour": "blue"}', JSON),
    ("/4", b'{"colour": "\\u0000"}', JSON),
    ("/4", b'{"colour": NaN}', JSON),
    ("/4", b"{", JSON),
    ("/4", b"\xff", JSON),
    ("/4", b"null", JSON),
    ("/4", b"[]", JSON),
    ("/4", b"{}", JSON),
    ("/4", b"", JSON),
    ("/4", b"", {}),
    ("/4", GOOD, {}),
    ("/4", GOOD, {"Content-Type": "text/plain"}),
    ("/4", GOOD, {"Content-Type": "application/json; charset=utf-8"}),
    ("/4", GOOD, {"Content-Type": "application/problem+json"}),
    ("/4", b"[" * 100_000, JSON),
]


@pytest.fixture
def app(nursery: Nursery) -> Any:
    made = service_app(nursery.equipment, nursery.verifier)
    made.router.routes.extend(router.routes)
    return made


@pytest.mark.parametrize(("ending", "body", "headers"), QUESTIONS)
async def test_it_answers_and_refuses_as_the_framework_does(nursery: Nursery, app: Any, ending, body, headers):
    async with nursery.client(app=app) as client:
        straight, usual = [
            await client.post(f"/v1/{way}{ending}", content=body, headers=headers) for way in ("plain", "framework")
        ]
    assert straight.status_code == usual.status_code
    assert straight.content == usual.content
    assert straight.headers == usual.headers


@pytest.mark.parametrize("body", [b'{"colour": "\\u0000"}', b"{", b'{"colour": 1}', GOOD])
async def test_a_body_is_read_and_searched_once_whatever_is_wrong_with_it(
    nursery: Nursery, app: Any, monkeypatch: pytest.MonkeyPatch, body: bytes
):
    asked: list[bytes] = []

    def counting(body: bytes) -> Any:
        asked.append(body)
        return strictly(body)

    monkeypatch.setattr(reading, "strictly", counting)
    async with nursery.client(app=app) as client:
        await client.post("/v1/plain/4", content=body, headers=JSON)
    assert asked == [body]


async def test_a_plain_route_needs_nothing_of_the_framework(nursery: Nursery, app: Any, monkeypatch):
    async def never(**_: Any) -> None:
        raise AssertionError("the framework was asked")

    monkeypatch.setattr(routing, "solve_dependencies", never)
    async with nursery.client(app=app) as client:
        answer = await client.post("/v1/plain/4?limit=2", content=GOOD, headers=JSON)
        assert (await client.post("/v1/framework/4", content=GOOD, headers=JSON)).status_code == 500
        itself = await client.post("/v1/streamed", content=b"as it came")
    assert answer.status_code == 201
    assert answer.json() == {"part": 4, "asked": {"colour": "red", "size": 3}, "limit": 2}
    assert (itself.status_code, itself.content) == (202, b"<as it came>")
