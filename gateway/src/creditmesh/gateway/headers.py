"""What crosses the door in headers: what is taken off, what is made or continued, what is put on the answer."""

import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

import uuid_utils

Header = tuple[bytes, bytes]

_ONE_HOP = frozenset((b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"expect")) | {
    b"proxy-authenticate",
    b"proxy-authorization",
    b"proxy-connection",
}
_READ_HERE = frozenset((b"authorization", b"x-request-id", b"traceparent", b"content-length", b"connection"))
_OURS = (b"x-creditmesh-", b"x-forwarded-")
"""A caller that sends these claims what only the node or its proxies may say."""
_TAKEN = _ONE_HOP | {b"authorization", b"cookie", b"forwarded", b"x-real-ip", b"x-request-id", b"traceparent"}
_ANSWERED_HERE = _ONE_HOP | {b"x-request-id", b"x-legal-date", b"server", b"date"}
_REQUEST_ID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(?:-.*)?")


@dataclass(slots=True)
class Incoming:
    """A request's headers, sorted into what is passed on and what the door reads itself."""

    request_id: str
    traceparent: bytes
    passed: list[Header]
    authorization: tuple[bytes, ...] = ()
    length: bytes | None = None
    size: int = 0
    """Bytes of all names and values together."""

    @classmethod
    def of(cls, raw: Iterable[Header]) -> Self:
        """Sort what a client sent. A request id or trace that is not well-formed is replaced, not refused."""
        seen = _Seen()
        for name, value in raw:
            seen.take(name, value)
        return cls(
            request_id=_kept_or_made(seen.last.get(b"x-request-id")),
            traceparent=_continued(seen.last.get(b"traceparent")),
            passed=seen.without_named_by_connection(),
            authorization=tuple(seen.authorization),
            length=seen.last.get(b"content-length"),
            size=seen.size,
        )

    def onward(self, token: str | None, *, header: str) -> list[Header]:
        """The headers the service gets: the caller's, this node's ids, and who calls."""
        ours = [(b"x-request-id", self.request_id.encode()), (b"traceparent", self.traceparent)]
        if token is not None:
            ours.append((header.encode(), token.encode()))
        return self.passed + ours


@dataclass(slots=True)
class _Seen:
    passed: list[Header] = field(default_factory=list)
    authorization: list[bytes] = field(default_factory=list)
    last: dict[bytes, bytes] = field(default_factory=dict)
    size: int = 0

    def take(self, name: bytes, value: bytes) -> None:
        self.size += len(name) + len(value)
        if name in _READ_HERE:
            self.last[name] = value
            if name == b"authorization":
                self.authorization.append(value)
        if name not in _TAKEN and not name.startswith(_OURS):
            self.passed.append((name, value))

    def without_named_by_connection(self) -> list[Header]:
        named = self.last.get(b"connection")
        if named is None or named.lower() in {b"keep-alive", b"close"}:
            return self.passed
        gone = {token.strip().lower() for token in named.split(b",")} - {b"content-length", b"host"}
        return [header for header in self.passed if header[0] not in gone]


def answered(raw: Iterable[Header], added: Sequence[Header], *, no_store: bool) -> list[Header]:
    """A service's answer headers as the caller gets them: ours replaced, `no-store` where nothing is said."""
    headers = [
        (name, value) for name, value in raw if name not in _ANSWERED_HERE and not name.startswith(b"x-creditmesh-")
    ]
    if no_store and not any(name == b"cache-control" for name, _ in headers):
        headers.append((b"cache-control", b"no-store"))
    headers.extend(added)
    return headers


def _kept_or_made(given: bytes | None) -> str:
    if given is not None and _REQUEST_ID.fullmatch(given):
        return given.decode()
    return str(uuid_utils.uuid7())


def _continued(given: bytes | None) -> bytes:
    """W3C trace context: the caller's trace with a span of ours, or a trace of our own that nobody samples."""
    form = None if given is None else _TRACEPARENT.fullmatch(given)
    span = secrets.token_hex(8).encode()
    if form is None:
        return b"00-" + secrets.token_hex(16).encode() + b"-" + span + b"-00"
    return b"00-" + form[1] + b"-" + span + b"-" + form[2]
