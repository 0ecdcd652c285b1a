"""What a Content-Type says, and that a long one costs nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditmesh.chassis.media import _PLAIN, media_type
from tests.support.measuring import bounded


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("Application/JSON", ("application/json", "")),
        ('text/csv; header=present; charset="GBK"', ("text/csv", "gbk")),
        ("text/csv;charset= utf-8 ", ("text/csv", "utf-8")),
        (None, ("", "")),
    ],
)
def test_a_content_type_says_its_media_type_and_charset(header: str | None, said: tuple[str, str]):
    assert media_type(header) == said


@given(st.from_regex(_PLAIN, fullmatch=True).filter(lambda text: len(text) < 200))
def test_a_plain_one_is_read_as_one_that_the_library_reads(header: str):
    assert media_type(header) == media_type(header.upper()) == media_type(f"{header};")


@pytest.mark.parametrize("tail", [";" * 30_000, ';"' * 15_000, ';a="b"' * 5000])
def test_a_long_content_type_is_not_read(tail: str):
    long = "text/csv" + tail
    assert bounded(0.1, lambda: {media_type(long) for _ in range(10)}) == {("", "")}
