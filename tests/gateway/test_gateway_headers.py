"""What is taken off, continued and put on."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditmesh.gateway.headers import RequestHeaders, answered

TRACE = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.mark.parametrize(
    "name",
    [
        b"authorization",
        b"cookie",
        b"x-creditmesh-token",
        b"x-creditmesh-anything",
        b"x-forwarded-for",
        b"forwarded",
        b"connection",
        b"te",
        b"upgrade",
        b"transfer-encoding",
        b"proxy-authorization",
        b"expect",
    ],
)
def test_a_header_that_ends_here_is_not_passed_on(name: bytes):
    assert name not in dict(RequestHeaders.of([(name, b"x"), (b"accept", b"y")]).passed)


def test_what_connection_names_is_taken_off_but_never_the_length():
    raw = [(b"connection", b"close, X-Own , content-length"), (b"x-own", b"1"), (b"content-length", b"3")]
    assert RequestHeaders.of(raw).passed == [(b"content-length", b"3")]


def test_a_token_that_is_sent_from_outside_is_not_passed_on():
    onward = RequestHeaders.of([(b"x-creditmesh-token", b"forged")]).onward()
    assert b"x-creditmesh-token" not in {name for name, _ in onward}


def test_a_well_formed_request_id_is_kept_and_any_other_replaced_by_a_uuid7():
    given_id = "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000"
    assert RequestHeaders.of([(b"x-request-id", given_id.encode())]).request_id == given_id
    for bad in (b"", b"1", b"a" * 500, given_id.upper().encode(), given_id.encode() + b"\r\nx: y"):
        assert UUID7.fullmatch(RequestHeaders.of([(b"x-request-id", bad)]).request_id)


def test_a_trace_is_continued_with_a_span_of_our_own():
    version, trace, span, flags = RequestHeaders.of([(b"traceparent", TRACE)]).traceparent.split(b"-")
    assert (version, trace, flags) == (b"00", TRACE.split(b"-")[1], b"01")
    assert span != TRACE.split(b"-")[2]


@pytest.mark.parametrize(
    "bad", [b"", b"x", b"ff" + TRACE[2:], TRACE.replace(b"4bf92f3577b34da6a3ce929d0e0e4736", b"0" * 32), TRACE[:-4]]
)
def test_a_trace_that_is_none_is_begun(bad: bytes):
    made = RequestHeaders.of([(b"traceparent", bad)]).traceparent
    assert re.fullmatch(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-00", made)
    assert made[3:35] not in TRACE


@given(st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=40)), max_size=20))
def test_no_header_is_a_fault(raw: list[tuple[bytes, bytes]]):
    assert RequestHeaders.of(raw).size == sum(len(name) + len(value) for name, value in raw)


def test_an_answer_to_somebody_known_is_not_stored_unless_the_service_says_otherwise():
    own = [(b"x-request-id", b"1")]
    assert (b"cache-control", b"no-store") in answered([], own, no_store=True)
    assert (b"cache-control", b"no-store") not in answered([(b"cache-control", b"max-age=1")], own, no_store=True)
    assert answered([(b"x-request-id", b"2"), (b"x-creditmesh-a", b"b")], own, no_store=False) == own
