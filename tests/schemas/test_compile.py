"""Items as validators: what is read, what is refused with which pointer and code, and never an echoed value."""

import csv
import io
import json
import re
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from creditmesh.schemas.catalogue import Condition
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.rules.characters import shown
from creditmesh.schemas.rules.compile import ROW_BYTES, CompiledItem, compile_item
from creditmesh.schemas.rules.fillers import says_nothing
from creditmesh.schemas.rules.values import WHITE, unguarded, unreadable
from tests.schemas.samples import FIRM, FORBIDDEN, ITEM, PERSON, SETS, resident, uscc

compiled = compile_item(ITEM, SETS, (FORBIDDEN,))


def line(**fields: object) -> bytes:
    return json.dumps({k: v for k, v in {**FIRM, **fields}.items() if v is not ...}, ensure_ascii=False).encode()


def row(**fields: object) -> dict[str, str]:
    found = compiled.validate_json(line(**fields))
    assert isinstance(found, dict), found
    return found


def refused(**fields: object) -> list[tuple[str, str]]:
    found = compiled.validate_json(line(**fields))
    assert isinstance(found, tuple), found
    return [(error.pointer, error.code) for error in found]


def test_a_clean_row_comes_back_as_it_is_in_catalogue_order_without_blanks():
    shuffled = dict(sorted({**FIRM, "GSZC": "", "ZJLX": None, "ZJHM": "\u3000"}.items()))
    found = compiled.validate_json(orjson.dumps(shuffled))
    assert found == FIRM
    assert list(found) == [code for code in compiled.codes if code in FIRM]


def test_values_are_read_in_every_accepted_spelling():
    found = row(
        MC="　澄江晨曦食品有限公司 ",
        LB="０２",
        SHXYM=uscc().lower(),
        WSH="澄市监罚〔２０２６〕 17号",
        CFLB="罚款；警告；1",
        FK="０.２００",
        JDRQ="2026年3月2日",
        YXQ="20991231",
    )
    assert found == FIRM


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-02",
        "2026/03/02",
        "2026/3/2",
        "2026.3.2",
        "20260302",
        "２０２６－０３－０２",
        "2026年03月02日",
        "2026 年 3 月 2 日",
        "2026-03-02 00:00:00",
        "2026-03-02T00:00:00",
        "2026/3/2 0:00",
        20260302,
    ],
)
def test_dates_are_read_as_departments_write_them(written: object):
    assert row(JDRQ=written)["JDRQ"] == "2026-03-02"


@pytest.mark.parametrize(
    "written",
    [
        "2026-02-30",
        "2026-3-2-1",
        "02/03/2026",
        "2026-03-02 25:00:00",
        "26-3-2",
        "1772409600",
        "0001-01-01",
        "昨天",
        "2026-W10-1",
        "2026/03-02",
        1772409600000,
        True,
        2026.5,
    ],
)
def test_what_is_no_day_is_no_date(written: object):
    assert refused(JDRQ=written) == [("/JDRQ", "bad_date" if not isinstance(written, bool | float) else "bad_type")]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("0.2", "0.2"),
        ("000.200000000", "0.2"),
        (0.2, "0.2"),
        (3, "3"),
        ("1,234.5", "1234.5"),
        ("12.", "12"),
        (0, "0"),
        ("0", "0"),
        (1e-05, "0.00001"),
        ("100000", "100000"),
        (123456.654321, "123456.654321"),
    ],
)
def test_amounts_become_exact_decimal_strings(written: object, read: str):
    assert row(FK=written)["FK"] == read


def test_an_amount_sent_as_a_number_never_goes_by_way_of_a_float():
    wide = compile_item(
        ITEM.model_copy(
            update={
                "fields": tuple(f.model_copy(update={"max_length": 24}) if f.code == "FK" else f for f in ITEM.fields)
            }
        ),
        SETS,
    )
    found = wide.validate_json(line(FK=...)[:-1] + b', "FK": 123456789012345678.654321}')
    assert isinstance(found, dict)
    assert found["FK"] == "123456789012345678.654321"


