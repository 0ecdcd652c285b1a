"""Whatever is sent, the door has an answer, and it is never a mistake of its own."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from creditmesh.gateway.door import Door
from creditmesh.schemas.problems import PROBLEM_JSON, ProblemDocument
from tests.gateway.standing import Raw, Standing, invented

PATHS = st.one_of(
    st.sampled_from(
        ["/v1/toys", "/v1/toys/x", "/v1/digests", "/v1/files/a/b", "/v1/admin/keys", "/health/ready", "/docs"]
    ),
    st.text(max_size=40).map("/v1/toys/".__add__),
    st.text(max_size=40),
)
NAMES = st.one_of(
    st.sampled_from(
        ["authorization", "content-length", "connection", "x-request-id", "traceparent", "x-creditmesh-token", "host"]
    ).map(str.encode),
    st.binary(max_size=12),
)
VALUES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([b"Bearer ", b"close, host", b"0", b"12", invented().encode()]),
    st.binary(max_size=20).map(b"Bearer ".__add__),
)
MESSAGES = st.lists(
    st.one_of(
        st.builds(
            lambda body, more: {"type": "http.request", "body": body, "more_body": more},
            st.binary(max_size=50),
            st.booleans(),
        ),
        st.just({"type": "http.request"}),
        st.just({"type": "http.disconnect"}),
    ),
    max_size=4,
)


async def service(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads all of it, and thanks."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


@pytest.fixture(scope="module", params=["any service", "the toys"])
async def door(standing: Standing, request: pytest.FixtureRequest) -> Door:
    return standing.door(transport=Raw(service) if request.param == "any service" else None)


REQUESTS = st.fixed_dictionaries(
    {
        "type": st.just("http"),
        "method": st.sampled_from(["GET", "POST", "DELETE", "HEAD", "OPTIONS", "X", ""]),
        "path": PATHS,
        "query_string": st.binary(max_size=40),
        "headers": st.lists(st.tuples(NAMES, VALUES), max_size=8),
        "client": st.none(),
    }
)


@settings(max_examples=300)
@given(scope=REQUESTS, sent=MESSAGES)
async def test_every_request_has_one_answer_and_it_is_no_fault(
    door: Door, scope: dict[str, Any], sent: list[dict[str, Any]]
):
    messages = iter(sent)
    answers: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return next(messages, {"type": "http.disconnect"})

    async def send(message: dict[str, Any]) -> None:
        answers.append(message)

    await door(scope, receive, send)
    start, *pieces = answers
    body = pieces[-1]
    told = dict(start["headers"])
    assert start["status"] != 500
    assert b"x-request-id" in told
    assert b"x-legal-date" in told
    if start["status"] >= 400:
        assert told[b"content-type"] == PROBLEM_JSON.encode()
        if scope["method"] == "HEAD":
            assert body["body"] == b""
            return
        problem = ProblemDocument.model_validate_json(body["body"])
        assert problem.status == start["status"]
        assert problem.title_zh
        assert problem.request_id == told[b"x-request-id"].decode()
