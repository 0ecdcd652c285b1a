"""A mask shows at most what it keeps, and never all."""

from hypothesis import given
from hypothesis import strategies as st

from creditmesh.schemas.catalogue import Mask
from creditmesh.schemas.rules.mask import HIDDEN, mask

letters = st.text(st.characters(exclude_characters="*", exclude_categories=["Cs"]), min_size=1, max_size=40)
sides = st.integers(0, 10)


@given(letters, sides, sides)
def test_never_the_whole_value_and_never_more_than_the_rule_keeps(value: str, left: int, right: int):
    shown = mask(value, Mask(keep_left=left, keep_right=right))
    assert shown != value
    assert len(shown.replace("*", "")) <= left + right
    assert "*" in shown
    head, _, tail = shown.partition("*")
    assert value.startswith(head)
    assert value.endswith(tail.lstrip("*"))


@given(letters)
def test_without_a_rule_nothing_is_seen_not_even_the_length(value: str):
    assert mask(value, None) == mask(value, Mask()) == HIDDEN


@given(letters, sides, sides)
def test_a_value_no_longer_than_what_would_be_kept_is_hidden_whole(value: str, left: int, right: int):
    if len(value) <= left + right:
        assert mask(value, Mask(keep_left=left, keep_right=right)) == HIDDEN


def test_the_patterns_in_use():
    assert mask("陈一心", Mask(keep_left=1)) == "陈**"
    assert mask("990000198001010012", Mask(keep_left=3, keep_right=3)) == "990************012"
    assert mask("", None) == ""