@pytest.mark.parametrize(
    "written",
    [
        "-1",
        "+1",
        "0.2万",
        "1e5",
        "1,23",
        "1,2345",
        "0.1234567",
        "1234567",
        "NaN",
        "Infinity",
        "",
        ".",
        "１．２．３",
    ],
)
def test_what_is_no_such_amount_is_refused(written: str):
    assert refused(FK=written) == [("/FK", "bad_decimal" if written else "field_required")]


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity", "1e400", "1e-400", "-0.5"])
def test_numbers_that_are_none_are_refused(token: str):
    body = line(FK=...)[:-1] + f', "FK": {token}}}'.encode()
    found = compiled.validate_json(body)
    assert isinstance(found, tuple)
    assert [(e.pointer, e.code) for e in found] == [("/FK", "bad_decimal")]


def test_code_values_are_read_by_value_name_and_alias_and_abolished_ones_are_not():
    for written in ("法人及非法人组织", "法人", "Organisation", "organisation", "02", "０２", 2 * "0" + "2"):
        expected = written != "002"
        found = compiled.validate_json(line(LB=written))
        assert isinstance(found, dict) is expected
    assert refused(LB="旧类别") == [("/LB", "bad_code")]
    assert compiled.meaning("LB", row()) == "organisation"
    assert compiled.meaning("ZJLX", row()) is None


def test_several_codes_come_in_the_sets_order_once_each_and_open_sets_take_others():
    assert row(CFLB="罚款;警告;罚款; ")["CFLB"] == "警告;罚款"
    assert row(CFLB="1,0")["CFLB"] == "警告;罚款"
    assert row(CFLB="没收违法所得、没收非法财物;警告", FK=...)["CFLB"] == "警告;没收违法所得、没收非法财物"
    assert row(CFLB="警告、没收", FK=...)["CFLB"] == "警告;没收违法所得、没收非法财物"
    assert row(CFLB="其他－责令改正；0", FK=...)["CFLB"] == "警告;其他-责令改正"
    assert refused(CFLB="警告;吊销") == [("/CFLB", "bad_code")]
    assert refused(CFLB="其他-") == [("/CFLB", "bad_code")]
    assert refused(CFLB=";") == [("/CFLB", "bad_code")]


def test_required_fields_and_conditions_name_what_is_missing():
    assert refused(MC=..., WSH="", JDRQ=None) == [
        ("/MC", "field_required"),
        ("/WSH", "field_required"),
        ("/JDRQ", "field_required"),
    ]
    assert refused(SHXYM=...) == [("/SHXYM", "field_required")]
    assert refused(FK=...) == [("/FK", "field_required")]
    assert row(CFLB="警告", FK=...)["CFLB"] == "警告"
    assert refused(LB="自然人") == [("/ZJLX", "field_required"), ("/ZJHM", "field_required")][1:]
    assert refused(ZJHM="E12345678") == [("/ZJLX", "field_required")]
    assert refused(LB="04", SHXYM="00000000000000000x") == [("/GSZC", "field_required")]


def test_lengths_are_counted_in_characters_after_trimming():
    assert row(NR="长" * 100 + " \u3000")["NR"] == "长" * 100
    assert refused(NR="长" * 101) == [("/NR", "too_long")]
    assert refused(SHXYM="9" * 19) == [("/SHXYM", "number_shape")]


MISREAD = [
    text.encode(was).decode(read, "replace")
    for text in (
        "示例贸易有限公司",
        "责令停止违法行为",
        "示例",
        "文字",
        "张三",
        "罚款",
        "北京",
        "示例·贸易",
        "7号：李四（甲）",
    )
    for was in ("utf-8", "gbk")
    for read in ("latin-1", "cp1252")
]


@pytest.mark.parametrize("text", ["a\0b", "\0", "a\ud800b", "\udfff", "示\ufffd有限公司", "锟斤拷", *MISREAD])
def test_characters_that_no_column_stores_and_what_a_wrong_encoding_left_are_refused(text: str):
    body = {**FIRM, "NR": text}
    for found in (compiled.validate_json(json.dumps(body).encode()), compiled.validate(body)):
        assert isinstance(found, tuple)
        assert [(e.pointer, e.code) for e in found] == [("/NR", "unreadable_character")]
        assert "wrong encoding" in found[0].detail


@pytest.mark.parametrize(
    "text",
    ["Société Générale à Müller Größe", "××××××", "1830×915×1200·25°", "······", "Þórðarson Jäääär", "½¼¾", "é“à”"],
)
def test_what_is_written_with_western_letters_stands_as_it_is(text: str):
    assert row(NR=f"罚款{text}")["NR"] == f"罚款{text}"


