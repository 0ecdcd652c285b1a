"""The pages of a listener about itself: where to begin, its document, and the viewer."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import orjson
from starlette.responses import RedirectResponse, Response

from creditmesh.chassis.http.documents.viewer import DOCUMENT, PAGE, Viewer
from creditmesh.schemas.examples import dated


class DocumentPages:
    """`/` leads on, `/openapi.json` is made when it is first asked for, `/docs` shows it."""

    def __init__(
        self, make: Callable[[], Mapping[str, Any]], *, others: Mapping[str, str], today: Callable[[], date]
    ) -> None:
        """`make` gives the document; `others` are the further pages that `/` names, by what they are.

        The days of its examples are those that they are `today`.
        """
        self._today = today
        self._make = make
        self._places = {"documentation": PAGE, "openapi": DOCUMENT, **others}
        self._viewer = Viewer()
        self._made: str | None = None
        self._served: tuple[date, bytes] | None = None
        """What was served last, and on which day: the next is asked for on that day as a rule."""
        self._making = asyncio.Lock()

    def has(self, path: str) -> bool:
        """Whether the path is one of these."""
        return path in {"/", DOCUMENT} or self._viewer.has(path)

    async def answer(self, path: str, accept: str) -> Response:
        """The page; `/` leads a browser to the viewer, and tells anything else where everything is."""
        if path == DOCUMENT:
            return _json(await self._of(self._today()))
        if path != "/":
            return self._viewer.answer(path)
        headers = {"Vary": "Accept"}
        if "text/html" in accept:
            return RedirectResponse(PAGE, headers=headers)
        return _json(orjson.dumps(self._places), headers)

    async def _of(self, day: date) -> bytes:
        if self._served is None or self._served[0] != day:
            self._served = day, dated(await self._document(), day).encode()
        return self._served[1]

    async def _document(self) -> str:
        """It takes seconds of reading code, once: beside the requests, not before them."""
        async with self._making:
            if self._made is None:
                self._made = orjson.dumps(await asyncio.to_thread(self._make)).decode()
            return self._made


def _json(body: bytes, headers: Mapping[str, str] | None = None) -> Response:
    return Response(body, media_type="application/json", headers=headers)
