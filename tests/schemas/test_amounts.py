"""Amounts in texts: the text they are looked for in is the same whichever of its steps are left out."""

from unicodedata import normalize

from hypothesis import given
from hypothesis import strategies as st

from creditmesh.schemas.rules import amounts
from creditmesh.schemas.rules.amounts import plain


@given(
    st.text(st.sampled_from("罚款人民币元圆圓萬万億贰貳12 ３,，。\u3000\n\u2009叄"), max_size=20) | st.text(max_size=20)
)
def test_what_changes_nothing_may_be_left_out(text: str):
    assert plain(text) == amounts._GAP.sub("", normalize("NFKC", text).translate(amounts._SIMPLE))