@pytest.mark.parametrize(
    "text",
    [
        "Ä Ö", "ÄÖ ÜÄ", "Kääpää", "Jäääär", "TÖÖÄÄR", "Öööbik", "GÓÐÆÐI", "créées ÉÉ", "AÇÃO LIÇÕES",
        "É·É·É", "M·É·Öberg", "ÄÖÜÄÖÜ", "1¼½¾¼", "±0.5°±1°", "é×é", "陈 ³Â",
    ],
)  # fmt: skip
def test_western_letters_beside_each_other_are_no_misread_chinese(text: str):
    assert row(NR=text)["NR"] == text


def test_a_backslash_before_u0000_is_only_text():
    assert row(NR="\\u0000")["NR"] == "\\u0000"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed_row"),
        (b"[]", "malformed_row"),
        (b'"text"', "malformed_row"),
        (b"{", "malformed_row"),
        (b'{"a": "\x00"}', "malformed_row"),
        (b"[" * 900, "malformed_row"),
        (b"[" * 100_000, "too_many_fields"),
        (b'{"a":' * 400, "malformed_row"),
        (b'{"a":' * 40_000, "too_many_fields"),
        ("{'MC': '甲'}".encode(), "malformed_row"),
        (json.dumps(FIRM, ensure_ascii=False).encode("gb18030"), "bad_encoding"),
        (b'{"MC": "' + b"a" * ROW_BYTES + b'"}', "row_too_large"),
    ],
)
def test_what_is_no_row_is_said_so(body: bytes, code: str):
    found = compiled.validate_json(body)
    assert isinstance(found, tuple)
    assert [error.code for error in found] == [code]


@pytest.mark.parametrize("value", [["a"], {"a": 1}, True, 5, 0.5])
def test_only_text_is_taken_where_digits_could_be_lost(value: object):
    assert refused(SHXYM=value) == [("/SHXYM", "bad_type")]
    assert refused(MC=value) == [("/MC", "bad_type")]


@pytest.mark.parametrize(
    "again",
    [
        '"MC": "另一公司"',
        '"MC": null',
        '"MC" \n: "x"',
        '"M\\u0043":"x"',
        '"MC": "x", "MC": "y"',
        '"MC": "a\\":b:c\\":"',
    ],
)
def test_a_name_that_stands_twice_is_refused(again: str):
    found = compiled.validate_json(line()[:-1] + f", {again}}}".encode())
    assert isinstance(found, tuple)
    assert {(error.pointer, error.code) for error in found} == {("/MC", "duplicate_field")}


def test_colons_and_quotes_in_a_text_are_no_names():
    assert row(MC='示例"a":"b"::公司')["MC"] == '示例"a":"b"::公司'


def test_a_field_that_may_not_be_collected_any_more_is_demanded_by_no_other_and_in_no_schema_or_template():
    ban = FORBIDDEN.forbids[0].model_copy(update={"words": ("罚款金额",)})
    read = compile_item(ITEM, SETS, (FORBIDDEN.model_copy(update={"forbids": (ban,)}),))
    without = {code: value for code, value in FIRM.items() if code != "FK"}
    assert read.validate(without) == without, "the fine's amount is required where there was one"
    assert read.validate_json(json.dumps(without).encode()) == without
    found = read.validate(FIRM)
    assert isinstance(found, tuple)
    assert [(each.pointer, each.code) for each in found] == [("/FK", "forbidden_attribute")]
    schema = Draft202012Validator(read.json_schema())
    assert list(schema.iter_errors(without)) == []
    assert list(schema.iter_errors(FIRM))
    assert next(csv.reader(io.StringIO(read.template_csv()))) == [code for code in read.codes if code != "FK"]


def test_unknown_and_forbidden_and_repeated_fields_are_refused_all_at_once():
    assert refused(EXTRA="x", religion="x", FDDB="甲", JDRQ="x") == [
        ("/EXTRA", "unknown_field"),
        ("/religion", "forbidden_attribute"),
        ("/FRDB", "duplicate_field"),
        ("/JDRQ", "bad_date"),
    ]


