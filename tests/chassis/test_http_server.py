"""A listener under attack: what it reads, how long it waits, and that who is refused reads why."""

import asyncio
import contextlib
import http.client
import json
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from creditmesh.chassis.http.server import draining, protocol
from creditmesh.chassis.http.server.listener import HttpListener
from creditmesh.schemas.problems import PROBLEM_JSON

LARGE = 10 * 1024 * 1024
Close = contextlib.suppress(ConnectionError, BrokenPipeError)


async def refuses(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuses every request without reading its body, and tells the address it came from."""
    del receive
    body = json.dumps({"refused": True, "from": scope["client"][0]}).encode()
    headers = [(b"content-type", PROBLEM_JSON.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def listening(**more: Any) -> AsyncIterator[str]:
    """An application that refuses, on a port of its own."""
    listener = HttpListener(more.pop("app", refuses), host="127.0.0.1", port=0, drain_seconds=1, **more)
    await listener.start()
    try:
        yield listener.url
    finally:
        await listener.drain()


async def on_wire(url: str, *pieces: bytes, pause: float = 0.0, patience: float = 60.0) -> tuple[bytes, float]:
    """All that came back on one connection until its end, and after how many seconds that was."""
    at = urlsplit(url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    began = time.monotonic()

    async def say() -> None:
        with Close:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause)

    saying = asyncio.create_task(say())
    try:
        async with asyncio.timeout(patience):
            answer = await reader.read()
    finally:
        saying.cancel()
        await asyncio.gather(saying, return_exceptions=True)
        writer.close()
    return answer, time.monotonic() - began


def status(answer: bytes) -> int:
    """The status of a raw answer whose body is a problem document."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert PROBLEM_JSON.encode() in head.lower()
    document = json.loads(body)
    assert document["title_zh"]
    return int(head[9:12])


# --- headers


@pytest.mark.parametrize(
    "endless",
    [b"x-%d: " + b"v" * 200 + b"\r\n", b"v" * 200, b"\r\n" * 100],
    ids=["lines", "one line", "empty lines before any request"],
)
async def test_headers_without_end_are_cut_within_64_kib(endless: bytes):
    begin = b"" if endless.startswith(b"\r\n") else b"GET / HTTP/1.1\r\nHost: x\r\nx: "
    async with listening() as url:
        answer, _ = await on_wire(url, begin, *[endless] * (1024 * 1024 // len(endless)))
    assert status(answer) == 431, "by what it has read: for its time it would be 408"


async def test_headers_that_are_sent_whole_before_anything_is_read_are_refused_readably():
    async with listening() as url:
        answer, _ = await on_wire(url, b"GET / HTTP/1.1\r\nHost: x\r\nx: " + b"v" * 1024 * 1024)
    assert status(answer) == 431


async def test_slow_headers_are_closed(monkeypatch: pytest.MonkeyPatch):
    assert protocol.HEAD_SECONDS <= 10
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.5)
    async with listening() as url:
        begin = b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "
        slow, silent, second = await asyncio.gather(
            on_wire(url, begin, *[b"a"] * 600, pause=0.1),
            on_wire(url),
            on_wire(url, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /", *[b"e"] * 600, pause=0.1),
        )
    assert (status(slow[0]), silent[0]) == (408, b"")
    assert b"408 " in second[0]
    assert max(seconds for _, seconds in (slow, silent, second)) < 30, "and not when all was said, after a minute"


async def test_a_body_that_stands_still_ends_its_request_and_a_slow_one_does_not(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(protocol, "BODY_SECONDS", 1.0)

    async def reads(scope: Scope, receive: Receive, send: Send) -> None:
        while (message := await receive()).get("more_body"):
            pass
        if message["type"] == "http.request":
            await refuses(scope, receive, send)

    head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 10\r\n\r\n"
    async with listening(app=reads) as url:
        still, slow = await asyncio.gather(on_wire(url, head, b"x"), on_wire(url, head, *[b"x"] * 10, pause=0.2))
    assert still[0] == b""
    assert slow[0].startswith(b"HTTP/1.1 413")


async def test_an_answer_that_nobody_reads_ends_and_one_that_is_read_slowly_does_not(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(protocol, "READ_SECONDS", 0.8)
    ended = asyncio.Event()

    async def answers(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        headers = [(b"content-length", b"%d" % (LARGE + 1))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": bytes(LARGE), "more_body": True})
        await send({"type": "http.response.body", "body": b"."})
        ended.set()

    async with listening(app=answers) as url:
        with connected(url) as silent:
            await asyncio.wait_for(ended.wait(), 60)
            del silent
        ended.clear()
        with connected(url) as slow:
            came, began = 0, time.monotonic()
            while came < LARGE:
                piece = await asyncio.get_running_loop().sock_recv(slow, 256 * 1024)
                assert piece, f"cut after {came} bytes"
                came += len(piece)
                await asyncio.sleep(0.02)
            assert time.monotonic() - began > 2 * protocol.READ_SECONDS
            await asyncio.wait_for(ended.wait(), 60)


@contextlib.contextmanager
def connected(url: str) -> Iterator[socket.socket]:
    """A connection that has asked, and takes little unless it is read."""
    with socket.socket() as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        at = urlsplit(url)
        made.connect((str(at.hostname), int(at.port or 0)))
        made.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        made.setblocking(False)
        yield made


async def test_a_request_that_is_answered_slowly_is_not_a_slow_request(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.1)

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.4)
        await refuses(scope, receive, send)

    two = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    async with listening(app=slow) as url:
        answer, _ = await on_wire(url, two)
    assert answer.count(b"HTTP/1.1 413") == 2


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nX: y\r\nHOST: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
        b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
        b"no request\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
async def test_a_request_that_is_none_or_has_not_one_host_is_400_as_a_problem(head: bytes):
    async with listening() as url:
        answer, _ = await on_wire(url, head)
    assert status(answer) == 400


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: [::1]:8080\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: node.example:80\r\nConnection: close\r\n\r\n",
    ],
)
async def test_a_host_as_it_may_be_is_taken(head: bytes):
    async with listening() as url:
        answer, _ = await on_wire(url, head)
    assert answer.startswith(b"HTTP/1.1 413")


# --- connections


async def test_one_connection_too_many_is_told_so_and_the_others_go_on():
    async with listening(connections=3) as url, contextlib.AsyncExitStack() as held:
        at = urlsplit(url)
        for _ in range(3):
            _, writer = await asyncio.open_connection(at.hostname, at.port)
            held.callback(writer.close)
        async with asyncio.timeout(60):
            answer, _ = await on_wire(url, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert status(answer) == 503
    assert b"retry-after: 1" in answer.lower()


async def test_an_idle_connection_is_kept_as_long_as_it_is_said():
    ask = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    async with listening(keep_alive=0.3) as short, listening(keep_alive=3.0) as long:
        (_, first), (_, second) = await asyncio.gather(on_wire(short, ask), on_wire(long, ask))
    assert first > 0.25
    assert second > first + 1
    assert second > 2.9


async def test_an_upgrade_to_a_websocket_is_an_ordinary_request():
    upgrade = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n"
    more = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    async with listening() as url:
        answer, _ = await on_wire(url, upgrade + more)
    assert answer.startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    ("trusted", "said", "wanted"),
    [
        ((), "9.9.9.9", "127.0.0.1"),
        (("10.0.0.0/8",), "9.9.9.9", "127.0.0.1"),
        (("127.0.0.0/8",), "9.9.9.9", "9.9.9.9"),
        (("127.0.0.0/8",), "1.2.3.4, 9.9.9.9", "9.9.9.9"),
        (("127.0.0.0/8", "9.9.9.9/32"), "1.2.3.4, 9.9.9.9", "1.2.3.4"),
        (("127.0.0.0/8",), None, "127.0.0.1"),
    ],
)
async def test_an_address_is_believed_of_a_trusted_proxy_alone(
    trusted: tuple[str, ...], said: str | None, wanted: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    headers = {} if said is None else {"X-Forwarded-For": said}
    async with listening(trusted_proxies=trusted) as url, httpx.AsyncClient(timeout=60) as client:
        assert (await client.get(url, headers=headers)).json()["from"] == wanted


# --- refusals


def by_http_client(url: str) -> int:
    at = urlsplit(url)
    with contextlib.closing(http.client.HTTPConnection(at.hostname or "", at.port, timeout=60)) as connection:
        connection.request("POST", "/", bytes(LARGE), {"Connection": "close"})
        return _read(connection.getresponse())


def by_http_client_in_chunks(url: str) -> int:
    at = urlsplit(url)
    with contextlib.closing(http.client.HTTPConnection(at.hostname or "", at.port, timeout=60)) as connection:
        connection.request("POST", "/", iter([bytes(65536)] * (LARGE // 65536)), encode_chunked=True)
        return _read(connection.getresponse())


def by_httpx(url: str) -> int:
    answer = httpx.post(url, content=bytes(LARGE), headers={"Connection": "close"}, timeout=60)
    assert answer.json()["refused"]
    return answer.status_code


def by_a_socket(url: str) -> int:
    """Sends all of it before it reads a byte."""
    at = urlsplit(url)
    with socket.create_connection((at.hostname, at.port), timeout=60) as raw:
        raw.sendall(b"POST / HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % LARGE)
        raw.sendall(bytes(LARGE))
        answer = b""
        while piece := raw.recv(65536):
            answer += piece
    assert b'"refused": true' in answer
    return int(answer[9:12])


def _read(answer: http.client.HTTPResponse) -> int:
    assert json.loads(answer.read())["refused"]
    return answer.status


@pytest.mark.parametrize("client", [by_http_client, by_http_client_in_chunks, by_httpx, by_a_socket])
async def test_who_is_refused_while_sending_reads_the_refusal(client: Callable[[str], int]):
    async with listening() as url:
        assert await asyncio.to_thread(client, url) == 413


async def test_a_connection_serves_again_after_a_refusal_whose_body_came():
    async with listening() as url, httpx.AsyncClient(timeout=60) as client:
        for _ in range(3):
            assert (await client.post(url, content=bytes(200_000))).status_code == 413


async def test_who_asks_first_is_refused_without_being_asked_for_the_body(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(draining, "SECONDS", 600)  # nobody waits for it
    async with listening() as url:
        head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\nExpect: 100-continue\r\n\r\n"
        answer, _ = await on_wire(url, head)
    assert answer.startswith(b"HTTP/1.1 413")


async def test_a_refused_body_is_waited_for_so_long_and_no_longer(monkeypatch: pytest.MonkeyPatch):
    assert draining.SECONDS <= 10
    monkeypatch.setattr(draining, "SECONDS", 0.3)
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    async with listening() as url:
        head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n"
        answer, seconds = await on_wire(url, head, *[b"x"] * 600, pause=0.1)
    assert answer.startswith(b"HTTP/1.1 413")
    assert seconds < 30, "and not when all has come, after a minute"


async def test_a_refused_body_without_end_is_cut(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(draining, "MOST", 1024 * 1024)
    sent = 0

    async def keep_sending(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        with Close:
            while True:
                writer.write(b"%x\r\n%b\r\n" % (65536, bytes(65536)))
                await writer.drain()
                sent += 65536

    async with listening() as url:
        at = urlsplit(url)
        reader, writer = await asyncio.open_connection(at.hostname, at.port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        async with asyncio.timeout(60):
            await keep_sending(writer)
        with Close:
            await reader.read()
        writer.close()
    assert sent < 16 * 1024 * 1024


# --- what stands behind a body, and what is sent ahead


async def reads_all(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads its whole body, and tells the names of the headers it was given."""
    while (await receive()).get("more_body"):
        pass
    body = json.dumps([name.decode() for name, _ in scope["headers"]]).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"


@pytest.mark.parametrize("trailer", [b"a: b\r\n" * 2000, b"a: " + b"x" * 20_000])
async def test_trailers_without_end_are_cut_off(trailer: bytes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 600)  # by what has come, and not by the time it takes
    async with listening(app=reads_all) as url:
        rest = trailer if trailer.endswith(b"\n") else b"x" * 20_000
        answer, _ = await on_wire(url, CHUNKED + trailer, *[rest] * 200, pause=0.001)
    assert b"200" not in answer[:15]


async def test_a_trailer_is_no_header():
    async with listening(app=reads_all) as url:
        answer = await one(url, CHUNKED + b"Authorization: Bearer x\r\nHost: b\r\n\r\n")
    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == ["host", "transfer-encoding"]


async def one(url: str, request: bytes) -> bytes:
    """One answer with a length, on a connection that stays."""
    at = urlsplit(url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    writer.write(request)
    async with asyncio.timeout(60):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        body = await reader.readexactly(length)
    writer.close()
    return head + body


async def test_a_large_chunked_body_pays_for_its_own_frames():
    pieces = [b"3e8\r\n" + b"x" * 1000 + b"\r\n"] * 5000
    async with listening(app=reads_all) as url:
        answer = await one(url, CHUNKED[: CHUNKED.index(b"2\r\n{}")] + b"".join(pieces) + b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200")


async def test_a_thousand_requests_sent_ahead_end_the_connection():
    async with listening(app=reads_all) as url:
        with Close:  # nobody who sends so much ahead need read what is answered
            answer, _ = await on_wire(url, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 10_000)
            assert answer.count(b"HTTP/1.1 200") <= protocol.MOST_AHEAD + 1
        assert (await one(url, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("coding", [b"gzip", b"xchunked", b"chunked, gzip"])
async def test_another_transfer_coding_is_refused_and_reaches_nobody(coding: bytes):
    async with listening(app=reads_all) as url:
        answer, _ = await on_wire(url, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: " + coding + b"\r\n\r\n")
    assert status(answer) == 400


@pytest.mark.parametrize("expected", [b"100-continue", b"foo"])
async def test_who_sends_without_waiting_to_be_asked_reads_the_refusal(expected: bytes):
    head = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: %b\r\nContent-Length: %d\r\n\r\n" % (expected, LARGE)
    async with listening() as url:
        answer = await one(url, head + b"x" * LARGE)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"refused" in answer
