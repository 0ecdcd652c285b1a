"""Takes a body off the wire: at most 64 MiB, also after unpacking, so that a small parcel cannot hold a large room."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from creditmesh.chassis.errors import Malformed, TooLarge, UnsupportedMedia
from creditmesh.schemas.files import FILE_BYTES

_GZIP = 16 + zlib.MAX_WBITS
_STEP = 256 * 1024


async def _nothing(_: int) -> None:
    pass


async def decoded(
    stream: AsyncIterator[bytes],
    *,
    encoding: str | None,
    most: int = FILE_BYTES,
    unpacked: Callable[[int], Awaitable[None]] = _nothing,
) -> bytes:
    """The whole body, unpacked if `encoding` (the Content-Encoding header) is gzip.

    `unpacked` is told of every step by its bytes, and may refuse it: what has come is counted where it comes in.
    TooLarge above `most` bytes, UnsupportedMedia for another encoding, Malformed for a damaged or cut off parcel.
    """
    packed = (encoding or "identity").strip().lower()
    if packed not in {"identity", "gzip", "x-gzip"}:
        raise UnsupportedMedia("Content-Encoding: send gzip or none.", "Content-Encoding 仅支持 gzip 或不压缩。")
    body = bytearray()
    unpack = None if packed == "identity" else _Gunzip()
    async for piece in stream:
        for part in (piece,) if unpack is None else unpack.take(piece):
            body += part
            if len(body) > most:
                raise too_large()
            if unpack is not None:
                await unpacked(len(part))
            if len(part) == _STEP:
                await asyncio.sleep(0)
    if unpack is not None:
        unpack.finish()
    return bytes(body)


def too_large() -> TooLarge:
    """The refusal of a body that is too long."""
    return TooLarge(
        "A submission may have 64 MiB (unpacked) at most; split the file.",
        "单次报送（解压后）不得超过 64 MiB；请拆分文件。",
    )


class _Gunzip:
    """Unpacks gzip members one after another, a step at a time."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)
        self._begun = False

    def take(self, piece: bytes) -> Iterator[bytes]:
        """What this piece holds, in parts of a step at most; none is unpacked before it is asked for."""
        try:
            while piece:
                if self._member.eof:
                    self._member = zlib.decompressobj(_GZIP)
                self._begun = True
                yield self._member.decompress(piece, _STEP)
                piece = self._member.unconsumed_tail or self._member.unused_data
        except zlib.error as error:
            raise _damaged() from error

    def finish(self) -> None:
        if self._begun and not self._member.eof:
            raise _damaged()


def _damaged() -> Malformed:
    return Malformed("The gzip body is damaged or cut off; send it again.", "gzip 正文损坏或不完整；请重新发送。")