def test_a_name_that_is_no_code_is_not_echoed():
    strange = {resident(): "x", "林小满": "x", f"A{resident()}": "x"}
    found = compiled.read_json(line(**strange))
    assert (found.outcome, found.left_out.keys()) == (FIRM, strange.keys())
    refused = compiled.validate_json(line(**strange, religion="x"))
    assert isinstance(refused, tuple)
    assert [error.code for error in refused] == ["unknown_field"] * 3 + ["forbidden_attribute"]
    for said in (*found.left_out.values(), *refused[:3]):
        assert said.pointer == ""
        assert "990000" not in repr(said)
        assert "林小满" not in repr(said)


@pytest.mark.parametrize(
    ("name", "code"),
    [("处罚有郊期", "YXQ"), ("罚款金额（元）", "FK"), ("CFLBB", "CFLB"), ("FCLB", "CFLB"), ("CFBL", "CFLB")],
)
def test_a_name_of_an_object_is_judged_as_the_header_of_a_column(name: str, code: str):
    """What was meant for a field is not lost for a slip in its name; where the field is there, it is left out."""
    without = {field: value for field, value in FIRM.items() if field != code} | {name: "x"}
    as_column = compiled.names.columns(list(without))
    assert compiled.validate_json(orjson.dumps(without))[: len(as_column.errors)] == as_column.errors  # type: ignore[index]
    assert [(error.code, error.pointer) for error in as_column.errors] == [("misspelt_field", f"/{code}")]
    beside = compiled.read_json(line(**{name: "x"}))
    assert (beside.outcome, list(beside.left_out)) == (FIRM, [name])
    assert compiled.names.columns([*FIRM, name]).notices == tuple(beside.left_out.values())


def test_an_object_may_have_as_many_names_as_a_table_columns():
    assert compiled.validate_json(line(**{f"n{n}": {"a": [1]} for n in range(256 - len(FIRM))})) == FIRM
    assert refused(**{f"n{n}": "x" for n in range(257 - len(FIRM))}) == [("", "too_many_fields")]


def test_chinese_names_aliases_and_odd_spacing_are_names_too():
    chinese = {ITEM.field(code).name_zh: value for code, value in FIRM.items()}
    assert compiled.validate_json(orjson.dumps(chinese)) == FIRM
    odd = {
        "mc": FIRM["MC"],
        " 行政相对人 类别*": "02",
        "代码_1（统一社会信用代码）": FIRM["SHXYM"],
        "ＦＤＤＢ": FIRM["FRDB"],
    }
    rest = {code: value for code, value in FIRM.items() if code not in {"MC", "LB", "SHXYM", "FRDB"}}
    assert compiled.validate_json(orjson.dumps(odd | rest)) == FIRM
    assert compiled.validate(odd | rest) == FIRM


def test_an_old_resident_number_is_written_out_only_where_the_document_is_one():
    old = "990000800101001"
    person = {**PERSON, "ZJHM": old}
    found = compiled.validate(person)
    assert isinstance(found, dict)
    assert found["ZJHM"] == resident("19800101", 1)
    passport = compiled.validate({**person, "ZJLX": "护照"})
    assert isinstance(passport, dict)
    assert passport["ZJHM"] == old


def test_a_row_is_split_by_whose_key_seals_it():
    found = compiled.split(compiled.validate_json(line()), "organisation")  # type: ignore[arg-type]
    assert set(found.subject) == {"NR"}
    assert set(found.representative) == {"FRDB"}
    assert list(found.clear) == [code for code in FIRM if code not in {"NR", "FRDB"}]
    person = compiled.split(dict(PERSON), "natural_person")
    assert set(person.subject) == {"MC", "ZJHM"}
    assert PERSON["MC"] not in person.clear.values()


spellings = st.sampled_from(
    [
        "",
        " ",
        "\u3000",
        None,
        0,
        7,
        0.2,
        True,
        "x",
        "警告",
        "罚款",
        "01",
        "02",
        "04",
        "2026-03-02",
        "2026/3/2",
        "0.2",
        "\x1c",
        "\ufeff",
        "护照",
        "身份证",
        "00000000000000000X",
        uscc(),
        resident(),
        "990000800101001",
        "x\x00",
        "长" * 40,
        "9" * 19,
        [],
    ]
)
changes = st.dictionaries(st.sampled_from([*compiled.codes, "FDDB", "mc", "处罚内容", "NOPE"]), spellings, max_size=5)


