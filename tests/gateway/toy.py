"""A service of toys: it tells what reached it, so that a test can see what the door lets through."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Body, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict

from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.errors import Conflict, Unauthenticated
from creditmesh.chassis.http.access import AccessPolicy
from creditmesh.chassis.http.bodies import BodyLimit
from creditmesh.chassis.http.router import Ctx, Router
from creditmesh.chassis.service import Service

router = Router()
MOST = 1024 * 1024
"""Bytes of what `/v1/digests` takes."""
PIECE = b"0123456789abcdef" * 4096
seen: list[str] = []
"""What happened inside, for a caller that is gone: `cut short`, `ended`; of a poll that it has begun."""
polled = asyncio.Event()
"""What polls wait for."""


class Toy(BaseModel):
    model_config = ConfigDict(extra="forbid")

    colour: str
    wheels: int = 0


@router.get("/v1/toys/{toy}", access=AccessPolicy.to("department", scope="records:read"))
async def read(ctx: Ctx, toy: str, request: Request) -> dict[str, object]:
    """Who asks, as the service knows them.

    Example: `GET /v1/toys/duck`.
    """
    return {"toy": toy, **_told(ctx, request)}


@router.get("/v1/toys", access=AccessPolicy.public())
async def listed(ctx: Ctx, request: Request, q: Annotated[str, Query()] = "") -> dict[str, object]:
    """Open to all."""
    return {"q": q, **_told(ctx, request)}


@router.post("/v1/toys", access=AccessPolicy.to("department", "bureau", scope="records:submit"), status_code=201)
async def make(ctx: Ctx, toy: Annotated[Toy, Body()]) -> dict[str, object]:
    """Make one."""
    if toy.colour == "taken":
        raise Conflict("This colour is taken.", "此颜色已被占用。", headers={"X-Toy": "yes"})
    return {"colour": toy.colour, "party": ctx.known_caller.party}


@router.post("/v1/guesses", access=AccessPolicy.public())
async def guess(toy: Annotated[Toy, Body()]) -> dict[str, object]:
    """Open to all, and takes a body as most routes do."""
    return {"colour": toy.colour}


@router.post("/v1/batches", access=AccessPolicy.public(), body=BodyLimit(most=8 * MOST))
async def batch(toys: Annotated[list[Toy], Body()]) -> dict[str, object]:
    """Takes a large body that is parsed."""
    return {"toys": len(toys)}


@router.get("/v1/polls", access=AccessPolicy.public(), waits=True)
async def poll() -> dict[str, object]:
    """Waits until it is told."""
    seen.append("polled")
    await polled.wait()
    return {"waited": True}


@router.get("/v1/feeds/{feed}", access=AccessPolicy.to("node", scope="exchange:pull"))
async def pull(ctx: Ctx, feed: str, request: Request, after: int = 0, limit: int = 10) -> dict[str, object]:
    """For peers."""
    return {"feed": feed, "after": after, "limit": limit, **_told(ctx, request)}


@router.post("/v1/digests", access=AccessPolicy.public(), body=BodyLimit(most=MOST, gzip=True))
async def digest(request: Request) -> dict[str, object]:
    """The digest of a body, read piece by piece."""
    found, size = hashlib.sha256(), 0
    try:
        async for piece in request.stream():
            found.update(piece)
            size += len(piece)
    except BaseException:
        seen.append("cut short")
        raise
    return {"size": size, "digest": found.hexdigest()}


@router.post("/v1/waits", access=AccessPolicy.public())
async def wait(request: Request) -> None:
    """Ends when nobody is there any more, and never before."""
    try:
        async for _ in request.stream():
            pass
        while (await request.receive())["type"] != "http.disconnect":
            pass
    finally:
        seen.append("ended")


@router.get("/v1/pieces/{count}", access=AccessPolicy.public())
async def pieces(count: int) -> StreamingResponse:
    """Many pieces."""

    async def each() -> AsyncIterator[bytes]:
        for _ in range(count):
            yield PIECE

    return StreamingResponse(each(), headers={"Cache-Control": "max-age=5", "X-Creditmesh-Secret": "1"})


@router.get("/v1/broken/{count}", access=AccessPolicy.public())
async def broken(count: int) -> StreamingResponse:
    """So many pieces, and then a fault."""

    async def each() -> AsyncIterator[bytes]:
        for _ in range(count):
            yield PIECE
        raise DatabaseError("select 1", kind="lost")

    return StreamingResponse(each())


@router.get("/v1/strangers", access=AccessPolicy.public())
async def stranger() -> None:
    """A refusal of the service's own."""
    raise Unauthenticated


@router.get("/v1/faults", access=AccessPolicy.public())
async def fault() -> None:
    """A mistake of the service."""
    raise RuntimeError("a secret of the service")


@router.get("/v1/files/{path:path}", access=AccessPolicy.public())
async def file(path: str) -> dict[str, str]:
    """A path with slashes."""
    return {"path": path}


@router.post("/v1/admin/toys", access=AccessPolicy.inside())
async def inside() -> None:
    """For the operator."""


def _told(ctx: Ctx, request: Request) -> dict[str, object]:
    caller = ctx.known_caller
    return {
        "kind": caller.kind,
        "party": caller.party,
        "officer": caller.officer,
        "subject": None if caller.subject is None else str(caller.subject),
        "scopes": sorted(caller.scopes),
        "items": None if caller.items is None else sorted(caller.items),
        "credential": caller.credential,
        "request_id": ctx.request_id,
        "traceparent": ctx.traceparent,
        "headers": [[name, value] for name, value in request.headers.items()],
    }


service = Service(
    name="toy", package="tests.gateway.toy", summary="Toys", summary_zh="玩具", router=router, lock_class=99
)
