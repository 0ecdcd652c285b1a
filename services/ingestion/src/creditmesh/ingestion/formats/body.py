"""Takes a body off the wire: at most 64 MiB, also after unpacking, so that a small parcel cannot hold a large room."""

import zlib
from collections.abc import AsyncIterator

from creditmesh.chassis.errors import Malformed, TooLarge, UnsupportedMedia

MOST_BYTES = 64 * 1024 * 1024
_GZIP = 16 + zlib.MAX_WBITS
_STEP = 1024 * 1024


async def decoded(stream: AsyncIterator[bytes], *, encoding: str | None, most: int = MOST_BYTES) -> bytes:
    """The whole body, unpacked if `encoding` (the Content-Encoding header) is gzip.

    TooLarge above `most` bytes, UnsupportedMedia for another encoding, Malformed for a damaged or cut off parcel.
    """
    packed = (encoding or "identity").strip().lower()
    if packed not in {"identity", "gzip", "x-gzip"}:
        raise UnsupportedMedia("Content-Encoding: send gzip or none.", "Content-Encoding 仅支持 gzip 或不压缩。")
    body = bytearray()
    unpack = None if packed == "identity" else _Gunzip(most)
    async for piece in stream:
        body += piece if unpack is None else unpack.take(piece, room=most - len(body))
        if len(body) > most:
            raise too_large()
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
    """Unpacks gzip members one after another and never more than there is room for."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._member = zlib.decompressobj(_GZIP)
        self._begun = False

    def take(self, piece: bytes, *, room: int) -> bytes:
        out = bytearray()
        try:
            while piece:
                if self._member.eof:
                    self._member = zlib.decompressobj(_GZIP)
                self._begun = True
                out += self._member.decompress(piece, min(_STEP, room + 1 - len(out)))
                if len(out) > room:
                    raise too_large()
                piece = self._member.unconsumed_tail or self._member.unused_data
        except zlib.error as error:
            raise _damaged() from error
        return bytes(out)

    def finish(self) -> None:
        if self._begun and not self._member.eof:
            raise _damaged()


def _damaged() -> Malformed:
    return Malformed("The gzip body is damaged or cut off; send it again.", "gzip 正文损坏或不完整；请重新发送。")
