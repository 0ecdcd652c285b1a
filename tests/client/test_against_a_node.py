"""The command and the client against a real node: gateway, services, PostgreSQL, over HTTP on loopback."""

import asyncio
import itertools
import json
import shlex
import socket
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
import uvicorn
from typer.testing import CliRunner

from creditmesh.client import Limits, Node, ProblemError
from creditmesh.client.cli import app
from creditmesh.sandbox.run import suggested
from creditmesh.sandbox.shell import FILE, STATE
from creditmesh.schemas.signed import said
from creditmesh.schemas.verdicts import Receipt
from tests.support.node import TestNode, running
from tests.support.postgres import Postgres

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "samples"
EXPECTED = json.loads((SAMPLES / "expected.json").read_text())["files"]
ITEM = "administrative_penalty"
DEPARTMENT = "market_regulation"
_LABELS = itertools.count()


@pytest.fixture(scope="module")
async def city(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestNode]:
    async with running(postgres, tmp_path_factory.mktemp("city")) as made:
        yield made


@pytest.fixture(scope="module")
async def url(city: TestNode) -> AsyncIterator[str]:
    """The node's gateway on a loopback port."""
    config = uvicorn.Config(city.host.public_app, log_level="critical", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await serving


async def key(city: TestNode, *scopes: str, officer: str | None = None) -> str:
    order = {"kind": "department", "party": DEPARTMENT, "scopes": list(scopes)}
    if officer is None:
        order |= {"label": f"test-{next(_LABELS)}", "expires": (datetime.now(UTC) + timedelta(days=1)).isoformat()}
        answer = await city.operator().post("/v1/admin/keys", json=order)
    else:
        answer = await city.operator().post("/v1/admin/people", json=order | {"officer": officer})
    assert answer.status_code == 201, answer.text
    return answer.json()["credential"]


async def command(url: str, token: str, *arguments: object) -> tuple[int, dict[str, object]]:
    line = ["submit", *map(str, arguments), "--item", ITEM, "--json"]
    env = {"CREDITMESH_URL": url, "CREDITMESH_KEY": token}
    done = await asyncio.to_thread(CliRunner().invoke, app, line, env=env)
    return done.exit_code, json.loads(done.stdout)


async def test_sample_files_in_each_form_meet_the_verdicts_they_were_made_for(city, url, tmp_path):
    token = await key(city, "records:submit")
    counts = EXPECTED["penalties.csv"]["counts"]
    code, trial = await command(url, token, SAMPLES / "penalties.csv", "--dry-run")
    assert (code, trial["rows"]) == (1, 321)
    code, summary = await command(url, token, SAMPLES / "penalties.csv", "--verdicts", tmp_path / "out.ndjson")
    assert code == 1
    assert {word: summary[word] for word in counts} == counts
    lines = [json.loads(line) for line in (tmp_path / "out.ndjson").read_text().splitlines()]
    assert Counter(line["verdict"] for line in lines) == counts
    (receipt,) = tmp_path.glob("out.ndjson.*.receipt.json")
    assert summary["receipt_files"] == [str(receipt)]
    code, again = await command(url, token, SAMPLES / "penalties.csv", "--no-save")
    assert (again["accepted"], again["corrected"]) == (0, 0)


async def test_the_command_that_the_sandbox_prints_is_the_guides_and_works(city, url, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    line = next(suggested(STATE / FILE)).removeprefix(".venv/bin/")
    for page in ("README.md", "README.zh-CN.md", "docs/guide/running.md", "docs/guide/client.md"):
        assert line in (ROOT / page).read_text(encoding="utf-8"), page
    caller = {"name": DEPARTMENT, "role": "department", "node": "city", "party": DEPARTMENT, "items": []}
    callers = [caller | {"token": await key(city, "records:submit")}]
    found = tmp_path / "sandbox.json"
    found.write_text(json.dumps({"nodes": {"city": {"url": url, "tier": "city", "code": "city"}}, "callers": callers}))
    words = [*shlex.split(line)[1:], "--sandbox-file", str(found), "--json", "--no-save"]
    done = await asyncio.to_thread(CliRunner().invoke, app, words)
    assert done.exit_code == 1, done.stderr
    summary, counts = json.loads(done.stdout), EXPECTED["penalties.csv"]["counts"]
    assert (summary["refused"], summary["held"]) == (counts["refused"], counts["held"])


async def test_the_verdicts_file_is_byte_for_byte_what_the_receipt_is_over(city, url, tmp_path):
    token = await key(city, "records:submit", "records:read")
    _, summary = await command(url, token, SAMPLES / "penalties-gb18030.csv", "--verdicts", tmp_path / "out.ndjson")
    (receipt,) = summary["receipts"]

    def kept() -> list[bytes]:
        with Node(url, key=token) as client:
            kept = said(Receipt, client.submissions.receipt(receipt["submission"]))
            assert kept.model_dump(mode="json") == receipt
            assert client.submissions.read(receipt["submission"]).state == "done"
            return list(client.submissions.verdicts(receipt["submission"]))

    written = (tmp_path / "out.ndjson").read_bytes()
    assert receipt["digest"] == f"sha-256:{sha256(written).hexdigest()}"
    lines = written.splitlines()
    assert [json.loads(line)["row"] for line in lines] == [v.row for v in await asyncio.to_thread(kept)]


async def test_a_file_in_pieces_is_judged_like_the_file_whole(city, url):
    token = await key(city, "records:submit")

    def words(limits: Limits) -> list[tuple[int, str]]:
        with Node(url, key=token) as client:
            upload = client.records.upload(SAMPLES / "penalties.csv", item=ITEM, limits=limits)
            return [(v.row, v.verdict) for v in client.records.submit_file(upload, item=ITEM)]

    whole = await asyncio.to_thread(words, Limits())
    pieces = await asyncio.to_thread(words, Limits(rows=100))
    assert len(whole) == len(pieces) == 321
    assert [row for row, _ in pieces] == [row for row, _ in whole]
    assert pieces == whole


async def test_one_record_is_read_corrected_and_withdrawn(city, url):
    token = await key(city, "records:submit", "records:read", "records:change")

    def life() -> list[str]:
        with Node(url, key=token) as client:
            verdicts = list(client.records.submit_file(SAMPLES / "penalties.csv", item=ITEM))
            record = next((v.record for v in verdicts if v.record is not None), None)
            assert record is not None
            standing = client.records.read(record)
            corrected = client.records.correct(
                record, standing.fields | {"BZ": "更正"}, rev=standing.rev, reason="supplemented"
            )
            assert corrected.verdict == "corrected"
            with pytest.raises(ProblemError) as stale:
                client.records.withdraw(record, rev=standing.rev, reason="revoked")
            assert stale.value.status == 412
            ended = client.records.withdraw(record, rev=corrected.rev, reason="revoked")
            assert ended.state == "withdrawn"
            return [revision.change for revision in client.records.revisions(record)]

    assert (await asyncio.to_thread(life))[-2:] == ["corrected", "withdrawn"]


async def test_an_officer_releases_one_held_row_and_refuses_another(city, url):
    await command(url, await key(city, "records:submit"), SAMPLES / "penalties.csv", "--no-save")
    token = await key(city, "reviews:decide", "records:read", officer="Officer Qin")

    def decide() -> tuple[str, str]:
        with Node(url, key=token) as officer:
            first, second, *_ = officer.reviews.waiting()
            assert officer.reviews.read(first.review).reasons == first.reasons
            words = officer.reviews.release(first.review).verdict, officer.reviews.refuse(second.review).verdict
            left = {entry.review for entry in officer.reviews.waiting()}
            assert not left & {first.review, second.review}
            return words

    assert await asyncio.to_thread(decide) == ("accepted", "refused")


async def test_a_wrong_item_and_a_key_without_the_scope_are_problems_and_not_verdicts(city, url):
    token = await key(city, "records:read")
    code, told = await command(url, token, SAMPLES / "penalties.csv", "--no-save")
    assert (code, told["error"]["status"]) == (2, 403)
    assert told["error"]["detail_zh"]