@settings(max_examples=400)
@given(st.sampled_from([FIRM, PERSON]), changes)
def test_the_quick_way_and_the_examination_find_the_same(base: dict[str, str], changed: dict[str, Any]):
    body = {**base, **changed}
    examined = compiled._examine(list(body.items()))
    assert compiled.read(body) == examined
    assert compiled.read_json(json.dumps(body).encode()) == examined


@given(st.text(max_size=60))
def test_texts_come_back_trimmed_unguarded_and_seen_with_one_kind_of_line_end_and_otherwise_as_they_were(text: str):
    found = compiled.validate_json(json.dumps({**FIRM, "NR": text}).encode())
    if unreadable(text):
        assert isinstance(found, tuple)
    else:
        assert isinstance(found, dict)
        came = found.get("NR", "")
        told = shown(re.sub("\r\n|[\r\v\x85\u2028\u2029]", "\n", text)).strip(WHITE)
        assert came == ("" if says_nothing(unguarded(told)) else unguarded(told))


@given(st.sampled_from([FIRM, PERSON]), changes)
def test_reading_a_canonical_row_again_changes_nothing(base: dict[str, str], changed: dict[str, Any]):
    found = compiled.validate({**base, **changed})
    if isinstance(found, dict):
        assert compiled.validate_json(orjson.dumps(found)) == found
        assert not list(Draft202012Validator(compiled.json_schema()).iter_errors(found))


@given(st.binary(max_size=200))
def test_no_bytes_make_reading_fail(body: bytes):
    found = compiled.validate_json(body)
    assert isinstance(found, tuple)
    assert all(isinstance(error, FieldError) for error in found)


@given(changes)
def test_an_error_never_repeats_a_value(changed: dict[str, Any]):
    secret = "林某某990000199901019999"
    for code in changed:
        found = compiled.validate({**FIRM, code: secret + "\0"})
        assert secret not in repr(found)


def test_the_json_schema_is_one_and_demands_what_the_gate_demands():
    schema = compiled.json_schema()
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    for good in (FIRM, PERSON):
        assert not list(validator.iter_errors(good))
    for change in (
        {"LB": "旧类别"},
        {"JDRQ": "2026/3/2"},
        {"FK": "0.20"},
        {"CFLB": "吊销"},
        {"NR": "长" * 101},
        {"EXTRA": "x"},
    ):
        assert list(validator.iter_errors({**FIRM, **change})), change
    for missing in ("MC", "SHXYM", "FK"):
        assert list(validator.iter_errors({k: v for k, v in FIRM.items() if k != missing})), missing
    assert list(validator.iter_errors({**FIRM, "SHXYM": "00000000000000000X"}))


def test_a_template_is_a_header_that_is_taken_in_either_language():
    for names in ("codes", "zh"):
        (header,) = csv.reader(io.StringIO(compiled.template_csv(names)))
        columns = compiled.names.columns(header)
        assert (columns.codes, columns.errors, columns.notices) == (compiled.codes, (), ())


def test_a_header_with_mistakes_says_which_columns():
    columns = compiled.names.columns(["\ufeffMC", "处罚类别", "cflb", "奇怪", "宗教信仰", "", ""])
    assert columns.codes == ("MC", "CFLB", "CFLB", None, None)
    found = [(error.pointer, error.code) for error in columns.errors]
    assert found[:3] == [("", "unknown_field"), ("", "forbidden_attribute"), ("/CFLB", "duplicate_field")]
    assert [error.detail.split(" is ")[0] for error in columns.errors[:2]] == ["Column or name 4", "Column or name 5"]
    assert {code for _, code in found[3:]} == {"field_required"}
    assert {pointer for pointer, _ in found[3:]} == {"/LB", "/WSH", "/JDRQ", "/JGDM"}


@pytest.mark.parametrize("name", ["罚款金额（万元）（必填）", "*罚款金额(万元)", "【选填】罚款金额(万元)", "罚款-金额"])
def test_a_header_with_marks_is_the_fields(name: str):
    item = ITEM.model_copy(
        update={
            "fields": tuple(
                spec.model_copy(update={"aliases": (*spec.aliases, "罚款_金额")}) if spec.code == "FK" else spec
                for spec in ITEM.fields
            )
        }
    )
    assert compile_item(item, SETS).names.columns([name]).codes == ("FK",)


