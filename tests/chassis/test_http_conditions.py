"""If-Match: a strong tag as it was given, and nothing that only looks like it."""

import pytest
from fastapi import Request

from creditmesh.chassis.http.conditions import IfMatchNeeded, etag, expected


def asked(tag: str) -> Request:
    return Request({"type": "http", "headers": [(b"if-match", tag.encode("latin-1"))]})


@pytest.mark.parametrize("number", [0, 1, 10, 999_999_999])
def test_a_tag_is_read_as_it_is_written(number: int):
    assert expected(asked(etag(number))) == number


@pytest.mark.parametrize("tag", ['W/"1"', '"01"', '"00"', 'W/"01"', 'W/"x"'])
def test_what_is_weak_or_written_otherwise_matches_no_state(tag: str):
    assert expected(asked(tag)) < 0


@pytest.mark.parametrize("tag", ["", "1", "*", '"x"', '"-1"', '"1", "2"', 'w/"1"', '"1 "', '"1234567890"'])
def test_what_names_no_state_is_asked_for_again(tag: str):
    with pytest.raises(IfMatchNeeded):
        expected(asked(tag))
