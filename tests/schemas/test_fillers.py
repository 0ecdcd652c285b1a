"""What says nothing is no value in any column, and what guards a value from a spreadsheet is no part of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditmesh.ingestion.gate import Gate
from creditmesh.schemas.rules.characters import is_unseen, shown
from creditmesh.schemas.rules.fillers import is_doubtful_name, is_masked, may_be_a_name, says_nothing
from tests.ingestion.rows import MARKET, TODAY, compiled, penalty, person_penalty

WIDE = {i: i + 0xFEE0 for i in range(0x21, 0x7F)}
fillers = st.sampled_from(
    [
        "无",
        "無",
        "/",
        "——",
        "-",
        "暂无",
        "不详",
        "NULL",
        "n/a",
        "#REF!",
        "#NAME?",
        "#N/A",
        "详见决定书",
        "詳見附件",
        "附件2",
        "见附件1",
        "不 详",
        "无无",
        "*",
        "。",
    ]
)
around = st.sampled_from(["{}", " {} ", "（{}）", "'{}", '="{}"', "{}。", "\u200b{}", "{}\u3000"])
REQUIRED = ("CF_XDR_MC", "CF_WFXW", "CF_SY", "CF_YJ", "CF_NR", "CF_CFJG", "CF_SJLY")
OPTIONAL = (
    "BZ",
    "CF_XDR_ZZJG",
    "CF_GSJZQ",
    "CF_NR_WFFF",
    "CF_AJCX",
    "CF_NR_ZKDX",
    "CF_XDR_ZJLX",
    "CF_XDR_ZJHM",
    "CF_FR_ZJLX",
)


@given(fillers, around, st.booleans(), st.sampled_from(REQUIRED))
def test_a_filler_where_something_is_required_is_said_to_be_one(text: str, way: str, wide: bool, field: str):  # noqa: FBT001 - drawn
    said = way.format(text.translate(WIDE) if wide else text)
    found = compiled().validate(penalty(1, **{field: said}))
    if field == "CF_XDR_MC" and isinstance(found, dict):
        assert may_be_a_name(found[field])
        assert is_doubtful_name(found[field])
        return
    assert isinstance(found, tuple)
    assert [(each.code, each.pointer) for each in found] in (
        [("filler", f"/{field}")],
        [("name_masked", f"/{field}")],
        [("field_required", f"/{field}")],
    )


@given(fillers, around, st.sets(st.sampled_from(OPTIONAL), min_size=1))
def test_a_filler_where_nothing_is_asked_for_is_no_value(text: str, way: str, fields: set[str]):
    """Whatever the type of the column."""
    row = penalty(1)
    assert compiled().validate(row | dict.fromkeys(fields, way.format(text))) == compiled().validate(row)


def test_a_filler_where_another_field_asks_for_a_value_is_refused():
    (refused,) = compiled().validate(penalty(1, CF_NR_FK="无"))
    assert (refused.code, refused.pointer) == ("bad_decimal", "/CF_NR_FK")
    (refused,) = compiled().validate(penalty(1, CF_FRDB="/"))
    assert (refused.code, refused.pointer) == ("filler", "/CF_FRDB")
    found = compiled().validate(person_penalty(CF_FRDB="/", CF_FR_ZJLX="/", CF_FR_ZJHM="/"))
    assert isinstance(found, dict)
    assert not {"CF_FRDB", "CF_FR_ZJLX", "CF_FR_ZJHM"} & found.keys()


@pytest.mark.parametrize(
    "name",
    [
        "孙**",
        "孙＊＊",
        "孙×",
        "孙××",
        "孙○○",
        "张XX",
        "示例****公司",
        "示例××公司",
        "孙??",
        "孙□",
        "孙*",
        "*明",
        "孙*明",
    ],
)
def test_a_name_with_hidden_characters_is_refused(name: str):
    (refused,) = compiled().validate(person_penalty(CF_XDR_MC=name))
    assert (refused.code, refused.pointer) == ("name_masked", "/CF_XDR_MC")


MAY_BE_NAMES = (
    "*ST示例股份有限公司", "S*ST示例", "＊ST示例股份", "7-11", "12345", "７７", "(1)", "Na", "NULL", "nan", "空", "无",
    "孙某某", "孙某", "欧阳某", "某某公司", "某公司", "示例某食品厂", "某某某（中国）有限公司",
)  # fmt: skip


@pytest.mark.parametrize("name", MAY_BE_NAMES)
def test_a_name_that_may_be_genuine_is_held_and_not_refused(name: str):
    found = compiled().validate(penalty(1, CF_XDR_MC=name))
    assert isinstance(found, dict)
    assert found["CF_XDR_MC"] == name
    gate = Gate(compiled(), party=MARKET, today=TODAY)
    assert [(each.code, each.pointer) for each in gate.judge(found).holds] == [("name_doubtful", "/CF_XDR_MC")]
    assert not gate.judge(found).refusals


@pytest.mark.parametrize(
    "word", ["拒绝提供", "不公开", "保密", "个人隐私", "未办理", "遗失", "测试", "复印件", "身份证"]
)
def test_a_word_of_the_catalogue_is_nobodys_name_unseen(word: str):
    found = compiled().validate(person_penalty(CF_XDR_MC=word))
    assert isinstance(found, dict)
    (held,) = Gate(compiled(), party=MARKET, today=TODAY).judge(found).holds
    assert (held.code, held.pointer) == ("name_doubtful", "/CF_XDR_MC")


@pytest.mark.parametrize("name", ["?", "??", "——", "#REF!", "详见决定书", "不详"])
def test_a_name_without_a_letter_or_a_word_in_its_place_is_none(name: str):
    (refused,) = compiled().validate(penalty(1, CF_XDR_MC=name))
    assert refused.pointer == "/CF_XDR_MC"


@pytest.mark.parametrize(
    "name",
    [
        "无锡示例有限公司",
        "空港示例公司",
        "样某辰",
        "阿某·买某",
        "示例某甲公司分店甲",
        "Nana",
        "示例1#楼业主委员会",
        "C#示例公司",
        "EXXON示例",
        "XXL示例服饰",
        "示例（中国）·分店",
        "7-11示例店",
    ],
)
def test_a_name_is_a_name(name: str):
    assert not says_nothing(name)
    assert not is_masked(name)
    assert not is_doubtful_name(name)
    found = compiled().validate(penalty(1, CF_XDR_MC=name))
    assert isinstance(found, dict)
    assert found["CF_XDR_MC"] == name


@given(
    st.sampled_from(["CF_XDR_MC", "CF_SY", "CF_YJ", "CF_WFXW", "CF_WSH", "CF_FRDB", "BZ"]),
    st.sampled_from(
        ["'{}", "‘{}", "＇{}", "`{}", '="{}"', '= "{}"', '"{}"', "={}", "'{}'", "\u202e{}\u200b", "\ufeff{}", "{}\t"]
    ),
)
def test_guards_and_what_nobody_sees_are_no_part_of_a_value(field: str, guard: str):
    row = penalty(1, BZ="示例备注")
    assert compiled().validate(row | {field: guard.format(row[field])}) == compiled().validate(row)


@pytest.mark.parametrize("text", ["“示例”有限公司", "‘示例’之一", '称："示例"', "'甲'与'乙'不符", "《示例》第1条"])
def test_quotation_marks_of_a_text_stay(text: str):
    found = compiled().validate(penalty(1, CF_SY=text))
    assert isinstance(found, dict)
    assert found["CF_SY"] == text


@given(st.sampled_from("《〈“「『【〔［（("), st.one_of(fillers, st.text(max_size=30)))
def test_a_text_in_brackets_says_what_it_says_behind_a_dash(bracket: str, text: str):
    assert says_nothing(bracket + text) == says_nothing("-" + text)


@given(st.text(max_size=40))
def test_what_is_shown_is_seen_but_for_layout_and_variants(text: str):
    kept = {each for each in shown(text) if is_unseen(each) and not each.isspace()}
    assert all(
        "\u180b" <= each <= "\u180f" or "\ufe00" <= each <= "\ufe0f" or each >= "\U000e0100" or each in ARABIC
        for each in kept
    )


ARABIC = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
"""Controls that are seen."""
