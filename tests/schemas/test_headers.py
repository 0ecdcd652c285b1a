"""What a column is called: every way of writing a field's name is the field, and nothing else is."""

from functools import reduce

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditmesh.ingestion.formats import media_of, rows_of
from creditmesh.schemas.rules import headers
from creditmesh.schemas.rules.headers import FieldNames
from tests.ingestion.rows import compiled, items, rules

NAMES = [(item.code, spec.code, name) for item in items().values() for spec in item.fields for name in spec.names]
FULL_WIDTH = str.maketrans({chr(c): chr(c + 0xFEE0) for c in range(0x21, 0x7F)})
TRADITIONAL = str.maketrans("对码许关类号机证", "對碼許關類號機證")
CYRILLIC = str.maketrans("ABCEHKMOPTX", "АВСЕНКМОРТХ")
known = {code: FieldNames(item, rules()) for code, item in items().items()}
ways = st.sampled_from(
    [
        str.lower,
        lambda n: n.translate(FULL_WIDTH),
        lambda n: n.translate(TRADITIONAL),
        lambda n: n.translate(CYRILLIC),
        lambda n: n.replace("_", "-"),
        lambda n: n.replace("_", ""),
        lambda n: n.replace("(", "（").replace(")", "）"),
        lambda n: n.replace("(", "【").replace(")", "】"),
        lambda n: f"*{n}",
        lambda n: f"{n}★",
        lambda n: f"▲ {n} ⇅",
        lambda n: f"{n}：",
        lambda n: f"3、{n}",
        lambda n: f"(12){n}",
        lambda n: f"{n}（必填）",
        lambda n: f"{n}【选填，如：示例】",
        lambda n: f"{n}(格式：YYYY-MM-DD)",
        lambda n: f"{n}（文本格式）",
        lambda n: f"\ufeff{n}\u200b",
        lambda n: f"{n[:2]} {n[2:]}\n",
        lambda n: f"“{n}”",
        lambda n: f"`{n}`",
    ]
)


@given(st.sampled_from(NAMES), st.lists(ways, max_size=3, unique=True))
def test_a_name_however_it_is_written_is_its_field(name: tuple[str, str, str], how):
    item, code, text = name
    assert known[item].code(reduce(lambda told, way: way(told), how, text)) == code


@given(st.sampled_from(NAMES), st.sampled_from(NAMES), st.sampled_from(["{}（{}）", "{} {}", "{}/{}", "{}：{}"]))
def test_two_names_in_a_header_are_the_field_of_both_or_none(one, other, joined: str):
    (item, code, name), (another_item, another_code, another) = one, other
    if item == another_item and not ("/" in name and "/" in another):
        found = known[item].code(joined.format(name, another))
        assert found == (code if code == another_code else None)


@pytest.mark.parametrize(
    "name", ["罚款金额/万元", "罚款金额：万元", "罚款金额[万元]", "罚款金额（单位：万元）", "罚款金额 万元"]
)
def test_the_fields_own_unit_says_nothing_new(name: str):
    assert known["administrative_penalty"].code(name) == "CF_NR_FK"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("罚款金额（元）", "CF_NR_FK"),
        ("罚款金额（单位：元）", "CF_NR_FK"),
        ("罚款金额（必填，元）", "CF_NR_FK"),
        ("罚款金额/亿元", "CF_NR_FK"),
        ("法定代表人（证件号码）", "CF_FRDB"),
        ("组织机构代码（统一社会信用代码）", "CF_XDR_SHXYM"),
        ("行政相对人代码（统一社会信用代码）", "CF_XDR_SHXYM"),
        ("t.CF_XDR_SHXYM", "CF_XDR_SHXYM"),
    ],
)
def test_a_field_with_something_beside_it_is_neither_read_nor_left_out(name: str, code: str):
    """It may be another unit or another field: read it is wrong, and left out it is lost."""
    header = [spec.code for spec in items()["administrative_penalty"].fields if spec.code != code]
    found = compiled().names.columns([*header, name])
    assert found.codes[-1] is None
    assert [(error.code, error.pointer) for error in found.errors] == [("misspelt_field", f"/{code}")]


@pytest.mark.parametrize("name", ["序号", "附件", "行政相对人名称（曾用名）", "CF_XDR_MC.1", "处罚决定日期（送达）"])
def test_a_column_beside_its_field_is_left_out_and_said(name: str):
    header = [spec.code for spec in items()["administrative_penalty"].fields]
    found = compiled().names.columns([*header, name])
    assert (found.errors, [notice.code for notice in found.notices]) == ((), ["extra_field"])


def test_a_row_that_begins_with_a_fields_name_and_goes_on_as_data_is_data():
    codes = compiled().codes
    rows = (["行政相对人名称", *("示例",) * 4], ["名称", "CF_WSH", "某", "某", "某"])
    assert not any(compiled().names.are(row) for row in rows)
    assert compiled().names.are(["行政相对人名称", "CF_WSH", "某"])
    body = "\n".join(",".join(row) for row in (codes, *rows)).encode()
    first, second = rows_of(media_of("text/csv; charset=utf-8"), body, names=compiled().names)
    assert [orjson.loads(row.text)[codes[0]] for row in (first, second)] == ["行政相对人名称", "名称"]


def test_of_a_row_with_a_number_no_name_is_compared(monkeypatch):
    """It is a row of data, and comparing costs ten times as much as all else that is asked about it."""
    monkeypatch.setattr(headers, "spelled", lambda name: pytest.fail(f"{name} was compared"))
    assert not compiled().names.are(["示例商贸有限公司", "91990000MA00000000", "罚款"])
