"""A client that a common generator writes from the document does what departments, bureaus and people need.

Nothing of ours is in it: its requests go to a real node over HTTP. The generator knows one type for bytes, so that it
is told which of our content types are bytes, as the guide to the client says.
"""

import asyncio
import csv
import importlib
import io
import json
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import uvicorn
import yaml
from openapi_python_client import generate
from openapi_python_client.config import Config, ConfigFile, MetaType

from creditmesh.node.reference import FOLDER
from tests.support.cast import BUREAU, ITEM, Cast, penalty, resident
from tests.support.pages import run_by

PACKAGE = "mesh_client"
(SHOWN,) = {block.text for block in run_by(__file__)}
"""The same in each language of the guide to the client."""


class Generated:
    """The modules of the generated client, and how its calls are made beside the node of this process."""

    def __init__(self, url: str, cast: Cast) -> None:
        self._url = url
        self._cast = cast

    def __getattr__(self, name: str) -> Any:
        return getattr(self.module("models"), name)

    def module(self, path: str) -> Any:
        return importlib.import_module(f"{PACKAGE}.{path}")

    async def call(self, by: str, operation: str, *values: Any, **named: Any) -> Any:
        """An operation `tag.name` by one of the cast; a header that is wanted is an argument like any."""
        made: Callable[..., Any] = self.module(f"api.{operation}").sync_detailed
        client = self.module("client").AuthenticatedClient(base_url=self._url, token=self._cast.tokens[by], timeout=60)

        def send() -> Any:
            with client:
                return made(*values, client=client, **named)

        return await asyncio.to_thread(send)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The client, written from the committed document without a warning."""
    folder = tmp_path_factory.mktemp("generated")
    settings = ConfigFile(post_hooks=[], package_name_override=PACKAGE, **yaml.safe_load(SHOWN))
    source = FOLDER / "openapi.json"
    told = Config.from_sources(settings, MetaType.NONE, source, "utf-8", overwrite=True, output_path=folder / PACKAGE)
    assert list(generate(config=told)) == []
    sys.path.insert(0, str(folder))
    yield
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
async def client(cast: Cast, written: None) -> AsyncIterator[Generated]:
    config = uvicorn.Config(cast.node.host.public_app, log_level="critical", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield Generated(f"http://127.0.0.1:{listener.getsockname()[1]}", cast)
        server.should_exit = True
        await serving


def table(*rows: dict[str, str]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


async def test_a_departments_night_job(client: Generated, cast: Cast):
    row = penalty("示市监罚〔2026〕1701号", today=cast.today)
    other = penalty("示市监罚〔2026〕1702号", today=cast.today, CF_CFLB="扣留")
    file = client.module("types").File(payload=io.BytesIO(table(row, other)))
    sent = await client.call("owner", "submissions.submit_records", ITEM, body=file, idempotency_key="night-1")
    assert sent.status_code == 200
    verdicts = [json.loads(line) for line in sent.content.splitlines()]
    assert [line.get("verdict") for line in verdicts] == ["accepted", "refused", None]

    submission = UUID(Path(sent.headers["Location"]).name)
    found = await client.call("owner", "submissions.get_submission", submission)
    assert (found.parsed.state.value, found.parsed.done, found.parsed.counts.to_dict()["refused"]) == ("done", 2, 1)
    lines = await client.call("owner", "submissions.get_verdicts", submission)
    assert lines.parsed.payload.read() == b"".join(sent.content.splitlines(keepends=True)[:-1])
    receipt = await client.call("owner", "submissions.get_receipt", submission)
    assert json.loads(receipt.parsed.receipt.signed)["accepted"] == 1

    record = UUID(verdicts[0]["record"])
    read = await client.call("owner", "records.get_record", record)
    assert read.parsed.fields.to_dict()["CF_WSH"] == row["CF_WSH"]
    body = client.CorrectionIn.from_dict({"fields": row | {"CF_WFXW": "其他"}, "reason": "error"})
    tag = read.headers["ETag"]
    corrected = await client.call("owner", "records.correct_record", record, body=body, if_match=tag)
    assert (corrected.status_code, corrected.parsed.verdict.value, corrected.parsed.rev) == (201, "corrected", 2)
    end = client.WithdrawalIn.from_dict({"reason": "revoked", "basis": "示市监撤销〔2026〕1号"})
    stale = await client.call("owner", "records.withdraw_record", record, body=end, if_match=tag)
    assert (stale.status_code, stale.parsed.code) == (412, "stale")
    ended = await client.call("owner", "records.withdraw_record", record, body=end, if_match=corrected.headers["ETag"])
    assert (ended.status_code, ended.parsed.state.value) == (200, "withdrawn")


async def test_a_bureau_asks_under_an_authorisation_until_the_person_takes_it_back(client: Generated, cast: Cast):
    until = (cast.today + timedelta(days=30)).isoformat()
    permitted = {"bureau": BUREAU, "purpose": "credit_assessment", "items": [ITEM], "valid_until": until, "max_uses": 5}
    permission = client.AuthorisationIn.from_dict(permitted)
    given = await client.call("person", "query.give_authorisation", body=permission, idempotency_key="given-1")
    assert (given.status_code, given.parsed.state.value) == (201, "active")
    again = await client.call("person", "query.give_authorisation", body=permission, idempotency_key="given-1")
    assert (again.parsed.id, again.headers["Idempotency-Replayed"]) == (given.parsed.id, "true")

    subject = {"kind": "natural_person", "document": {"type": "resident_id", "number": resident(1)}}
    asked = {"subject": subject, "purpose": "credit_assessment", "officer": "A-7"} | {
        "authorisation": str(given.parsed.id)
    }
    query = client.QueryIn.from_dict(asked)
    answered = await client.call("bureau", "query.query_subject", body=query)
    assert answered.status_code == 200
    assert {each.item for each in answered.parsed.released} == {ITEM}

    assert (await client.call("person", "query.revoke_authorisation", given.parsed.id)).status_code == 204
    refused = await client.call("bureau", "query.query_subject", body=query)
    assert (refused.status_code, refused.parsed.code) == (403, "no_authorisation")
    log = await client.call("person", "query.list_my_accesses")
    assert [each.outcome.value for each in log.parsed.items[:2]] == ["refused", "released"]