def test_a_column_of_no_field_is_left_out_and_said():
    columns = compiled.names.columns([*compiled.codes, "序号", "ADD_TIME", "", ""])
    assert columns.codes == (*compiled.codes, None, None)
    assert columns.errors == ()
    places = [len(compiled.codes) + 1, len(compiled.codes) + 2]
    assert [notice.detail for notice in columns.notices] == [
        f"Column or name {place} is none of the item's; it was not read." for place in places
    ]


@pytest.mark.parametrize(("wrong", "code"), [("处罚有郊期", "YXQ"), ("处罚效期", "YXQ"), ("处罚有效期限", "YXQ")])
def test_a_column_that_is_a_fields_but_for_one_character_is_not_left_out(wrong: str, code: str):
    names = [spec.name_zh for spec in ITEM.fields if spec.code != code]
    found = compiled.names.columns([*names, wrong])
    assert [(error.code, error.pointer) for error in found.errors] == [("misspelt_field", f"/{code}")]
    assert compiled.names.columns([*names, wrong, "处罚有效期"]).errors == ()


def test_an_item_that_cannot_be_read_one_way_only_is_not_compiled():
    twice = ITEM.model_copy(update={"fields": (*ITEM.fields, ITEM.fields[0].model_copy(update={"code": "MC2"}))})
    with pytest.raises(ValueError, match="two fields"):
        compile_item(twice, SETS)
    with pytest.raises(KeyError, match="penalty_kind"):
        compile_item(ITEM, {code: found for code, found in SETS.items() if code != "penalty_kind"})
    kinds = SETS["subject_category"]
    clash = kinds.model_copy(update={"values": tuple(v.model_copy(update={"aliases": ("9",)}) for v in kinds.values)})
    with pytest.raises(ValueError, match="two values"):
        compile_item(ITEM, {**SETS, "subject_category": clash})


def demanding(*conditions: tuple[str, Condition]) -> CompiledItem:
    """The item with these fields required under these conditions alone."""
    wanted = dict(conditions)
    fields = tuple(
        spec.model_copy(update={"required_if": (wanted[spec.code],) if spec.code in wanted else ()})
        for spec in ITEM.fields
    )
    return compile_item(ITEM.model_copy(update={"fields": fields}), SETS)


@pytest.mark.parametrize(
    ("looked_at", "value", "lacking"),
    [
        ("LB", "法人及非法人组织", {"/YXQ"}),
        ("LB", "自然人", {"/NR", "/YXQ"}),
        ("CFLB", "警告", {"/YXQ"}),
        ("CFLB", "罚款", {"/NR", "/YXQ"}),
        ("CFLB", "警告;罚款", {"/NR", "/YXQ"}),
    ],
)
def test_a_particular_value_demands_what_any_value_does_and_its_own(looked_at: str, value: str, lacking: set[str]):
    particular = {"LB": "自然人", "CFLB": "罚款"}[looked_at]
    both = demanding(("YXQ", Condition(field=looked_at)), ("NR", Condition(field=looked_at, in_values=(particular,))))
    given = {code: text for code, text in FIRM.items() if code not in {"YXQ", "NR"}} | {looked_at: value}
    found = both.validate(given)
    assert isinstance(found, tuple), found
    assert {(error.pointer, error.code) for error in found} == {(pointer, "field_required") for pointer in lacking}


as_written = st.sampled_from(["罚款", "警告、罚款", "01", " 身份证 ", "自然人"])


@given(
    st.dictionaries(st.sampled_from(["LB", "CFLB", "ZJLX"]), as_written, max_size=3),
    st.sets(st.sampled_from(compiled.codes)),
)
def test_codes_as_they_were_written_do_not_depend_on_what_the_fields_are_called(
    changed: dict[str, str], named: set[str]
):
    body = {**PERSON, **changed}
    found = compiled.validate(body)
    if isinstance(found, dict):
        called = {ITEM.field(code).name_zh if code in named else code: value for code, value in body.items()}
        given = compiled.as_given(found, called)
        coded = {spec.code for spec in ITEM.fields if spec.code_set is not None}
        assert list(given) == list(found)
        assert given == {code: body[code].strip() if code in coded else value for code, value in found.items()}
