"""Amounts in texts: the text they are looked for in is the same whichever of its steps are left out."""

from decimal import Decimal
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditmesh.schemas.rules import amounts
from creditmesh.schemas.rules.amounts import fine_agrees, plain


@given(
    st.text(st.sampled_from("罚款人民币元圆圓萬万億贰貳12 ３,，。\u3000\n\u2009叄"), max_size=20) | st.text(max_size=20)
)
def test_what_changes_nothing_may_be_left_out(text: str):
    assert plain(text) == amounts._GAP.sub("", normalize("NFKC", text).translate(amounts._SIMPLE))


@pytest.mark.parametrize(
    "text", ["罚款应于15日内缴纳", "罚款决定依据第15条", "罚款15日内缴纳", "罚款15份", "罚款共15 件"]
)
def test_how_many_there_are_of_something_is_no_fine(text: str):
    assert fine_agrees(Decimal(15), text)


@pytest.mark.parametrize("text", ["罚款15", "处罚款15，没收", "15整"])
def test_the_fields_number_without_a_unit_is_a_fine_that_may_be_in_yuan(text: str):
    assert not fine_agrees(Decimal(15), text)
