"""HTTP/1.1 on one connection: uvicorn's protocol over httptools, with the bounds that it lacks.

The parser (httptools) takes header lines without end and for as long as they come. Here bytes that belong to no body
are counted and timed: the first line and the headers of a request, and what is left of a body after its answer. A body
that stands still ends its request, and so does an answer that its caller does not read.
`Host` is as RFC 9112 has it. A refusal is a problem document like any other, and the connection is closed after it.
(h11 counts by itself, times nothing, and was measured at 90 us a request where httptools takes 25.)
"""

import asyncio
import re
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from creditmesh.chassis.errors import Malformed, Problem, Unavailable
from creditmesh.schemas.problems import PROBLEM_JSON

HEAD_BYTES = 64 * 1024
"""Of a request's first line and headers as the parser takes them; the door allows half of it."""
HEAD_SECONDS = 8.0
"""From a connection's first moment, or a request's first byte, until the headers are complete."""
BODY_SECONDS = 30.0
"""How long a body may stand still before its request is over, seen when twice as long has passed at the latest."""
READ_SECONDS = 30.0
"""How long an answer may stand still because its caller does not read it, seen when twice as long has passed."""
MOST_AHEAD = 8
"""Requests that may be sent before the first of them is answered; nobody's client sends one more."""
LINGER_SECONDS = 2.0
"""How long a refused connection is read and not listened to, so that its caller reads the refusal."""
_HOST = re.compile(rb"[A-Za-z0-9._~%!$&'()*+,;=:\[\]-]*")

_NO_HTTP = Malformed(
    "This is not HTTP/1.1 as RFC 9112 has it: check the first line, and that Host stands there once.",
    "请求不符合 RFC 9112（HTTP/1.1）：请检查请求行，且 Host 须出现且仅出现一次。",
)


class HeadersTooLarge(Problem):
    """431: more headers than the node reads."""

    code = "headers_too_large"
    title = "The request's headers are too large"
    title_zh = "请求头过大"
    status = 431


class HeadersTooSlow(Problem):
    """408: a request was begun and its headers did not come."""

    code = "headers_too_slow"
    title = "The request's headers did not come in time"
    title_zh = "请求头未及时送达"
    status = 408


class ListenerConfig(uvicorn.Config):
    """What a listener is told, and beyond uvicorn's own how many connections it holds."""

    connections: int = 1000


class BoundedProtocol(HttpToolsProtocol):
    """One connection with bounds on headers, time and company."""

    config: ListenerConfig

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._loose = 0
        """Bytes of no body that have come since the last complete head or body; a body pays for its own frames."""
        self._of_bodies = 0
        """Bytes of bodies among those that are being parsed."""
        self._moving = False
        """Whether anything of a body has come since its pace was looked at."""
        self._pace: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None
        self._advanced = False
        self._in_body = False
        self._refused = False
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request, unless there are too many connections."""
        super().connection_made(transport)
        if len(self.connections) > self.config.connections:
            self._refuse(
                Unavailable(
                    "The node holds as many connections as it may; try again.",
                    "节点连接数已达上限，请稍后重试。",
                    headers={"Retry-After": "1"},
                )
            )
        else:
            self._wait(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._stop_waiting()
        for timer in (self._pace, self._reading):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The caller reads more slowly than the answer comes; what waits for it must become less."""
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        """The caller has read nearly all."""
        super().resume_writing()
        if self._reading is not None:
            self._reading.cancel()

    def data_received(self, data: bytes) -> None:
        """Parse what has come, and count it where it is of no body."""
        if self._refused:
            return
        self._advanced, self._of_bodies = False, 0
        super().data_received(data)
        if self._refused or self.transport.is_closing():
            return
        if self._taking_a_body():
            self._moving = self._moving or self._of_bodies > 0 or self._advanced
            self._pace = self._pace or self.loop.call_later(BODY_SECONDS, self._check_pace)
        self._loose = 0 if self._advanced else max(self._loose + len(data) - 2 * self._of_bodies, 0)
        if self._advanced or self._of_bodies:
            self._stop_waiting()
        if not self._loose:
            return
        if self._loose > HEAD_BYTES:
            self._refuse(HeadersTooLarge(f"At most {HEAD_BYTES} bytes.", f"合计不得超过 {HEAD_BYTES} 字节。"))
        elif self._timer is None:
            self._wait(HEAD_SECONDS)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take in a header; what comes behind a body (a trailer) is no header, and nobody reads it."""
        if not self._in_body:
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """Count a piece of a body on its way; what is left of it after the answer counts for nothing."""
        if not self.cycle.response_complete:
            self._of_bodies += len(body)
        super().on_body(body)

    def on_headers_complete(self) -> None:
        """The head of a request has come whole."""
        hosts = [value for name, value in self.headers if name == b"host"]
        needed = self.parser.get_http_version() != "1.0"
        if len(hosts) > 1 or (needed and not hosts) or not all(map(_HOST.fullmatch, hosts)):
            raise ValueError("Host")  # the parser makes it its own error, and `send_400_response` of that
        codings = [value.strip().lower() for name, value in self.headers if name == b"transfer-encoding"]
        if codings not in ([], [b"chunked"]) or (codings and not needed):
            raise ValueError("Transfer-Encoding")
        if len(self.pipeline) >= MOST_AHEAD:
            raise ValueError("pipelined")
        super().on_headers_complete()
        self._advanced = self._in_body = True

    def on_message_complete(self) -> None:
        """The body of a request has come whole."""
        self._advanced, self._in_body = True, False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP; the parser's own words are for nobody."""
        del msg
        self._refuse(_NO_HTTP)

    def _wait(self, seconds: float) -> None:
        self._timer = self.loop.call_later(seconds, self._late)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _taking_a_body(self) -> bool:
        return self._in_body and not self.cycle.response_complete

    def _check_pace(self) -> None:
        self._pace = None
        if self._taking_a_body():
            if self._moving or self.flow.read_paused:  # or nobody has taken what has come
                self._moving = False
                self._pace = self.loop.call_later(BODY_SECONDS, self._check_pace)
            else:
                self.transport.close()

    def _watch_reader(self) -> None:
        self._reading = self.loop.call_later(READ_SECONDS, self._check_reader, self.transport.get_write_buffer_size())

    def _check_reader(self, unread: int) -> None:
        if self.transport.get_write_buffer_size() < unread:
            self._watch_reader()
        else:
            self.transport.abort()

    def _late(self) -> None:
        if self._answering():  # a request that was sent ahead is read when its turn comes
            self._wait(HEAD_SECONDS)
        elif self._refused or not self._loose:
            self.transport.close()
        else:
            self._refuse(
                HeadersTooSlow(
                    f"Send the headers within {HEAD_SECONDS:g} s.", f"请在 {HEAD_SECONDS:g} 秒内发送完整请求头。"
                )
            )

    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _refuse(self, problem: Problem) -> None:
        """Say so unless an answer is on its way or has gone out already, and close when it can have been read."""
        self._refused = True
        self._stop_waiting()
        self._unset_keepalive_if_required()
        if self._answering() or self._in_body:
            self.transport.close()
            return
        body = problem.document().model_dump_json().encode()
        headers = {"Content-Type": PROBLEM_JSON, "Content-Length": str(len(body)), "Cache-Control": "no-store"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in {**headers, **problem.headers}.items())
        head = f"HTTP/1.1 {problem.status} \r\n{lines}Connection: close\r\n\r\n"
        self.transport.write(head.encode() + body)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._wait(LINGER_SECONDS)
