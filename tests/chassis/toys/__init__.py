"""A service of toys: every way a route may end, each with a mark in the database that is or is not there afterwards."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import HTTPException, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Forbidden, NotFound
from creditmesh.chassis.http.access import AccessPolicy
from creditmesh.chassis.http.idempotency import REPLAYED, once_of, recall, remember
from creditmesh.chassis.http.router import Ctx, Router
from creditmesh.chassis.service import Service
from creditmesh.schemas.events import AccessRecorded
from creditmesh.schemas.pii import Pii

router = Router()
SECRET = "Wang Example 990000"
"""What no answer and no log line may say."""
before_the_end: list[Callable[[Context], Awaitable[None]]] = []
"""What a test does between a handler's last statement and the route's commit."""
_MARK = "insert into toy.mark (id) values (:id)"
_LATER = "insert into toy.child (id, mark) values (:id, :mark)"


class Refused(Forbidden):
    """Refused, and the refusal is kept."""

    code = "refused_and_kept"
    title = "Refused, and written down"
    title_zh = "拒绝并记录"
    keep = True


class Round(BaseModel):
    shape: Literal["round"]
    spokes: int


class Square(BaseModel):
    shape: Literal["square"]


class Toy(BaseModel):
    model_config = ConfigDict(extra="forbid")

    colour: Annotated[str, Field(max_length=8)]
    wheels: Annotated[int, Field(ge=0)] = 0
    weight: float = 1.0
    owner: Pii | None = None
    parts: dict[str, JsonValue] = {}
    size: Annotated[int, Field(ge=0)] | Annotated[str, Field(max_length=3)] = 1
    wheel: Annotated[Round | Square, Field(discriminator="shape")] | None = None


@router.post("/v1/marks/{id}", access=AccessPolicy.public())
async def mark(ctx: Ctx, id: UUID) -> dict[str, object]:
    """Make a mark and say so."""
    await _mark(ctx, id)
    return {"released": SECRET}


@router.post("/v1/marks/{id}/streamed", access=AccessPolicy.public())
async def streamed(ctx: Ctx, id: UUID) -> StreamingResponse:
    """Make a mark, and answer in pieces."""
    await _mark(ctx, id)

    async def pieces() -> AsyncIterator[bytes]:
        yield SECRET.encode()

    return StreamingResponse(pieces())


@router.post("/v1/marks/{id}/kept", access=AccessPolicy.public())
async def kept(ctx: Ctx, id: UUID) -> None:
    """Make a mark, and refuse with a refusal that is kept."""
    await _mark(ctx, id)
    raise Refused("Because.", "因为。")


@router.post("/v1/marks/{id}/refused", access=AccessPolicy.public())
async def refused(ctx: Ctx, id: UUID) -> None:
    """Make a mark, and refuse."""
    await _mark(ctx, id)
    raise NotFound


@router.post("/v1/marks/{id}/http", access=AccessPolicy.public())
async def http(ctx: Ctx, id: UUID) -> None:
    """Make a mark, and end as the framework's own errors do."""
    await _mark(ctx, id)
    raise HTTPException(status_code=418, detail=SECRET)


@router.post("/v1/marks/{id}/fault", access=AccessPolicy.public())
async def fault(ctx: Ctx, id: UUID) -> None:
    """Make a mark, and fail."""
    await _mark(ctx, id)
    raise RuntimeError(SECRET)


@router.post("/v1/marks/{id}/misshapen", access=AccessPolicy.public())
async def misshapen(ctx: Ctx, id: UUID) -> Toy:
    """Make a mark, and answer what the route does not promise."""
    await _mark(ctx, id)
    return {"colour": SECRET * 10}  # type: ignore[return-value]


@router.post("/v1/marks/{id}/broken", access=AccessPolicy.public())
async def broken(ctx: Ctx, id: UUID) -> None:
    """Make a mark twice, which the database refuses with a message that quotes it."""
    await _mark(ctx, id)
    session = await ctx.session()
    await session.execute("insert into toy.mark (id, note) values (:id, :note)", {"id": id, "note": SECRET})


@router.post("/v1/marks/{id}/deferred", access=AccessPolicy.public())
async def deferred(ctx: Ctx, id: UUID) -> dict[str, object]:
    """Make a mark, and break a constraint that is looked at when the transaction commits."""
    await _mark(ctx, id)
    await (await ctx.session()).execute(_LATER, {"id": id, "mark": UUID(int=0)})
    return {"released": SECRET}


@router.post("/v1/marks/{id}/deferred-and-kept", access=AccessPolicy.public())
async def deferred_and_kept(ctx: Ctx, id: UUID) -> None:
    """The same under a refusal that is kept."""
    await deferred(ctx, id)
    raise Refused


@router.post("/v1/marks/{id}/long", access=AccessPolicy.public())
async def long(ctx: Ctx, id: UUID, events: int = 1) -> None:
    """Lock a subject, make a mark, emit: many statements, to be cut off anywhere."""
    await ctx.lock([id])
    await _mark(ctx, id)
    await (await ctx.session()).execute("select pg_sleep(0.002)")
    for _ in range(events):
        disclosed(ctx, id)


@router.post("/v1/toys", access=AccessPolicy.to("department", scope="records:submit"), status_code=201)
async def make(ctx: Ctx, toy: Toy, request: Request, response: Response) -> dict[str, Any]:
    """Make a toy, once for a key."""
    once = await once_of(request)
    standing = None if once.key is None else await recall(ctx, once.key, once.digest)
    if standing is not None:
        response.headers[REPLAYED] = "true"
        return {"id": standing}
    made = ctx.new_id()
    await _mark(ctx, made)
    if once.key is not None:
        made = await remember(ctx, once.key, once.digest, made)
    return {"id": made}


@router.get("/v1/toys/{id}", access=AccessPolicy.public())
async def read(id: UUID, limit: Annotated[int, Query(ge=1, le=9)] = 1, cursor: str | None = None) -> dict[str, Any]:
    """Nothing to see."""
    return {"id": id, "limit": limit, "cursor": cursor}


@router.get("/v1/subjects/own", access=AccessPolicy.to("subject", scope="me:read"))
async def own(ctx: Ctx) -> dict[str, Any]:
    """Who calls."""
    return {"subject": ctx.known_caller.subject}


@router.post("/internal/toys", access=AccessPolicy.inside())
async def inside(ctx: Ctx) -> dict[str, str]:
    """For the operator."""
    return {"kind": ctx.known_caller.kind}


def disclosed(ctx: Context, subject: UUID) -> UUID:
    """One access, gathered."""
    return ctx.emit(
        AccessRecorded(
            access=ctx.new_id(), subject=subject, caller="department", purpose="toys", ground="play", outcome="released"
        )
    )


async def _mark(ctx: Context, id: UUID) -> None:
    await (await ctx.session()).execute(_MARK, {"id": id})
    for act in before_the_end:
        await act(ctx)


service = Service(
    name="toy",
    package="tests.chassis.toys",
    summary="Toys",
    summary_zh="玩具",
    router=router,
    emits=(AccessRecorded,),
    vault=frozenset(),
    lock_class=77,
)
