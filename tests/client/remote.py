"""A remote node at the edge of the world: it speaks the published contract over real HTTP and breaks on demand."""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from uuid import UUID, uuid4

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from creditmesh.ingestion import formats
from creditmesh.ingestion.formats import media_of
from creditmesh.schemas.catalogue import FieldSpec
from creditmesh.schemas.problems import PROBLEM_JSON, FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.rules.headers import FieldNames
from creditmesh.schemas.signed import SignedText, sign
from creditmesh.schemas.verdicts import Receipt, VerdictWord, verdict_line
from tests.client.feed import FeedLog
from tests.ingestion.rows import code_sets, items
from tests.support.eventually import eventually

KEY = "cm_city_canary000001_thiskeymustneverbeseen1"
ITEM = "administrative_penalty"
SHIPPED = items()[ITEM]
ITSELF = SHIPPED.model_copy(
    update={"fields": (*SHIPPED.fields, FieldSpec(code="VERDICT", name="Verdict", name_zh="结论", type="text"))}
)
"""The item, with a field for what becomes of the row."""
CATALOGUE = {f"/v1/catalogue/items/{ITEM}": ITSELF} | {
    f"/v1/catalogue/code-sets/{code}": code_set for code, code_set in code_sets().items()
}
NAMES = FieldNames(
    ITSELF.model_copy(update={"fields": tuple(f.model_copy(update={"required": False}) for f in ITSELF.fields)})
)


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def key(self) -> str | None:
        return self.headers.get("idempotency-key")


