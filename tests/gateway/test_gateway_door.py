"""What the door promises, the same whether the service lives in this process or in another."""

import asyncio
import hashlib
import json
import time
from abc import abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import structlog

from creditmesh.chassis import logs
from creditmesh.chassis.http.server.listener import HttpListener
from creditmesh.chassis.http.token import LEEWAY, LIFE, Mint
from creditmesh.chassis.metrics import TOKENS_REFUSED
from creditmesh.chassis.vault.keys import Keys
from creditmesh.gateway.caps import Caps
from creditmesh.gateway.door import Door
from creditmesh.gateway.transport import InProcess, ServiceTransport
from creditmesh.schemas.problems import PROBLEM_JSON
from tests.gateway import toy
from tests.gateway.standing import Standing, bearer, client, invented
from tests.support.eventually import eventually

CAPS = Caps(seconds=20.0)
UNKNOWN = invented()


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document of a refusal, in both languages, with the id of the request."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM_JSON
    document: dict[str, Any] = answer.json()
    assert document["code"] == code
    assert document["title"]
    assert document["title_zh"]
    assert document["request_id"] == answer.headers["x-request-id"]
    return document


class DoorContract:
    """Every transport passes this."""

    @pytest.fixture
    @abstractmethod
    async def transport(self, standing: Standing) -> AsyncIterator[ServiceTransport]:
        """A transport to the toys."""
        raise NotImplementedError
        yield

    @pytest.fixture
    async def door(self, standing: Standing, transport: ServiceTransport) -> AsyncIterator[Door]:
        door = standing.door(transport=transport, caps=CAPS)
        yield door
        await door.close()

    @pytest.fixture
    async def outside(self, door: Door) -> AsyncIterator[httpx.AsyncClient]:
        async with client(door) as outside:
            yield outside

    @pytest.fixture(autouse=True)
    def fresh(self) -> None:
        toy.seen.clear()

    async def test_a_credential_becomes_who_calls(self, standing: Standing, outside: httpx.AsyncClient):
        key = await standing.key(items=("penalty",))
        told = (await outside.get("/v1/toys/duck", headers=bearer(key))).json()
        assert told["kind"] == "department"
        assert told["party"] == "dept.market"
        assert told["scopes"] == ["records:read", "records:submit"]
        assert told["items"] == ["penalty"]
        assert told["credential"] == key.key

    async def test_no_credential_reaches_a_service(self, standing: Standing, outside: httpx.AsyncClient):
        key = await standing.key()
        answer = await outside.get("/v1/toys/duck", headers=bearer(key))
        assert key.credential not in answer.text
        assert "authorization" not in dict(answer.json()["headers"])

    async def test_internal_headers_from_outside_are_stripped(self, standing: Standing, outside: httpx.AsyncClient):
        forged = {
            "X-Creditmesh-Token": standing.token(),
            "X-Creditmesh-Kind": "operator",
            "X-Forwarded-For": "1.2.3.4",
        }
        told = (await outside.get("/v1/toys", headers=forged)).json()
        assert told["kind"] == "public"
        assert not {"x-creditmesh-token", "x-creditmesh-kind", "x-forwarded-for"} & set(dict(told["headers"]))

    async def test_request_id_and_trace_reach_the_service(self, outside: httpx.AsyncClient):
        own = str(uuid4())
        trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        answer = await outside.get("/v1/toys", headers={"X-Request-Id": own, "traceparent": trace})
        assert answer.headers.get_list("x-request-id") == [own]
        assert answer.json()["request_id"] == own
        assert answer.json()["traceparent"].startswith(trace[:36])

    async def test_every_answer_tells_the_sandboxs_legal_date(self, standing: Standing, outside: httpx.AsyncClient):
        for path in ("/v1/toys", "/nowhere", "/v1/toys/x", "/health/live"):
            assert (await outside.get(path)).headers["x-legal-date"] == standing.clock.legal_date().isoformat()

    async def test_answers_to_somebody_known_are_not_stored(self, standing: Standing, outside: httpx.AsyncClient):
        key = await standing.key()
        assert (await outside.get("/v1/toys", headers=bearer(key))).headers["cache-control"] == "no-store"
        assert (await outside.get("/v1/toys")).headers["cache-control"] == "no-store"
        pieces = await outside.get("/v1/pieces/1", headers=bearer(key))
        assert pieces.headers.get_list("cache-control") == ["max-age=5"]
        assert "x-creditmesh-secret" not in pieces.headers

    async def test_path_and_query_arrive_as_they_were_sent(self, outside: httpx.AsyncClient):
        assert (await outside.get("/v1/toys?q=%E8%AF%81%20%2B%26")).json()["q"] == "证 +&"
        assert (await outside.get("/v1/files/a%20b/%E8%AF%81")).json()["path"] == "a b/证"

    async def test_a_body_arrives_whole_in_whatever_pieces(self, outside: httpx.AsyncClient):
        body = bytes(range(256)) * 3000

        async def pieces() -> AsyncIterator[bytes]:
            for start in range(0, len(body), 70_001):
                yield body[start : start + 70_001]

        for content in (body, pieces(), b""):
            answer = await outside.post("/v1/digests", content=content)
            wanted = b"" if content == b"" else body
            assert answer.json() == {"size": len(wanted), "digest": hashlib.sha256(wanted).hexdigest()}

    async def test_an_answer_arrives_whole(self, outside: httpx.AsyncClient):
        assert (await outside.get("/v1/pieces/50")).content == toy.PIECE * 50
        assert (await outside.get("/v1/pieces/0")).content == b""

    @pytest.mark.parametrize("count", [0, 1, 30])
    async def test_an_answer_that_fails_in_the_middle_never_looks_whole(self, door: Door, count: int):
        async with served(door) as url, httpx.AsyncClient(base_url=url, timeout=60) as outside:
            async with outside.stream("GET", f"/v1/broken/{count}") as answer:
                assert answer.status_code == 200
                with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
                    await answer.aread()
            assert (await outside.get("/v1/toys")).status_code == 200

    async def test_a_services_refusal_is_passed_on(self, standing: Standing, outside: httpx.AsyncClient):
        key = await standing.key()
        refused = await outside.post("/v1/toys", headers=bearer(key), json={"colour": "taken"})
        problem(refused, 409, "conflict")
        assert refused.headers["x-toy"] == "yes"
        made = await outside.post("/v1/toys", headers=bearer(key), json={"colour": "red"})
        assert (made.status_code, made.json()) == (201, {"colour": "red", "party": "dept.market"})

    async def test_a_services_fault_tells_nothing(self, outside: httpx.AsyncClient):
        answer = await outside.get("/v1/faults")
        problem(answer, 500, "fault")
        assert "secret" not in answer.text

    async def test_what_is_logged_has_the_id_of_the_answer(
        self, outside: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
    ):
        logs.set_up("info", node="city", process="test")
        answer = await outside.get("/v1/faults")
        found = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
        assert found
        assert {line["request_id"] for line in found} == {answer.headers["x-request-id"]}
        assert all(line["traceparent"].startswith("00-") for line in found)

    async def test_without_a_credential_only_open_routes_answer(self, outside: httpx.AsyncClient):
        assert (await outside.get("/v1/toys")).json()["kind"] == "public"
        refused = await outside.get("/v1/toys/duck")
        problem(refused, 401, "unauthenticated")
        assert refused.headers["www-authenticate"] == "Bearer"

    @pytest.mark.parametrize("path", ["/v1/toys", "/v1/toys/duck", "/nowhere"])
    @pytest.mark.parametrize(
        "sent",
        [
            "",
            "Bearer",
            "Bearer ",
            "Bearer x",
            f"Basic {UNKNOWN}",
            UNKNOWN,
            f"Bearer {UNKNOWN}",
            f"Bearer {UNKNOWN} {UNKNOWN}",
            f"Bearer {invented('other')}",
            "Bearer " + "é" * 30,
            "Bearer " + "x" * 5000,
        ],
        ids=range(11),
    )
    async def test_a_presented_credential_must_be_valid_whatever_the_path(
        self, outside: httpx.AsyncClient, sent: str, path: str
    ):
        refused = await outside.get(path, headers=[(b"authorization", sent.encode("latin-1"))])
        problem(refused, 401, "unauthenticated")

    async def test_two_credentials_at_once_are_none(self, standing: Standing, outside: httpx.AsyncClient):
        key = await standing.key()
        twice = [(b"authorization", f"Bearer {key.credential}".encode())] * 2
        problem(await outside.get("/v1/toys", headers=twice), 401, "unauthenticated")

    async def test_scope_and_kind_are_asked_for_by_name(self, standing: Standing, outside: httpx.AsyncClient):
        reader = await standing.key(scopes=("queries:ask",))
        lacking = problem(await outside.get("/v1/toys/duck", headers=bearer(reader)), 403, "forbidden")
        assert "records:read" in lacking["detail"]
        assert "records:read" in lacking["detail_zh"]
        bureau = await standing.key(kind="bureau", party="bureau.one")
        other = problem(await outside.get("/v1/toys/duck", headers=bearer(bureau)), 403, "forbidden")
        assert "department" in other["detail"]

    async def test_unknown_paths_and_methods(self, standing: Standing, outside: httpx.AsyncClient):
        key = await standing.key()
        for headers in ({}, bearer(key)):
            problem(await outside.get("/nowhere", headers=headers), 404, "not_found")
            problem(await outside.post("/v1/admin/toys", headers=headers), 404, "not_found")
            wrong = await outside.delete("/v1/toys", headers=headers)
            problem(wrong, 405, "method_not_allowed")
            assert wrong.headers["allow"] == "GET, HEAD, POST"

    @pytest.mark.parametrize("path", ["/v1/toys/%00", "/v1/toys/a%0Ab", "/v1/toys/%ff%fe", "/v1/toys?q=%00", "/%00"])
    async def test_addresses_that_are_no_text_are_malformed(self, outside: httpx.AsyncClient, path: str):
        problem(await outside.get(path), 400, "malformed")

    async def test_long_addresses_and_headers_are_refused(self, outside: httpx.AsyncClient):
        problem(await outside.get("/v1/toys?q=" + "x" * 9000), 414, "url_too_long")
        problem(await outside.get("/v1/toys/" + "x" * 9000), 414, "url_too_long")
        problem(await outside.get("/v1/toys", headers={"X-Long": "x" * 40_000}), 431, "headers_too_large")
        many = [(f"x-{n}", "1") for n in range(200)]
        problem(await outside.get("/v1/toys", headers=many), 431, "headers_too_large")

    async def test_a_body_beyond_the_cap_is_refused_before_it_is_read(self, outside: httpx.AsyncClient):
        document = problem(await outside.post("/v1/digests", content=bytes(toy.MOST + 1)), 413, "too_large")
        assert str(toy.MOST) in document["detail"]
        assert toy.seen == []
        assert (await outside.post("/v1/digests", content=bytes(toy.MOST))).json()["size"] == toy.MOST

    async def test_a_body_of_unknown_length_is_cut_at_the_cap(self, outside: httpx.AsyncClient):
        async def endless() -> AsyncIterator[bytes]:
            while True:
                yield bytes(64 * 1024)

        problem(await outside.post("/v1/digests", content=endless()), 413, "too_large")
        await eventually(lambda: toy.seen == ["cut short"])

    @pytest.mark.parametrize("length", [b"-1", b"x", b"1e3", b"\xb2", b"9" * 400])
    async def test_a_length_that_is_no_number_or_too_great_is_refused(self, door: Door, length: bytes):
        answer = await raw(door, "POST", "/v1/digests", headers=[(b"content-length", length)])
        assert answer[0]["status"] in {400, 413}

    async def test_a_client_that_leaves_takes_its_body_with_it_and_is_nobodys_fault(self, door: Door):
        half = bytes(70_000)  # more than is gathered before a service is called
        sent = [{"type": "http.request", "body": half, "more_body": True}, {"type": "http.disconnect"}]
        headers = [(b"content-length", b"140000")]
        with structlog.testing.capture_logs() as logs:
            await raw(door, "POST", "/v1/digests", headers=headers, sent=sent)
            await eventually(lambda: toy.seen == ["cut short"])
        assert logs == []

    async def test_a_request_that_takes_too_long_is_ended(self, standing: Standing, transport: ServiceTransport):
        async with client(standing.door(transport=transport, caps=Caps(seconds=0.3))) as outside:
            late = await outside.post("/v1/waits", json={})
        assert "0.3" in problem(late, 503, "unavailable")["detail"]
        assert late.headers["retry-after"] == "1"
        await eventually(lambda: toy.seen == ["ended"])

    async def test_a_services_own_401_is_passed_on(self, outside: httpx.AsyncClient):
        problem(await outside.get("/v1/strangers"), 401, "unauthenticated")

    async def test_many_requests_at_once_keep_apart(self, standing: Standing, outside: httpx.AsyncClient):
        keys = [await standing.key(party=f"dept.n{n}") for n in range(5)]

        async def ask(n: int) -> None:
            told = (await outside.get(f"/v1/toys/{n}", headers=bearer(keys[n % 5]))).json()
            assert (told["toy"], told["party"]) == (str(n), f"dept.n{n % 5}")

        await asyncio.gather(*(ask(n) for n in range(100)))


