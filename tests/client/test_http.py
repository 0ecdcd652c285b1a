"""The wire: what is sent again, what never is, and what is never shown."""

import gzip
import re
import time
import traceback
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
from fastapi.responses import JSONResponse, Response

from creditmesh.client import Node, NotUnderstood, ProblemError, Retries, Unreachable, Unsendable, http, whole_answers
from creditmesh.schemas.queries import QueryIn
from tests.client.remote import ITEM, KEY, problem

CANARY = "990000199001011234"


def test_a_busy_node_is_asked_again_under_the_same_key_and_a_new_span(remote, node):
    remote.busy = [{"Retry-After": "0"}, {}]
    remote.answers["/v1/queries"] = problem(403, "forbidden", "No", "否")
    with pytest.raises(ProblemError):
        node.queries.ask(_query())
    assert len(remote.asked) == 3
    assert len({asked.key for asked in remote.asked}) == 1
    assert re.fullmatch(r"[0-9a-f-]{36}", remote.asked[0].key or "")
    traces = [asked.headers["traceparent"].split("-") for asked in remote.asked]
    assert all(re.fullmatch(r"[0-9a-f]{32}", trace[1]) for trace in traces)
    assert len({trace[1] for trace in traces}) == 1
    assert len({trace[2] for trace in traces}) == 3


def test_patience_ends_and_the_problem_is_raised(remote, node):
    remote.busy = [{} for _ in range(10)]
    with pytest.raises(ProblemError) as told:
        node.me.file()
    assert told.value.status == 503
    assert len(remote.asked) == 4


def test_a_retry_after_beyond_patience_is_the_callers_business(remote, node):
    remote.busy = [{"Retry-After": "3600"}]
    with pytest.raises(ProblemError) as told:
        node.me.file()
    assert told.value.retry_after == 3600
    assert len(remote.asked) == 1


def test_the_node_is_never_asked_sooner_than_it_says(remote, node):
    remote.busy = [{"Retry-After": "1"}]
    remote.answers["/v1/me/file"] = problem(404, "not_found", "No", "否")
    started = time.monotonic()
    with pytest.raises(ProblemError):
        node.me.file()
    assert time.monotonic() - started >= 1


def test_a_refusal_is_not_sent_again_and_names_field_rule_and_remedy(remote, node):
    errors = [{"pointer": "/purpose", "code": "literal_error", "detail": "Not allowed.", "detail_zh": "不允许。"}]
    remote.answers["/v1/queries"] = problem(422, "invalid", "Breaks a rule", "不符合规则", errors=errors)
    with pytest.raises(ProblemError) as told:
        node.queries.ask(_query())
    assert len(remote.asked) == 1
    assert (told.value.code, told.value.document.errors[0].pointer) == ("invalid", "/purpose")


def test_a_conflict_that_names_a_time_is_waited_for(remote, node):
    remote.answers["/v1/me/file"] = problem(409, "conflict", "Under way", "处理中", headers={"Retry-After": "0"})
    with pytest.raises(ProblemError):
        node.me.file()
    assert len(remote.asked) == 4


def test_nobody_there_is_unreachable_after_patience():
    with Node("http://127.0.0.1:9", retries=Retries(attempts=2, first=0.001)) as nobody, pytest.raises(Unreachable):
        nobody.catalogue.glance()


def test_an_answer_that_is_no_problem_document_still_has_a_status(remote, node):
    remote.answers["/v1/me/file"] = Response("<html>", status_code=400)
    with pytest.raises(ProblemError) as told:
        node.me.file()
    assert (told.value.status, told.value.code) == (400, "http_400")


def test_an_answer_of_another_shape_is_told_without_its_content(remote, node):
    remote.answers["/v1/me/file"] = JSONResponse({"number": CANARY})
    with pytest.raises(NotUnderstood) as told:
        node.me.file()
    assert CANARY not in "".join(traceback.format_exception(told.value))


def test_a_redirect_is_not_followed_with_the_credential(remote, node):
    remote.answers["/v1/me/file"] = Response(status_code=307, headers={"Location": f"{remote.url}/elsewhere"})
    with pytest.raises(ProblemError) as told:
        node.me.file()
    assert told.value.status == 307
    assert [asked.path for asked in remote.asked] == ["/v1/me/file"]


@pytest.mark.parametrize("url", ["node.example", "ftp://node.example", "https://user:word@node.example", "http://"])
def test_an_address_that_is_none_or_holds_a_credential_is_refused(url):
    with pytest.raises(Unsendable) as told:
        Node(url)
    assert "word" not in told.value.detail


