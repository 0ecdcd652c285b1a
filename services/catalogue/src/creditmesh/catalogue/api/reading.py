"""How every route of the directory answers: as of a day, with an ETag, in pages.

Everything comes from the followed directory, so that an answer is as fresh as the process that gives it. The ETag
names the directory's number and the day, because a version published for tomorrow changes the answer without an event.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, TypeVar

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel

from creditmesh.chassis.http import paging
from creditmesh.chassis.http.router import Ctx
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.bounds import Day
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events.catalogue import ObjectKind
from creditmesh.schemas.histories import Published

P = TypeVar("P", bound=Published)
T = TypeVar("T", bound=BaseModel)

AsOf = Annotated[Day | None, Query(description="The legal date to look at; today by default.")]


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the directory."""

    directory: Directory
    as_of: date
    asked: Request

    @property
    def etag(self) -> str:
        """The ETag of every answer given from this look."""
        return f'"{self.directory.number}-{self.as_of:%Y%m%d}"'

    def all(self, kind: ObjectKind, model: type[P]) -> list[P]:
        """Every object of a kind in force, in the order of the codes."""
        return [body for body in self.directory.objects(kind, on=self.as_of) if isinstance(body, model)]

    def answer(self, body: Callable[[], BaseModel], *, media: str = "application/json") -> Response:
        """The body as JSON; 304 without a body if the caller has it already."""
        return self.text(lambda: body().model_dump_json(), media=media)

    def text(self, body: Callable[[], str | bytes], *, media: str, name: str | None = None) -> Response:
        """A text or a file under the same ETag; `name` makes it a file to save."""
        headers = {"ETag": self.etag, "Cache-Control": "public, no-cache"}
        if self._has(self.etag):
            return Response(status_code=304, headers=headers)
        if name is not None:
            headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return Response(body(), media_type=media, headers=headers)

    def _has(self, etag: str) -> bool:
        given = self.asked.headers.get("if-none-match", "")
        return any(tag.strip().removeprefix("W/") in {etag, "*"} for tag in given.split(","))


async def _reading(asked: Request, ctx: Ctx, as_of: AsOf = None) -> Reading:
    return Reading(ctx.followed(Directory), as_of or ctx.legal_date, asked)


Looked = Annotated[Reading, Depends(_reading)]
"""The parameter by which a route gets its look at the directory."""


def page(found: Iterable[T], *, code: Callable[[T], str], limit: int, cursor: str | None) -> Page[T]:
    """The page after the cursor of what is sorted by code."""
    after = paging.read(cursor, paging.word) or ""
    rest = [entry for entry in found if code(entry) > after]
    return paging.page(rest, limit=limit, place=code, shown=lambda entry: entry)