class TestInProcess(DoorContract):
    """The service in this process."""

    @pytest.fixture
    async def transport(self, standing: Standing) -> ServiceTransport:
        return InProcess(standing.toy_app())


class TestOverHttp(DoorContract):
    """The service behind a listener of its own."""

    @pytest.fixture
    async def transport(self, standing: Standing) -> AsyncIterator[ServiceTransport]:
        async with served(standing.toy_app()) as url:
            transport = standing.over_http(url)
            yield transport
            await transport.close()


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """The application on a port of its own."""
    listener = HttpListener(app, host="127.0.0.1", port=0, drain_seconds=1)
    await listener.start()
    try:
        yield listener.url
    finally:
        await listener.drain()


async def raw(
    app: Any, method: str, path: str, *, headers: list[tuple[bytes, bytes]], sent: list[dict[str, Any]] | None = None
) -> list[dict[str, Any]]:
    """One request as ASGI messages, for what no client library would send."""
    messages = iter(sent or [{"type": "http.request", "body": b"", "more_body": False}])
    answers: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return next(messages, {"type": "http.disconnect"})

    async def send(message: dict[str, Any]) -> None:
        answers.append(message)

    await app(scope_of(method, path, headers), receive, send)
    return answers


def scope_of(method: str, path: str, headers: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("node.test", 80),
        "scheme": "http",
        "root_path": "",
    }


