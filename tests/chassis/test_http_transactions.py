"""A request is one transaction, and what it decides is in the database before anything of it is answered."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from creditmesh.chassis.context import Context
from creditmesh.schemas.problems import PROBLEM_JSON
from tests.chassis import toys
from tests.chassis.conftest import Nursery


async def _answered(nursery: Nursery, path: str, *, at_start: Callable[[], Any]) -> list[dict[str, Any]]:
    """Call the application as a server would, and look around at the moment the answer begins."""
    messages: list[dict[str, Any]] = []

    body = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        return next(body, None) or await asyncio.Event().wait()

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message["seen"] = await at_start()
        messages.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
        "http_version": "1.1",
        "scheme": "http",
        "server": ("toys", 80),
        "root_path": "",
    }
    await nursery.app(scope, receive, send)
    return messages


@pytest.mark.parametrize("ending", ["", "/streamed", "/kept"])
async def test_what_is_kept_is_committed_before_the_answer_leaves(nursery: Nursery, ending: str):
    mark = uuid4()
    messages = await _answered(nursery, f"/v1/marks/{mark}{ending}", at_start=lambda: nursery.marked(mark))
    assert messages[0]["seen"] is True


@pytest.mark.parametrize(
    ("ending", "status"), [("refused", 404), ("http", 400), ("fault", 500), ("misshapen", 500), ("broken", 500)]
)
async def test_every_other_ending_rolls_back(nursery: Nursery, ending: str, status: int):
    mark = uuid4()
    async with nursery.client() as client:
        answer = await client.post(f"/v1/marks/{mark}/{ending}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == PROBLEM_JSON
    assert toys.SECRET not in answer.text
    assert not await nursery.marked(mark)


async def test_a_refusal_that_is_kept_leaves_its_mark_and_its_access(nursery: Nursery):
    mark = uuid4()

    async def access(ctx: Context) -> None:
        toys.disclosed(ctx, mark)

    toys.before_the_end.append(access)
    async with nursery.client() as client:
        answer = await client.post(f"/v1/marks/{mark}/kept")
    assert answer.status_code == 403
    assert answer.json()["code"] == "refused_and_kept"
    assert await nursery.marked(mark)
    assert await nursery.emitted(mark) == 1


@pytest.mark.parametrize("ending", ["refused", "fault"])
async def test_what_was_gathered_goes_with_the_rollback(nursery: Nursery, ending: str):
    mark = uuid4()

    async def access(ctx: Context) -> None:
        toys.disclosed(ctx, mark)

    toys.before_the_end.append(access)
    async with nursery.client() as client:
        await client.post(f"/v1/marks/{mark}/{ending}")
    assert await nursery.emitted(mark) == 0


@pytest.mark.parametrize("ending", ["deferred", "deferred-and-kept"])
async def test_a_commit_the_database_refuses_for_good_is_a_fault_and_releases_nothing(nursery: Nursery, ending: str):
    """Not 503: whoever sent it again would be refused again."""
    mark = uuid4()
    async with nursery.client() as client:
        answer = await client.post(f"/v1/marks/{mark}/{ending}")
    _nothing_released(answer, status=500, code="fault")
    assert "retry-after" not in answer.headers
    assert not await nursery.marked(mark)


@pytest.mark.parametrize("ending", ["", "/streamed", "/kept"])
async def test_a_session_that_dies_before_the_commit_is_503_and_releases_nothing(nursery: Nursery, ending: str):
    mark = uuid4()
    toys.before_the_end.append(lambda ctx: _terminated(nursery, ctx))
    async with nursery.client() as client:
        answer = await client.post(f"/v1/marks/{mark}{ending}")
        _nothing_released(answer, status=503, code="unavailable")
        assert answer.headers["retry-after"] == "1"
        assert not await nursery.marked(mark)
        toys.before_the_end.clear()
        assert (await client.post(f"/v1/marks/{mark}")).status_code == 200
    assert await nursery.marked(mark)


@pytest.mark.parametrize("ending", ["refused", "fault", "http"])
async def test_a_session_that_dies_before_a_rollback_changes_no_answer(nursery: Nursery, ending: str):
    mark = uuid4()
    toys.before_the_end.append(lambda ctx: _terminated(nursery, ctx))
    async with nursery.client() as client:
        expected = {"refused": 404, "fault": 500, "http": 400}[ending]
        assert (await client.post(f"/v1/marks/{mark}/{ending}")).status_code == expected
        toys.before_the_end.clear()
        for _ in range(6):  # more than the pool has: none was lost
            assert (await client.post(f"/v1/marks/{uuid4()}")).status_code == 200


async def _terminated(nursery: Nursery, ctx: Context) -> None:
    own = await (await ctx.session()).value("select pg_backend_pid()")
    async with nursery.database.session() as session:
        await session.execute("select pg_terminate_backend($1, 5000)", own)


def _nothing_released(answer: Any, *, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM_JSON
    assert answer.json()["code"] == code
    assert answer.json()["title_zh"]
    assert toys.SECRET not in answer.text
