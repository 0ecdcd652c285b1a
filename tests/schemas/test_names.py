"""Names as they are searched: one name however it is typed, and another name another."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditmesh.schemas.rules import names
from creditmesh.schemas.rules.names import folded


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("沙盒（Ａbc） 有限公司", "沙盒(aBC)有限公司　"),
        ("沙盒（北京）商贸有限公司", "沙盒【北京】商贸有限公司"),
        ("沙盒（北京）商贸有限公司", "沙盒北京商贸有限公司"),
        ("阿某·买某", "阿某•买某"),
        ("阿某·买某", "阿某 买某"),
        ("阿某·买某", "阿某．买某"),
        ("沙盒—示例公司", "沙盒-示例公司"),
        ("沙盒\u200b示例公司", "沙盒示例公司"),
        ("臺灣沙盒實業股份有限公司", "台湾沙盒实业股份有限公司"),
        ("豐華電氣", "丰华电气"),
        ("“沙盒”示例", "沙盒示例"),
        ("张⺠", "张民"),
        ("⻢某⻰", "马某龙"),
        ("张\ufe00三", "张三"),
        ("葛\U000e0100某", "葛某"),
        ("张\u0332三", "张三"),
        ("张\u2800三", "张三"),
        ("Jose\u0301", "José"),
    ],
)
def test_how_a_name_is_typed_does_not_matter_to_a_search(name: str, other: str):
    assert folded(name) == folded(other)


@pytest.mark.parametrize(
    "name", ["示例市\U00020bb7商贸", "㐂沙盒", "龘某", "〇某某", "沙盒123", "a+b沙盒", "josé", "がか"]
)
def test_what_has_no_other_form_stays(name: str):
    assert folded(name) == name


def test_other_names_are_other_names():
    assert len({folded(name) for name in ("沙盒一号", "沙盒二号", "沙盒壹号", "\U00020bb7某", "吉某")}) == 5


@given(st.text(max_size=60))
def test_folding_twice_or_after_an_older_folding_is_folding_once(name: str):
    older = "".join(unicodedata.normalize("NFKC", name).casefold().split())
    assert folded(folded(name)) == folded(name)
    assert folded(older) == folded(name)


IDEOGRAPHS = [chr(place) for place in range(0x4E00, 0xA000)]


@pytest.mark.parametrize(
    "texts", [IDEOGRAPHS, ["".join(IDEOGRAPHS)], [*map(chr, range(0x80))]], ids=["each", "all", "ascii"]
)
def test_a_name_that_is_folded_the_short_way_is_folded_as_any_other(texts: list[str], monkeypatch: pytest.MonkeyPatch):
    short = [folded(text) for text in texts]
    monkeypatch.setattr(names, "_PLAIN", re.compile("(?!)"))
    assert short == [folded(text) for text in texts]


@given(st.text(st.sampled_from("臺灣沙盒實業12ab（北京）Ａ·⺠\u0332 "), max_size=12))
def test_a_name_of_any_mixture_is_folded_the_same_on_both_ways(name: str):
    short = folded(name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(names, "_PLAIN", re.compile("(?!)"))
        assert short == folded(name)
