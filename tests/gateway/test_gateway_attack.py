"""The door under attack, through listeners and over plain sockets, with its services here and in another process."""

import asyncio
import gzip
import http.client
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from itertools import count
from urllib.parse import urlsplit

import httpx
import pytest

from creditmesh.chassis.http import health
from creditmesh.chassis.http.health import OnceASecond
from creditmesh.gateway.door import Door
from creditmesh.schemas.problems import MOST_FINDINGS, PROBLEM_JSON
from tests.gateway import toy
from tests.gateway.standing import Standing, bearer
from tests.gateway.test_gateway_door import served
from tests.support.eventually import eventually
from tests.support.measuring import TRIES, no_collections

JSON = {"Content-Type": "application/json"}


@pytest.fixture(params=["in process", "over HTTP"], scope="module")
async def url(standing: Standing, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """Where the door listens."""
    async with served(standing.toy_app()) as inner:
        door = standing.door(transport=None if request.param == "in process" else standing.over_http(inner))
        async with served(door) as outer:
            yield outer
        await door.close()


def problem(answer: httpx.Response, status: int) -> dict[str, object]:
    """The refusal, as a problem in both languages with the request's id."""
    assert answer.status_code == status, answer.text[:300]
    assert answer.headers["content-type"] == PROBLEM_JSON
    document: dict[str, object] = answer.json()
    assert document["title_zh"]
    assert document["request_id"] == answer.headers["x-request-id"]
    return document


def _repeated(entry: bytes, size: int) -> bytes:
    return b"[" + (entry * (size // len(entry))).rstrip(b",") + b"]"


def _keys(size: int) -> bytes:
    return ("{" + ",".join(f'"k{number:06}":1' for number in range(size // 12)) + "}").encode()


BAD: dict[str, tuple[str, Callable[[int], bytes]]] = {
    "nuls": ("/v1/guesses", lambda size: _repeated(rb'"\u0000",', size)),
    "half pairs": ("/v1/guesses", lambda size: _repeated(rb'"\ud800",', size)),
    "no numbers": ("/v1/guesses", lambda size: _repeated(b"NaN,", size)),
    "unknown keys": ("/v1/guesses", _keys),
    "deep": ("/v1/guesses", lambda size: b"[" * (size // 2) + b"]" * (size // 2)),
    "as deep as is read": ("/v1/guesses", lambda size: b"[" * 900 + _repeated(rb'"\u0000",', size) + b"]" * 900),
    "wrong entries": ("/v1/batches", lambda size: _repeated(b"1,", size)),
}


@pytest.mark.parametrize("bad", BAD)
async def test_a_bad_body_costs_little_and_is_told_twenty_findings_at_most(url: str, bad: str):
    path, made = BAD[bad]
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        answer = await client.post(path, content=made(60_000), headers=JSON)
        document = problem(answer, answer.status_code)
        assert document["status"] in {400, 422}
        errors = document["errors"]
        assert isinstance(errors, list)
        assert len(errors) <= MOST_FINDINGS
        assert len(answer.content) < 100_000


@pytest.mark.parametrize("bad", ["nuls", "half pairs", "unknown keys", "deep"])
async def test_two_mebibytes_of_bad_strings_at_an_open_route_hold_nobody_up(url: str, bad: str):
    body = BAD[bad][1](2 * 1024 * 1024)
    times = []
    for _ in range(TRIES):
        with no_collections():
            times.append(await _attacked(url, body))
        if times[-1][0] < 0.25 and times[-1][1] < 0.05:
            return
    raise AssertionError(times)


async def _attacked(url: str, body: bytes) -> tuple[float, float]:
    """Seconds of CPU until the attacker had its refusal, and the most before another had `/health/live` meanwhile."""
    async with (
        httpx.AsyncClient(base_url=url, timeout=60) as attacker,
        httpx.AsyncClient(base_url=url, timeout=60) as other,
    ):
        await asyncio.gather(attacker.get("/health/live"), other.get("/health/live"))
        longest, over = 0.0, False

        async def look() -> None:
            nonlocal longest
            while not over:
                began = time.process_time()
                assert (await other.get("/health/live")).status_code == 200
                longest = max(longest, time.process_time() - began)

        looking = asyncio.create_task(look())
        began = time.process_time()
        answer = await attacker.post("/v1/guesses", content=body, headers=JSON)
        seconds, over = time.process_time() - began, True
        await looking
    problem(answer, 413)
    return seconds, longest


SENDERS: dict[str, Callable[[str, str, bytes], int]] = {}


def _sender(send: Callable[[str, str, bytes], int]) -> Callable[[str, str, bytes], int]:
    SENDERS[send.__name__.strip("_")] = send
    return send


@_sender
def _http_client(url: str, path: str, body: bytes) -> int:
    at = urlsplit(url)
    with closing(http.client.HTTPConnection(at.hostname or "", at.port, timeout=60)) as connection:
        connection.request("POST", path, body, JSON | {"Connection": "close"})
        answer = connection.getresponse()
        assert json.loads(answer.read())["title_zh"]
        return answer.status


@_sender
def _in_chunks(url: str, path: str, body: bytes) -> int:
    pieces = (body[start : start + 65536] for start in range(0, len(body), 65536))
    answer = httpx.post(url + path, content=pieces, headers=JSON, timeout=60)
    assert answer.json()["title_zh"]
    return answer.status_code


@pytest.mark.parametrize("sender", SENDERS)
@pytest.mark.parametrize(
    ("path", "status"),
    [("/v1/guesses", 413), ("/v1/toys", 401), ("/nowhere", 404), ("/health/live", 405), ("/v1/faults", 405)],
)
async def test_ten_megabytes_to_a_route_that_takes_none_are_answered_and_not_reset(
    url: str, path: str, status: int, sender: str
):
    body = bytes(10 * 1024 * 1024)
    assert await asyncio.to_thread(SENDERS[sender], url, path, body) == status


async def test_a_body_of_unknown_length_is_cut_at_the_routes_cap(url: str):
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield bytes(8 * 1024)

    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        problem(await client.post("/v1/guesses", content=endless(), headers=JSON), 413)
        problem(await client.post("/v1/digests", content=endless()), 413)


async def test_a_body_is_no_longer_than_its_route_says_in_the_service_too(standing: Standing):
    async def pieces(size: int) -> AsyncIterator[bytes]:
        for _ in range(size // 1024):
            yield bytes(1024)

    async with served(standing.toy_app()) as inner, httpx.AsyncClient(base_url=inner, timeout=60) as client:
        for content in (bytes(65 * 1024), pieces(65 * 1024)):
            answer = await client.post("/v1/guesses", content=content, headers=JSON)
            assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        for content in (bytes(toy.MOST), pieces(toy.MOST)):
            assert (await client.post("/v1/digests", content=content)).json()["size"] == toy.MOST
        packed = JSON | {"Content-Encoding": "gzip"}
        answer = await client.post("/v1/guesses", content=gzip.compress(b"{}"), headers=packed)
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "deflate", "identity, gzip", "x-gzip", "nonsense"])
async def test_a_compressed_body_where_none_is_taken_is_415(url: str, encoding: str):
    body = gzip.compress(b'{"colour": "red"}')
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        answer = await client.post("/v1/guesses", content=body, headers=JSON | {"Content-Encoding": encoding})
        assert "Content-Encoding" in str(problem(answer, 415)["detail"])
        twice = [(b"content-encoding", b"identity"), (b"content-encoding", b"gzip"), *JSON.items()]
        problem(await client.post("/v1/guesses", content=body, headers=twice), 415)
        plain = await client.post(
            "/v1/guesses", content=b'{"colour": "red"}', headers=JSON | {"Content-Encoding": "identity"}
        )
        assert plain.status_code == 200
        taken = await client.post("/v1/digests", content=body, headers={"Content-Encoding": "gzip"})
        assert taken.json()["size"] == len(body)


HEADED = ["/health/live", "/health/ready", "/openapi.json", "/docs", "/v1/toys", "/v1/pieces/3", "/v1/toys/duck"]


@pytest.mark.parametrize("path", [*HEADED, "/nowhere", "/v1/digests", "/v1/toys/%2f"])
async def test_head_is_answered_as_get_without_a_body(standing: Standing, url: str, path: str):
    key = await standing.key()
    headers = bearer(key) if path == "/v1/toys/duck" else {}
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        got = await client.get(path, headers=headers)
        headed = await client.head(path, headers=headers)
    own = {"date", "x-request-id", "content-length", "transfer-encoding"}
    assert headed.status_code == got.status_code
    assert headed.content == b""
    assert {name: value for name, value in headed.headers.items() if name not in own} == {
        name: value for name, value in got.headers.items() if name not in own
    }
    if path in HEADED[:4]:
        assert headed.headers["content-length"] == got.headers["content-length"]
    if path in HEADED:
        assert got.status_code == 200


async def test_a_head_on_a_plain_socket_leaves_the_connection_in_step(url: str):
    at = urlsplit(url)

    def ask() -> list[int]:
        with closing(http.client.HTTPConnection(at.hostname or "", at.port, timeout=60)) as connection:
            answers = []
            for method in ("HEAD", "GET", "HEAD"):
                connection.request(method, "/v1/toys")
                answer = connection.getresponse()
                answer.read()
                answers.append(answer.status)
            return answers

    assert await asyncio.to_thread(ask) == [200, 200, 200]


@pytest.mark.parametrize(
    "path", ["/v1/files/a%2fb", "/v1/files/a%2Fb", "/v1%2ftoys", "/v1/toys%5cduck", "/v1/toys%5Cduck", "/v1/files/a\\b"]
)
async def test_a_slash_that_is_hidden_in_a_path_is_refused(url: str, path: str):
    at = urlsplit(url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400")
    assert b'"code":"malformed"' in answer
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        assert (await client.get("/v1/files/a/b", params={"q": "a/b"})).status_code == 422
        assert (await client.get("/v1/files/a%252fb")).json() == {"path": "a%2fb"}


@asynccontextmanager
async def _polled(standing: Standing, **more: int) -> AsyncIterator[tuple[Door, httpx.AsyncClient]]:
    async with served(standing.toy_app()) as inner:
        door = standing.door(transport=standing.over_http(inner, seconds_to_connect=5.0, **more))
        async with served(door) as outer, httpx.AsyncClient(base_url=outer, timeout=10) as client:
            yield door, client
        await door.close()


async def test_long_polls_of_many_leave_the_connections_of_others_free(standing: Standing):
    async with _polled(standing, connections=2, waiting=2) as (_, client):
        toy.seen.clear()
        toy.polled.clear()
        polls = [asyncio.create_task(client.get("/v1/polls")) for _ in range(2)]
        await eventually(lambda: toy.seen == ["polled"] * 2)
        assert (await client.get("/v1/toys")).status_code == 200
        busy = problem(await client.get("/v1/polls"), 503)
        assert "nothing was sent" in str(busy["detail"])
        assert not any(poll.done() for poll in polls)
        toy.polled.set()
        assert [answer.status_code for answer in await asyncio.gather(*polls)] == [200, 200]


@asynccontextmanager
async def _trickling(url: str, path: str, *, many: int, sent: int) -> AsyncIterator[None]:
    """So many anonymous connections that have sent so much of a longer body, and no more."""
    at = urlsplit(url)
    streams = [await asyncio.open_connection(at.hostname, at.port) for _ in range(many)]
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {sent + 100}\r\n\r\n"
    for _, writer in streams:
        writer.write(head.encode() + b"x" * sent)
        await writer.drain()
    await asyncio.sleep(0.3)
    try:
        yield
    finally:
        for _, writer in streams:
            writer.close()


async def test_a_body_that_trickles_in_holds_no_connection_to_a_service(standing: Standing):
    async with (
        _polled(standing, connections=4) as (_, client),
        _trickling(str(client.base_url), "/v1/guesses", many=20, sent=1),
    ):
        assert (await client.get("/v1/toys")).status_code == 200
        assert (await client.post("/v1/guesses", json={"colour": "red"})).status_code == 200


async def test_long_bodies_of_the_public_leave_connections_to_who_has_a_credential(standing: Standing):
    async with _polled(standing, connections=4) as (_, client):
        key = await standing.key()
        async with _trickling(str(client.base_url), "/v1/digests", many=20, sent=70_000):
            assert (await client.get("/v1/toys/duck", headers=bearer(key))).status_code == 200


async def test_readiness_is_looked_at_once_a_second_however_many_ask(
    standing: Standing, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(health, "PATIENCE", 60)
    looks = count()

    async def look() -> dict[str, object]:
        next(looks)
        await asyncio.sleep(0.05)
        return {"ready": True}

    async with (
        served(standing.door(ready=OnceASecond(look))) as outer,
        httpx.AsyncClient(base_url=outer, timeout=60) as client,
    ):
        began = time.monotonic()
        answers = await asyncio.gather(*(client.get("/health/ready") for _ in range(100)))
        seconds = time.monotonic() - began
    assert {answer.status_code for answer in answers} == {200}
    assert next(looks) <= 1 + seconds