@pytest.mark.parametrize("key", ["", "two words", "钥匙", "line\n"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_shown(key):
    with pytest.raises(Unsendable) as told:
        Node("http://127.0.0.1:9", key=key)
    assert not key or key not in told.value.detail


def test_neither_key_nor_number_is_in_any_error_or_representation(remote, node):
    remote.answers["/v1/queries"] = problem(422, "invalid", "Breaks a rule", "不符合规则")
    with pytest.raises(ProblemError) as told:
        node.queries.ask(_query())
    shown = "".join(traceback.format_exception(told.value)) + repr(node) + repr(vars(node)) + repr(_query())
    assert CANARY.encode() in remote.asked[0].body
    assert CANARY not in shown
    assert KEY not in shown
    assert CANARY not in remote.asked[0].path
    assert CANARY not in str(remote.asked[0].headers)


def test_nan_and_lone_surrogates_are_not_sent(node, remote):
    for value in (float("nan"), "\ud800"):
        with pytest.raises(Unsendable):
            node.records.submit(ITEM, {"A": value})
    assert remote.asked == []


def test_lists_are_read_page_by_page(remote, node):
    remote.answers["/v1/me/authorisations"] = JSONResponse({"items": [], "next": "abc"})
    remote.answers["/v1/me/authorisations?cursor=abc"] = JSONResponse({"items": [], "next": None})
    assert list(node.me.authorisations()) == []
    assert len(remote.asked) == 2


def _query() -> QueryIn:
    subject = {"kind": "natural_person", "document": {"type": "resident_id", "number": CANARY}, "name": "某人"}
    return QueryIn.model_validate({"subject": subject, "purpose": "statutory_duty", "matter": "procurement_review"})


def test_a_log_of_a_refusal_says_status_code_and_places(remote, node):
    remote.answers["/v1/queries"] = JSONResponse(
        {
            "type": "urn:creditmesh:problem:refused",
            "code": "refused",
            "title": "The row is refused",
            "title_zh": "该行被拒绝",
            "status": 422,
            "detail": "See errors.",
            "detail_zh": "原因见 errors。",
            "errors": [{"pointer": "/CF_JDRQ", "code": "future_date", "detail": "d", "detail_zh": "d"}],
        },
        status_code=422,
    )
    with pytest.raises(ProblemError) as caught:
        node.queries.ask(_query())
    assert str(caught.value) == "422 refused: See errors. [/CF_JDRQ future_date]"


@pytest.mark.parametrize("call", ["correct", "withdraw", "find"])
def test_a_word_that_is_none_is_an_error_of_the_clients_own_and_nothing_is_sent(remote, node, call):
    calls = {
        "correct": lambda: node.records.correct(uuid4(), {"A": "b"}, rev=1, reason=CANARY),
        "withdraw": lambda: node.records.withdraw(uuid4(), rev=1, reason=CANARY),
        "find": lambda: next(node.records.find(state=CANARY)),
    }
    with pytest.raises(Unsendable) as caught:
        calls[call]()
    assert ("withdrawn" if call == "find" else "changed") in caught.value.detail_zh
    assert "取值须为" in caught.value.detail_zh
    assert CANARY not in caught.value.detail + caught.value.detail_zh
    assert remote.asked == []


def test_for_an_address_in_clear_no_certificates_are_loaded_and_for_another_those_of_the_machine(
    monkeypatch: pytest.MonkeyPatch,
):
    def loaded(*_: object, **__: object) -> None:
        raise RuntimeError("loaded")

    monkeypatch.setattr("ssl.create_default_context", loaded)
    with Node("http://127.0.0.1:1", key=KEY):
        pass
    with pytest.raises(RuntimeError, match="loaded"):
        Node("https://127.0.0.1:1", key=KEY)


class _Endless(httpx.SyncByteStream):
    """A body without an end."""

    def __init__(self, piece: bytes) -> None:
        self._piece, self.sent = piece, 0

    def __iter__(self) -> Iterator[bytes]:
        while self.sent < 1 << 30:
            self.sent += len(self._piece)
            yield self._piece


@pytest.mark.parametrize("status", [200, 503])
def test_an_answer_without_an_end_is_given_up(monkeypatch, status):
    monkeypatch.setattr(whole_answers, "MOST_ANSWERED", 1 << 20)
    body = _Endless(b"x" * 1000)
    wire = http.Wire("http://node", transport=httpx.MockTransport(lambda _: httpx.Response(status, stream=body)))
    with pytest.raises(NotUnderstood, match="longer than 1048576 bytes") as told:
        wire.answer(http.Call(method="GET", path="/v1/exchange/feeds/up/entries"))
    assert told.value.detail_zh
    assert body.sent < 1.1 * (1 << 20)


@pytest.mark.parametrize("packed", ["gzip", "gzip, gzip", "zstd", "br"])
@pytest.mark.parametrize("status", [200, 503])
def test_what_comes_packed_though_nobody_asked_for_it_is_not_unpacked(packed: str, status: int):
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["accept-encoding"] == "identity"
        return httpx.Response(status, headers={"content-encoding": packed}, stream=pieces)

    pieces = _Pieces([gzip.compress(b'{"a": 1}')])
    wire = http.Wire("http://node", transport=httpx.MockTransport(answer))
    with pytest.raises(NotUnderstood, match="packed"):
        wire.answer(http.Call(method="GET", path="/v1/me/export"))
    assert pieces.left == 1, "nothing of it was read"


def test_a_line_without_an_end_is_given_up():
    body = _Endless(b"x" * 1000)
    with pytest.raises(NotUnderstood, match="A line of the answer is longer"):
        list(whole_answers.lines(httpx.Response(200, stream=body)))
    assert body.sent < 1.1 * whole_answers.MOST_OF_A_LINE


@pytest.mark.parametrize("cuts", [1, 2, 3, 100])
def test_lines_are_whole_wherever_they_are_cut(cuts: int):
    body = "一\n\n二{}\nlast".encode()
    pieces = [body[at : at + cuts] for at in range(0, len(body), cuts)]
    found = list(whole_answers.lines(httpx.Response(200, stream=_Pieces(pieces))))
    assert found == ["一".encode(), "二{}".encode(), b"last"]


class _Pieces(httpx.SyncByteStream):
    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces, self.left = pieces, len(pieces)

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.left -= 1
            yield piece


def test_an_answer_that_comes_a_byte_a_moment_is_given_up(monkeypatch):
    monkeypatch.setattr(whole_answers, "SECONDS_ANSWERED", 0.0)
    answer = httpx.Response(200, stream=_Pieces([b"{", b"}"]))
    wire = http.Wire("http://node", transport=httpx.MockTransport(lambda _: answer))
    with pytest.raises(NotUnderstood, match="not whole within"):
        wire.answer(http.Call(method="GET", path="/v1/catalogue"))