@dataclass
class Remote:
    """What the remote node was asked, and how it is to misbehave."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    stored: dict[str, bytes] = field(default_factory=dict)
    """Body by Idempotency-Key: each was stored once."""
    busy: list[dict[str, str]] = field(default_factory=list)
    """Headers of the 503s that it still answers first."""
    breaks: list[int] = field(default_factory=list)
    """After how many verdict lines the next answers break off."""
    stall: bool = False
    """Whether it stops in the middle of its answer."""
    catching_up: Response | None = None
    """What it answers to everything while it catches up."""
    wrong_digest: bool = False
    refuse_all: bool = False
    answers: dict[str, Response] = field(default_factory=dict)
    """A fixed answer by path."""
    screens: bool = False
    """Whether it answers screenings, and how many subjects of each it forgets."""
    forgets: int = 0
    log: FeedLog | None = None
    """Its one feed."""

    @property
    def submissions(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.path.startswith("/v1/items/")]


def app_of(remote: Remote) -> FastAPI:
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST", "DELETE"])
    async def anything(request: Request) -> Response:
        body = await request.body()
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        remote.asked.append(Asked(request.method, target, dict(request.headers), body))
        if (refusal := refused_whole(remote)) is not None:
            return refusal
        if (found := CATALOGUE.get(target)) is not None:
            return JSONResponse(found.model_dump(mode="json"))
        if remote.busy:
            return problem(503, "unavailable", "Try again", "请重试", headers=remote.busy.pop(0))
        if (fixed := fixed_answer(remote, target)) is not None:
            return fixed
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return problem(401, "unauthenticated", "A valid credential is needed", "需要有效的凭证")
        return await served(remote, request, body)

    return app


def refused_whole(remote: Remote) -> Response | None:
    """What it answers to everything."""
    if remote.refuse_all:
        return problem(403, "forbidden", "This credential may not do that", "该凭证无权执行此操作")
    return remote.catching_up


def fixed_answer(remote: Remote, target: str) -> Response | None:
    """What anyone may ask."""
    if target not in remote.answers and target == "/v1/catalogue/parties" and remote.log is not None:
        return JSONResponse(remote.log.parties())
    return remote.answers.get(target)


async def served(remote: Remote, request: Request, body: bytes) -> Response:
    """What a credential is needed for."""
    if remote.log is not None and request.url.path.startswith("/v1/exchange/feeds"):
        return await exchanged(remote.log, request)
    if remote.screens and request.url.path == "/v1/screenings":
        return screened(body, forgets=remote.forgets)
    if request.url.path != f"/v1/items/{ITEM}/records":
        return problem(404, "not_found", "No such resource", "资源不存在")
    return judged(remote, request, body)


async def exchanged(log: FeedLog, request: Request) -> Response:
    if request.url.path == "/v1/exchange/feeds":
        return JSONResponse(log.feeds())
    if request.url.path == f"/v1/exchange/feeds/{log.feed}/entries":
        asked = {name: int(value) for name, value in request.query_params.items()}
        with contextlib.suppress(AssertionError):
            await eventually(lambda: len(log.entries) > asked["after"], within=asked.get("wait", 0))
        page = log.page(asked["after"], asked["limit"])
        return Response(page, media_type="application/x-ndjson")
    return log.proof(request.url.path, request.query_params)


def screened(body: bytes, *, forgets: int) -> Response:
    """Who has a number is known, and listed where it ends in an even digit."""
    answers = []
    for row, line in enumerate(body.splitlines(), start=1):
        number = json.loads(line).get("document", {}).get("number")
        on_list = {"list": "defaulters", "record": str(UUID(int=row))}
        found = {"certainty": "exact", "decision_id": str(uuid4()), "use_until": "2026-04-01"} if number else {}
        if number and number[-1] in "02468":
            found["designations"] = [
                on_list | {"item": ITEM, "role": "listed", "origin": "city", "since": "2026-03-01"}
            ]
            found["measures"] = [on_list | {"measure": "procurement_bar"}]
        answers.append({"row": row, "certainty": "number_needed", "as_of": "2026-03-02"} | found)
    text = "".join(json.dumps(each) + "\n" for each in answers[: len(answers) - forgets])
    return Response(text, media_type="application/x-ndjson")


def judged(remote: Remote, request: Request, body: bytes) -> Response:
    key = request.headers.get("idempotency-key", "")
    dry = request.query_params.get("dry_run") == "true"
    if not dry and remote.stored.setdefault(key, body) != body:
        return problem(422, "idempotency_key_reused", "This key was used with another body", "该键已用于其他正文")
    rows = rows_of(body, request.headers["content-type"])
    lines = [line_of(number, row) for number, row in enumerate(rows, start=1)]
    return StreamingResponse(answer(remote, lines, dry=dry), media_type="application/x-ndjson")


async def answer(remote: Remote, lines: list[bytes], *, dry: bool) -> AsyncIterator[bytes]:
    whole = remote.breaks.pop(0) if remote.breaks else None
    for line in lines[:whole]:
        yield line[:10]  # a chunk is not a line
        yield line[10:]
    if remote.stall:
        await asyncio.sleep(3600)
    if whole is not None:
        raise ConnectionResetError
    if dry:
        return
    yield json.dumps({"receipt": json.loads(receipt(lines, wrong=remote.wrong_digest).model_dump_json())}).encode()


def receipt(lines: list[bytes], *, wrong: bool) -> SignedText:
    words = [json.loads(line)["verdict"] for line in lines]
    names: tuple[VerdictWord, ...] = ("accepted", "unchanged", "corrected", "held", "refused")
    statement = Receipt(
        submission=uuid4(),
        node="city",
        item=ITEM,
        rows=len(lines),
        **{name: words.count(name) for name in names},
        digest="sha-256:" + ("0" * 64 if wrong else sha256(b"".join(lines)).hexdigest()),
        key="node-1",
        alg="ed25519",
    )
    return sign(statement, by=lambda _: b"signature")


def line_of(number: int, row: dict[str, str]) -> bytes:
    """The row says itself what becomes of it, so that tests can order any mixture."""
    word = row.get("VERDICT", "accepted")
    reasons: dict[str, tuple[FieldError, ...]] = {
        "refused": (reason("future_date", "/CF_JDRQ", name="Date", name_zh="日期"),),
        "held": (reason("check_digit", "/CF_XDR_ZJHM"),),
        "unchanged": (reason("same"),),
    }
    return verdict_line(number, word, item=ITEM, record=uuid4(), rev=1, reasons=reasons.get(word, ()))


def rows_of(body: bytes, content_type: str) -> list[dict[str, str]]:
    """The rows as a node reads them."""
    return [json.loads(row.text) for row in formats.rows_of(media_of(content_type), body, names=NAMES)]


def problem(status: int, code: str, title: str, title_zh: str, **more) -> Response:
    headers = more.pop("headers", None)
    document = {"type": f"urn:creditmesh:problem:{code}", "code": code, "title": title, "title_zh": title_zh}
    document |= {"status": status, "request_id": "req-1", **more}
    return JSONResponse(document, status_code=status, media_type=PROBLEM_JSON, headers=headers)


@contextlib.contextmanager
def serving(remote: Remote) -> Iterator[Remote]:
    """Serve it on a free loopback port in a thread of its own."""
    config = uvicorn.Config(
        app_of(remote), log_level="critical", lifespan="off", ws="none", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        remote.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
        thread.start()
        try:
            yield remote
        finally:
            server.should_exit = True
            thread.join(timeout=60)
