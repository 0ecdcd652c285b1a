"""The caps of one request: address, headers, body and time. The body is counted on its way, never parsed."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import Message, Receive, Scope

from creditmesh.chassis.errors import Malformed, TooLarge
from creditmesh.gateway.errors import HeadersTooLarge, UrlTooLong
from creditmesh.gateway.headers import Incoming

_UNREADABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff\ufffd]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """How much one request may be."""

    body: int = 64 * 1024 * 1024
    """Bytes of body as sent (a gzip body is unpacked, and capped again, by the service)."""
    address: int = 8 * 1024
    """Bytes of path and query together."""
    headers: int = 32 * 1024
    """Bytes of all header names and values together."""
    header_count: int = 100
    seconds: float = 300.0
    """From the first header to the last byte of the answer."""

    def check(self, scope: Scope, incoming: Incoming) -> None:
        """Everything that can be judged before the body: Malformed, UrlTooLong, HeadersTooLarge or TooLarge."""
        address = len(scope.get("raw_path") or scope["path"]) + len(scope["query_string"])
        if address > self.address:
            raise UrlTooLong(f"At most {self.address} bytes; long values belong in the body.", _zh_bytes(self.address))
        if incoming.size > self.headers or len(scope["headers"]) > self.header_count:
            raise HeadersTooLarge(
                f"At most {self.header_count} headers of {self.headers} bytes together.",
                f"请求头最多 {self.header_count} 个，合计不超过 {self.headers} 字节。",
            )
        if _UNREADABLE.search(scope["path"]) or b"%00" in scope["query_string"]:
            raise Malformed(
                "The address has a control character or is not UTF-8.", "请求地址含控制字符或不是有效的 UTF-8。"
            )
        self._check_length(incoming.length)

    def too_large(self) -> TooLarge:
        """The refusal of a body beyond the cap."""
        return TooLarge(
            f"A body may have at most {self.body} bytes. Split the file and send its parts one by one.",
            f"请求正文不得超过 {self.body} 字节，请拆分文件后分次发送。",
        )

    def _check_length(self, length: bytes | None) -> None:
        if length is None:
            return
        if not length.isdigit():
            raise Malformed("Content-Length must be a number.", "Content-Length 须为数字。")
        if len(length) > len(str(self.body)) or int(length) > self.body:
            raise self.too_large()


class Metered:
    """A request's body on its way: counts what passes and ends it, as if the client had left, beyond the cap.

    An ending is what every reader of a body understands; raising inside a service's own reading would be answered as
    its fault. `overflow` is called first, so that what the service then answers is not passed on.
    """

    __slots__ = ("_cap", "_overflow", "_receive", "_taken", "overflown")

    def __init__(self, receive: Receive, *, cap: int, overflow: Callable[[], None]) -> None:
        self._receive = receive
        self._cap = cap
        self._overflow = overflow
        self._taken = 0
        self.overflown = False

    async def __call__(self) -> Message:
        """The next message of the body."""
        if self.overflown:
            return {"type": "http.disconnect"}
        message = await self._receive()
        self._taken += len(message.get("body", b""))
        if self._taken <= self._cap:
            return message
        self.overflown = True
        self._overflow()
        return {"type": "http.disconnect"}


def _zh_bytes(most: int) -> str:
    return f"请求地址不得超过 {most} 字节，较长的内容请放入正文。"
