"""What crosses the door in headers: what is taken off, what is made or continued, what is put on the answer."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import getrandbits
from typing import Self

import uuid_utils

Header = tuple[bytes, bytes]

_ONE_HOP = frozenset((b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"expect")) | {
    b"proxy-authenticate",
    b"proxy-authorization",
    b"proxy-connection",
}
_READ_HERE = frozenset((b"authorization", b"x-request-id", b"traceparent", b"connection"))
_OURS = (b"x-creditmesh-", b"x-forwarded-")
"""A caller that sends these claims what only the node or its proxies may say."""
_SIGNATURE = frozenset((b"signature", b"signature-input"))
_TAKEN = (
    _ONE_HOP
    | _SIGNATURE
    | {b"creditmesh-to", b"authorization", b"cookie", b"forwarded", b"x-real-ip", b"x-request-id", b"traceparent"}
)
_ANSWERED_HERE = _ONE_HOP | {b"x-request-id", b"x-legal-date", b"server", b"date"}
_REQUEST_ID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(?:-.*)?")


@dataclass(slots=True)
class RequestHeaders:
    """A request's headers, sorted into what is passed on and what the door reads itself."""

    request_id: str
    traceparent: bytes
    passed: list[Header]
    authorization: Sequence[bytes]
    size: int
    """Bytes of all names and values together."""
    signed: bool = False
    """Whether it carries a signature, be it a half of one."""

    @classmethod
    def of(cls, raw: Iterable[Header]) -> Self:
        """Sort what a client sent. A request id or trace that is not well-formed is replaced, not refused."""
        passed, authorization, read, size, signed = [], [], {}, 0, False
        for name, value in raw:
            size += len(name) + len(value)
            if name in _READ_HERE:
                read[name] = value
                if name == b"authorization":
                    authorization.append(value)
            signed = signed or name in _SIGNATURE
            if name not in _TAKEN and not name.startswith(_OURS):
                passed.append((name, value))
        return cls(
            request_id=_kept_or_made(read.get(b"x-request-id")),
            traceparent=_continued(read.get(b"traceparent")),
            passed=_without_named(passed, read.get(b"connection")),
            authorization=authorization,
            size=size,
            signed=signed,
        )

    def onward(self) -> list[Header]:
        """The headers the service gets: the caller's, and this node's ids."""
        return [*self.passed, (b"x-request-id", self.request_id.encode()), (b"traceparent", self.traceparent)]


def _without_named(passed: list[Header], connection: bytes | None) -> list[Header]:
    """Connection may name further headers of one hop; the length and the host never are."""
    if connection is None or connection.lower() in {b"keep-alive", b"close"}:
        return passed
    gone = {token.strip().lower() for token in connection.split(b",")} - {b"content-length", b"host"}
    return [header for header in passed if header[0] not in gone]


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
    if form is None:
        drawn = b"%048x" % getrandbits(192)
        return b"00-%b-%b-00" % (drawn[:32], drawn[32:])
    return b"00-%b-%016x-%b" % (form[1], getrandbits(64), form[2])
