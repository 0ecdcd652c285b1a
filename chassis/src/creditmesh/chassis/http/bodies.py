"""How much of a body a route reads, and whether packed: declared on the route, enforced at the door and in the service.

The framework's own `max_body_size` is not used: it answers in plain text where a route never reads the body, and a door
in another process would not know of it.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from starlette.types import Message, Receive

from creditmesh.chassis.errors import Malformed, TooLarge, UnsupportedMedia

MOST = 64 * 1024
"""Bytes of a body where its route says nothing else."""
Hold = Callable[[int], Awaitable[None]]
"""Is told how many bytes more are in memory; it may refuse them."""
_LONGEST = 18
"""Digits of a Content-Length that are read at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLimit:
    """What a route takes: so many bytes as they are sent, packed with gzip or not at all."""

    most: int = MOST
    gzip: bool = False

    def check(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """What can be judged before the body is read: TooLarge, UnsupportedMedia, or Malformed for a wrong length."""
        for name, value in headers:
            if name == b"content-length":
                self._check_length(value)
            elif name == b"content-encoding" and not self.gzip and value.strip().lower() not in {b"identity", b""}:
                raise UnsupportedMedia(
                    "This path reads no compressed body; send it without Content-Encoding.",
                    "此路径不接受压缩的请求正文；请勿使用 Content-Encoding。",
                )

    def too_large(self) -> TooLarge:
        """The refusal of a body beyond the limit."""
        return TooLarge(
            f"A body may have at most {self.most} bytes here; split what you send.",
            f"此路径的请求正文不得超过 {self.most} 字节；请拆分后发送。",
        )

    def counted(self, receive: Receive, hold: Hold) -> Receive:
        """The same `receive`, which raises TooLarge when more has come than the route takes, or what `hold` raises."""
        taken = 0

        async def count() -> Message:
            nonlocal taken
            message = await receive()
            size = len(message.get("body", b""))
            taken += size
            if taken > self.most:
                raise self.too_large()
            await hold(size)
            return message

        return count

    def _check_length(self, length: bytes) -> None:
        if not length.isdigit():
            raise Malformed("Content-Length must be a number.", "Content-Length 须为数字。")
        if len(length) > _LONGEST or int(length) > self.most:
            raise self.too_large()


USUAL = BodyLimit()
"""What a route takes that says nothing else."""
