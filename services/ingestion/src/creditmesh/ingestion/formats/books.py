"""Workbooks: read by a process of its own in a turn of its caller's, so that no loop waits and none ends with it."""

from collections.abc import Awaitable, Callable

from creditmesh.chassis.bulk import LARGE, Bulk
from creditmesh.chassis.errors import Malformed
from creditmesh.ingestion.formats.media import Media
from creditmesh.schemas.files import foreign
from creditmesh.schemas.files.workbook import Unreadable, Workbook, workbook_of

_ARCHIVE = b"PK\x03\x04"


async def opened(
    media: Media, body: bytes, *, files: Bulk, unpacked: Callable[[int], Awaitable[None]]
) -> bytes | Workbook:
    """The body, or what the workbook that it is holds; what that comes to is told, and may be refused.

    Malformed where it cannot be read; Busy where too many wait to be.
    """
    if media.shape != "workbook":
        return body
    if not body.startswith(_ARCHIVE):
        why = foreign(body)
        raise (
            Malformed(*why)
            if why is not None
            else Malformed(
                "The file is no workbook (.xlsx): send it under the content type of what it is.",
                "该文件不是电子表格工作簿（.xlsx）；请按其实际类型填写 Content-Type。",
            )
        )
    try:
        book = await files.read(max(len(body), LARGE), lambda: workbook_of(body))
    except Unreadable as unreadable:
        raise Malformed(*unreadable.why) from None
    await unpacked(len(book.table))
    return book
