"""If-Match: a strong tag as it was given, and nothing that only looks like it."""

import pytest
from fastapi import Request

from creditmesh.chassis.http.conditions import BadIfMatch, IfMatchNeeded, etag, expected


def asked(tag: str) -> Request:
    return Request({"type": "http", "headers": [(b"if-match", tag.encode("latin-1"))]})


@pytest.mark.parametrize("number", [0, 1, 10, 999_999_999])
def test_a_tag_is_read_as_it_is_written(number: int):
    assert expected(asked(etag(number))) == number


@pytest.mark.parametrize("tag", ['W/"1"', '"01"', '"00"', 'W/"01"', 'W/"x"'])
def test_what_is_weak_or_written_otherwise_matches_no_state(tag: str):
    assert expected(asked(tag)) < 0


@pytest.mark.parametrize("tag", ["", "  "])
def test_a_change_without_a_state_is_428_and_says_what_to_send(tag: str):
    for request in (Request({"type": "http", "headers": []}), asked(tag)):
        with pytest.raises(IfMatchNeeded, match='If-Match: "1"') as needed:
            expected(request)
        assert needed.value.status == 428


@pytest.mark.parametrize("tag", ["1", "*", '"x"', '"-1"', '"1", "2"', 'w/"1"', '"1 "', '"1234567890"'])
def test_what_is_not_one_tag_of_ours_is_400_and_shows_one(tag: str):
    with pytest.raises(BadIfMatch, match='with its quotes, such as If-Match: "1"') as bad:
        expected(asked(tag))
    assert bad.value.status == 400
