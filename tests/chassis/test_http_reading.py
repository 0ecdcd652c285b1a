"""Reading a body costs in proportion to what is told of it, not to how much is wrong with it."""

import json
from collections.abc import Callable
from typing import Annotated

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError

from creditmesh.chassis.errors import Invalid
from creditmesh.chassis.http.problems import field_errors
from creditmesh.chassis.http.reading import StrictRequest, UnacceptableJson, strictly
from creditmesh.schemas.problems import MOST_FINDINGS, FieldError
from creditmesh.schemas.records import WithdrawalIn
from tests.support.measuring import bounded, cost


def repeated(entry: bytes, size: int) -> bytes:
    return b"[" + (entry * (size // len(entry))).rstrip(b",") + b"]"


@pytest.mark.parametrize("entry", [rb'"\u0000",', rb'"\ud800",', b"NaN,", rb'{"\u0000":1},'])
def test_no_more_faults_are_looked_for_than_are_told(entry: bytes):
    with pytest.raises(UnacceptableJson) as refused:
        strictly(repeated(entry, 60_000))
    assert len(refused.value.found) == MOST_FINDINGS


@pytest.mark.parametrize("entry", [rb'"\u0000",', rb'"\ud800",', b"NaN,", rb'{"\u0000":1},'])
@pytest.mark.parametrize("last", [b"", rb'"\u0000"'])
def test_a_large_bad_body_is_refused_about_as_fast_as_it_is_parsed(entry: bytes, last: bytes):
    body = repeated(entry, 4_000_000)[:-1] + b"," + (last or b"1") + b"]"
    good = repeated(b'"aaaaaa",', 4_000_000)

    def refused() -> None:
        with pytest.raises(json.JSONDecodeError):
            strictly(body)

    bounded(10 * cost(lambda: strictly(good)) + 0.1, refused)


DEEP: dict[str, Callable[[int], bytes]] = {
    "arrays": lambda depth: b"[" * depth + rb'"\u0000"' + b"]" * depth,
    "objects": lambda depth: b'{"a":' * depth + rb'"\u0000"' + b"}" * depth,
    "wide at the bottom": lambda depth: b"[" * depth + repeated(b"[],", 20_000) + rb',"\u0000"' + b"]" * depth,
}


@pytest.mark.parametrize("shape", DEEP)
@pytest.mark.parametrize("depth", [10, 1000, 1023, 5000, 25_000])
def test_nesting_makes_neither_a_fault_of_ours_nor_much_work(shape: str, depth: int):
    deep = DEEP[shape](depth)

    def refused() -> None:
        with pytest.raises(json.JSONDecodeError):
            strictly(deep)

    bounded(0.6, refused)


def test_findings_are_told_up_to_twenty_wherever_they_come_from():
    errors = [{"type": "missing", "loc": ("body", f"f{number}")} for number in range(1000)]
    assert len(field_errors(errors)) == MOST_FINDINGS
    ours = [FieldError(pointer=f"/{number}", code="x", detail="d", detail_zh="d") for number in range(1000)]
    assert len(Invalid("d", "d", errors=ours).document().errors) == MOST_FINDINGS


async def read(body: bytes) -> object:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    return await StrictRequest({"type": "http", "headers": []}, receive).json()


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'{"matter": "a", "matter": "b"}', ("matter",)),
        (b'{"matter": "a", "other": 1, "m\\u0061tter" \n: "a"}', ("matter",)),
        (b'{"subject": {"document": {"number": "1", "number": "2"}}}', ("subject", "document", "number")),
        (b'[{}, {"a": 1, "a": 1}]', (1, "a")),
    ],
)
async def test_a_name_that_stands_twice_is_refused_where_it_stands(body: bytes, place: tuple[str | int, ...]):
    with pytest.raises(UnacceptableJson) as refused:
        await read(body)
    assert (place, "duplicate_field") in refused.value.found


@pytest.mark.parametrize(
    "entry", [b'{"a":1},', b'{"kind":"x","document":{"type":"y","number":"z"}},', rb'{"\u003a":":"},']
)
def test_a_large_body_is_parsed_once(entry: bytes, monkeypatch: pytest.MonkeyPatch):
    def slowly(*_: object, **__: object) -> None:
        raise AssertionError("a body without a fault was read by the slow parser, too")

    monkeypatch.setattr("creditmesh.chassis.http.reading.json.loads", slowly)
    body = repeated(entry, 400_000)
    assert strictly(body) == orjson.loads(body)


@pytest.mark.parametrize(
    "text",
    [
        rb'{"a": "\u003a", "a": "b"}',
        rb'{"a": "\\\u003A", "a": "\\u003a"}',
        rb'{"a": "\\u003a:", "b": {"c": ":", "\u0063": "\u003a\u003A"}}',
        b'{"a": ' + b"[" * 900 + b"]" * 900 + b', "a": 1}',
        b"[" + b'{"a": 1, "a": 2},' * 30_000 + b"1]",
    ],
)
def test_colons_in_texts_hide_no_name_that_stands_twice(text: bytes):
    with pytest.raises(UnacceptableJson) as refused:
        strictly(text)
    assert "duplicate_field" in {rule for _, rule in refused.value.found}


_TEXTS = st.text('\\\ue000u03a"{,', max_size=6)
"""With a character that is written as a colon, or as the escape of one."""


@given(
    st.recursive(_TEXTS | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(_TEXTS, inner), max_leaves=8),
    st.sampled_from([":", "\\u003a", "\\u003A"]),
)
def test_what_says_each_name_once_is_read_whatever_its_texts_are(value: object, colon: str):
    text = json.dumps(value, ensure_ascii=False).replace("\ue000", colon)
    assert strictly(text.encode()) == json.loads(text)


@pytest.mark.parametrize("body", [b'{"a": {"b": 1}, "b": ":"}', b"[1, 2]", b'[{"a": 1}, {"a": 2}]', b'"a:b:c"'])
async def test_a_name_may_stand_once_in_every_object(body: bytes):
    assert await read(body) == json.loads(body)


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        ({"reason": "astray"}, "reason", ("changed", "revoked", "unlawful", "void", "removed", "error")),
        ({"reason": "error", "basis": "  "}, "basis", ("",)),
    ],
)
def test_a_wrong_word_is_told_the_words_allowed_and_a_blank_text_that_it_is_empty(body, pointer, words):
    with pytest.raises(ValidationError) as refused:
        WithdrawalIn.model_validate(body)
    (found,) = field_errors(refused.value.errors())
    assert found.pointer == f"/{pointer}"
    assert all(word in said for word in words for said in (found.detail, found.detail_zh))
    assert "required type or form" not in found.detail
    assert "astray" not in found.detail + found.detail_zh


class _Bounded(BaseModel):
    word: Annotated[str, Field(pattern="^[a-z]+$")] = "a"
    text: Annotated[str, Field(max_length=3)] = ""
    count: Annotated[int, Field(ge=1, le=9)] = 1


@pytest.mark.parametrize(
    ("given", "bound"),
    [({"word": "A"}, "^[a-z]+$"), ({"text": "aaaa"}, "3"), ({"count": 0}, "1"), ({"count": 10}, "9")],
)
def test_what_is_out_of_bounds_is_told_them(given: dict[str, object], bound: str):
    with pytest.raises(ValidationError) as refused:
        _Bounded.model_validate(given)
    (found,) = field_errors(refused.value.errors())
    assert bound in found.detail
    assert bound in found.detail_zh


def test_a_byte_order_mark_before_json_says_nothing():
    assert strictly(b'\xef\xbb\xbf{"a": [1]}') == {"a": [1]}
