"""The caps of one request: address, headers and time. How much of a body it may have says its route."""

import re
from dataclasses import dataclass

from starlette.types import Scope

from creditmesh.chassis.errors import Malformed
from creditmesh.chassis.http.server.protocol import HeadersTooLarge
from creditmesh.gateway.errors import UrlTooLong
from creditmesh.gateway.headers import RequestHeaders

_OTHER_SLASHES = re.compile(rb"%2f|%5c|\\", re.IGNORECASE)
"""What a rule by path in a proxy before the node reads otherwise than the node would."""
_UNREADABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff\ufffd]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """How much one request may be."""

    address: int = 8 * 1024
    """Bytes of path and query together."""
    headers: int = 32 * 1024
    """Bytes of all header names and values together."""
    header_count: int = 100
    seconds: float = 300.0
    """From the first header to the last byte of the answer."""

    def check(self, scope: Scope, incoming: RequestHeaders) -> None:
        """Malformed, UrlTooLong or HeadersTooLarge."""
        path = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogateescape")
        address = len(path) + len(scope["query_string"])
        if address > self.address:
            raise UrlTooLong(
                f"At most {self.address} bytes; long values belong in the body.",
                f"请求地址不得超过 {self.address} 字节，较长的内容请放入正文。",
            )
        if incoming.size > self.headers or len(scope["headers"]) > self.header_count:
            raise HeadersTooLarge(
                f"At most {self.header_count} headers of {self.headers} bytes together.",
                f"请求头最多 {self.header_count} 个，合计不超过 {self.headers} 字节。",
            )
        if _UNREADABLE.search(scope["path"]) or b"%00" in scope["query_string"]:
            raise Malformed(
                "The address has a control character or is not UTF-8.", "请求地址含控制字符或不是有效的 UTF-8。"
            )
        if _OTHER_SLASHES.search(path):
            raise Malformed(
                "A slash in the address is written as it is; %2F and backslashes are not read.",
                "请求地址中的斜杠须直接书写；不接受 %2F 与反斜杠。",
            )