async def test_a_service_that_is_down_is_503_with_a_time_to_come_back(standing: Standing):
    transport = standing.over_http("http://127.0.0.1:9")
    async with client(standing.door(transport=transport)) as outside:
        refused = await outside.post("/v1/digests", content=b"x")
    document = problem(refused, 503, "unavailable")
    assert "Idempotency-Key" in document["detail"]
    assert refused.headers["retry-after"] == "1"
    await transport.close()


async def test_a_post_to_a_service_that_dies_inside_it_is_sent_once(standing: Standing):
    connections: list[bytes] = []

    async def dies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(await reader.read(65536))
        writer.close()

    server = await asyncio.start_server(dies, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    transport = standing.over_http(f"http://{host}:{port}")
    async with client(standing.door(transport=transport)) as outside:
        problem(await outside.post("/v1/digests", content=b"x"), 503, "unavailable")
    assert len(connections) == 1
    await transport.close()
    server.close()


async def test_the_whole_way_over_two_listeners(standing: Standing):
    key = await standing.key()
    async with served(standing.toy_app()) as inner:
        transport = standing.over_http(inner)
        door = standing.door(transport=transport, caps=CAPS)
        async with served(door) as outer, httpx.AsyncClient(base_url=outer, timeout=60) as outside:
            told = await outside.get("/v1/toys/duck", headers=bearer(key))
            assert told.json()["party"] == "dept.market"
            assert len(told.headers.get_list("date")) == 1
            assert (await outside.get("/v1/pieces/50")).content == toy.PIECE * 50
            problem(await outside.post("/v1/digests", content=bytes(toy.MOST + 1)), 413, "too_large")
            assert (await outside.post("/v1/digests", content=bytes(1000))).json()["size"] == 1000
        await door.close()


async def test_who_does_not_read_a_short_answer_holds_no_connection_to_the_service(standing: Standing):
    begun, read = asyncio.Event(), asyncio.Event()
    messages = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def stays() -> Any:
        return next(messages, None) or await asyncio.Event().wait()

    async def reads_late(_: Any) -> None:
        begun.set()
        await read.wait()

    async with served(standing.toy_app()) as inner:
        transport = standing.over_http(inner, connections=1, seconds_to_connect=0.5)
        door = standing.door(transport=transport)
        slow = asyncio.create_task(door(scope_of("GET", "/v1/toys", []), stays, reads_late))
        await asyncio.wait_for(begun.wait(), 60)
        async with client(door) as outside:
            assert (await outside.get("/v1/toys")).status_code == 200
        assert not slow.done()
        read.set()
        await slow
        await door.close()


async def test_a_waiting_client_that_leaves_ends_its_request_in_the_other_process(standing: Standing):
    toy.seen.clear()
    async with served(standing.toy_app()) as inner:
        door = standing.door(transport=standing.over_http(inner))
        async with served(door) as outer, httpx.AsyncClient(base_url=outer, timeout=60) as outside:
            with pytest.raises(httpx.ReadTimeout):
                await outside.post("/v1/waits", timeout=0.2)
            await eventually(lambda: toy.seen == ["ended"])
        await door.close()


@pytest.mark.parametrize(("trouble", "reason"), [("keys", "key_unknown"), ("clock", "not_yet_valid")])
async def test_trouble_inside_is_never_told_as_the_callers(
    standing: Standing, tmp_path: Path, trouble: str, reason: str
):
    Keys.create(tmp_path, ["token"])
    other = Keys.load(tmp_path, ["token"]).token_key()
    mint = {
        "keys": Mint(other, node="city"),
        "clock": Mint(standing.keys.token_key(), node="city", seconds=lambda: time.time() + LEEWAY + 5),
    }[trouble]
    key, refused = await standing.key(), TOKENS_REFUSED.labels("gateway", "toy", reason)
    before = refused._value.get()
    async with served(standing.toy_app()) as inner:
        door = standing.door(transport=standing.over_http(inner, mint=mint))
        with structlog.testing.capture_logs() as logs:
            async with client(door) as outside:
                answer = await outside.get("/v1/toys/duck", headers=bearer(key))
                headed = await outside.head("/v1/toys/duck", headers=bearer(key))
                assert (await outside.get("/v1/toys")).status_code == 200  # nobody in particular
        await door.close()
    document = problem(answer, 503, "unavailable")
    assert "credential is good" in document["detail"]
    assert (headed.status_code, headed.content) == (503, b"")
    for each in (answer, headed):
        assert each.headers["retry-after"] == "5"
        assert not [name for name in each.headers if name.startswith("x-creditmesh")]
    assert refused._value.get() == before + 2
    assert [(line["log_level"], line["service"], line["reason"]) for line in logs] == [("error", "toy", reason)] * 2


async def test_in_one_process_no_token_is_made_and_none_is_believed(standing: Standing):
    key = await standing.key()
    forged = {"X-Creditmesh-Token": standing.token(), "X-Creditmesh-Caller": "operator"}
    async with client(standing.door()) as outside:
        told = (await outside.get("/v1/toys/duck", headers=bearer(key) | forged)).json()
        assert (told["credential"], told["party"]) == (key.key, "dept.market")
        assert not [name for name, _ in told["headers"] if name.startswith("x-creditmesh")]
        assert (await outside.get("/v1/toys", headers=forged)).json()["kind"] == "public"


async def test_who_calls_is_believed_of_this_process_and_of_no_connection(standing: Standing):
    forged = {"creditmesh.caller": "operator", "Creditmesh.Caller": '{"kind": "operator"}'}
    async with served(standing.toy_app()) as inner, httpx.AsyncClient(base_url=inner, timeout=60) as inside:
        assert (await inside.get("/v1/toys", headers=forged)).json()["kind"] == "public"
        refused = await inside.get("/v1/toys/duck?creditmesh.caller=operator", headers=forged)
        assert refused.status_code == 403


async def test_outside_a_sandbox_no_answer_has_a_legal_date(standing: Standing):
    standing.sandbox = False
    try:
        async with client(standing.door()) as outside:
            assert "x-legal-date" not in (await outside.get("/v1/toys")).headers
    finally:
        standing.sandbox = True


async def test_a_token_for_another_service_or_too_old_is_refused_by_the_service(standing: Standing):
    token = {"X-Creditmesh-Token": standing.token()}
    async with client(standing.toy_app()) as inside:
        assert (await inside.get("/v1/toys/duck", headers=token)).status_code == 200
    async with client(standing.toy_app(audience="query")) as inside:
        assert (await inside.get("/v1/toys/duck", headers=token)).status_code == 401
    async with client(standing.toy_app(seconds_later=LIFE + LEEWAY)) as inside:
        assert (await inside.get("/v1/toys/duck", headers=token)).status_code == 401
