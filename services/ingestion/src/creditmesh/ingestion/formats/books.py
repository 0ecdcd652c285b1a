"""Workbooks: read by a process of its own in a turn of its caller's, so that no loop waits and none ends with it."""

import asyncio
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress

from creditmesh.chassis.bulk import Bulk
from creditmesh.chassis.errors import Malformed
from creditmesh.ingestion.formats.media import Media
from creditmesh.ingestion.formats.rows import SubmittedRow, rows_of
from creditmesh.schemas.files import foreign
from creditmesh.schemas.files.workbook import SECONDS, Unreadable, Workbook, command, not_read, workbook_in
from creditmesh.schemas.rules.headers import FieldNames

_ARCHIVE = b"PK\x03\x04"


class SubmittedBody:
    """The body of a submission: opened once it is known that its rows may be sent, and then read."""

    def __init__(self, media: Media, body: bytes, *, files: Bulk, unpacked: Callable[[int], Awaitable[None]]) -> None:
        """`unpacked` is told what a workbook holds, and may refuse it."""
        self._media, self._body, self._files, self._unpacked = media, body, files, unpacked
        self._book: Workbook | None = None

    async def open(self) -> None:
        """Read the workbook that it is, if it is one. Malformed where it cannot be; Busy where too many wait to be."""
        if self._media.shape != "workbook":
            return
        if not self._body.startswith(_ARCHIVE):
            why = foreign(self._body)
            raise (
                Malformed(*why)
                if why is not None
                else Malformed(
                    "The file is no workbook (.xlsx): send it under the content type of what it is.",
                    "该文件不是电子表格工作簿（.xlsx）；请按其实际类型填写 Content-Type。",
                )
            )
        try:
            async with self._files.process():
                book = await _read(self._body)
        except Unreadable as unreadable:
            raise Malformed(*unreadable.why) from None
        await self._unpacked(len(book.sheet))
        self._book = book

    def rows(self, names: FieldNames) -> Iterator[SubmittedRow]:
        """Its rows, as `rows_of` has them."""
        return rows_of(self._media, self._book or self._body, names=names)


async def _read(body: bytes) -> Workbook:
    """The workbook; whoever is cancelled meanwhile ends the process that reads it."""
    process = await asyncio.create_subprocess_exec(*command(), stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={})
    try:
        async with asyncio.timeout(SECONDS):
            said, _ = await process.communicate(body)
    except TimeoutError:
        raise not_read() from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await asyncio.shield(process.wait())
    return workbook_in(said, process.returncode)
