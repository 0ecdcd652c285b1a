"""Whatever stands in a row, a header or a file, reading it costs about as much as its length says."""

import inspect
import json
import pkgutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from importlib import import_module
from itertools import product

import pytest

from creditmesh.schemas import rules
from creditmesh.schemas.catalogue import FieldSpec
from creditmesh.schemas.files import LINE_BYTES, Table
from creditmesh.schemas.problems import MOST_FINDINGS
from creditmesh.schemas.queries import PublicSearch
from creditmesh.schemas.rules.amounts import amount_of, plain
from creditmesh.schemas.rules.coded import code_reader, codes_reader
from creditmesh.schemas.rules.columns import Column, Identifying, column
from creditmesh.schemas.rules.compile import ROW_BYTES, compile_item
from creditmesh.schemas.rules.decision_numbers import fault_of, one_text
from creditmesh.schemas.rules.identity import NumberFinding, identify
from creditmesh.schemas.rules.values import GUARDS, number_reader, remembered, unguarded
from tests.schemas.samples import FIRM, FORBIDDEN, ITEM, PENALTIES, SETS
from tests.support.measuring import all_bounded, bounded

compiled = compile_item(ITEM, SETS, (FORBIDDEN,))
HEADER = b"FROM,B,C,TO,E\n"


@pytest.mark.parametrize(
    "body",
    [
        b"{" + b",".join([b'"a":1'] * 40_000) + b"}",
        b"{" + b",".join(b'"k%d": 1' % n for n in range(20_000)) + b"}",
        b'{"a":[' + b"[]," * 80_000 + b"[]]}",
        b'{"a":[' + b"{}," * 80_000 + b"{}]}",
        b"{" + b",".join([b'"a":1'] * 990) + b"}",
        json.dumps({"处罚有效" * 10 + str(n): 1 for n in range(250)}, ensure_ascii=False).encode(),
    ],
)
def test_a_row_of_thousands_of_names_or_brackets_costs_little_and_has_few_findings(body: bytes):
    assert len(body) <= ROW_BYTES
    found = bounded(0.1, lambda: compiled.validate_json(body))
    assert isinstance(found, tuple)
    assert len(found) <= MOST_FINDINGS


def test_colons_in_a_text_are_no_names():
    found = compiled.validate_json(json.dumps(FIRM | {"NR": "8:00, " * 5000 + '":' * 90}).encode())
    assert isinstance(found, tuple)
    assert [error.code for error in found] == ["too_long"]


@pytest.mark.parametrize("header", [["x"] * 65_536, ["x", ""] * 200, ["号码"] * 200])
def test_a_header_of_thousands_of_columns_costs_little_and_has_few_findings(header: list[str]):
    columns = bounded(0.4, lambda: compiled.names.columns(header))
    assert 0 < len(columns.errors) <= MOST_FINDINGS


def test_the_empty_columns_that_a_spreadsheet_adds_are_none():
    assert len(compiled.names.columns([*compiled.codes, *[""] * 16_000]).codes) == len(compiled.codes)


@pytest.mark.parametrize(
    ("rows", "want"),
    [
        # In quotes or not, each line ends within a quote: what begins at any of them goes on to the end of the file.
        (b'x","y\n' * 20_000, 20_000),
        (b'x","y\n' * 20_000 + b'z"\n', 20_001),
        (b'x","y\n' * 20_000 + b"x" * 8_000_000 + b"\nA,x,y,1,z\n", 20_002),
    ],
)
def test_quotes_that_are_never_paired_are_not_read_over_and_over(rows: bytes, want: int):
    assert bounded(4, lambda: sum(1 for _ in Table.of(HEADER + rows, names=compiled.names).records())) == want


def test_what_stands_behind_thousands_of_broken_quotes_is_read():
    *_, last = Table.of(
        HEADER + b'x","y\n' * 20_000 + b'z"\nA,x,y,1,z\nB,"one\ntwo",y,2,z\n', names=compiled.names
    ).records()
    assert (last.cells, last.fault) == (["B", "one\ntwo", "y", "2", "z"], None)


@pytest.mark.parametrize("long", [b"," * (8 << 20), b" " * (32 << 20), b'"' + b'""' * (4 << 20), b",x" * 20_000])
def test_a_line_that_is_no_row_is_refused_unread(long: bytes):
    body = HEADER + long + b"\nA,x,y,1,z\n"
    records = bounded(0.5, lambda: [*Table.of(body, names=compiled.names).records()])
    fault = "row_too_large" if len(long) > LINE_BYTES else "malformed_row"
    assert [(record.line, record.fault) for record in records] == [(2, fault), (3, None)]


def test_a_header_among_thousands_of_commas_is_looked_for_at_no_cost():
    for body in ((b"," * (4 << 20) + b"\n") * 10, (b",;" * 8_000 + b"\n") * 100):
        bounded(0.5, lambda: Table.of(body, names=compiled.names))  # noqa: B023 - called at once


LIGATURE = "\ufdfa"
"""One character, eighteen half-width."""
REPEATED = ("警告;", "、(", ";(", " ", "、", "以及", "和 ", "其他(", "1.", "1", LIGATURE)


FIELDS = ("LB", "CFLB", "ZJLX", "SHXYM", "ZJHM", "JGDM", "FK", "JDRQ", "YXQ", "WSH", "GSZC", "MC")


@pytest.mark.parametrize("text", REPEATED)
def test_no_value_of_a_field_holds_the_process_up(text: str):
    whole = "警告" + text * (200_000 // len(text.encode())) + ")"
    rows = {code: json.dumps(FIRM | {code: whole}, ensure_ascii=False).encode() for code in FIELDS}
    all_bounded(0.1, ((code, partial(compiled.validate_json, row)) for code, row in rows.items()))
    short = whole[:1000] + ")"
    all_bounded(0.1, ((code, partial(compiled.validate, FIRM | {code: short})) for code in FIELDS))


@pytest.mark.parametrize("text", REPEATED)
def test_codes_are_read_in_one_pass(text: str):
    long = "警告" + (text * 16_000)[:16_000] + ")"
    bounded(0.5, lambda: codes_reader(PENALTIES)(long))
    bounded(0.5, lambda: code_reader(PENALTIES)(long))


@pytest.mark.parametrize(
    ("code", "text", "want"),
    [
        ("CFLB", "警告;" * 20_000, "too_long"),
        ("LB", "自然人" * 1000, "too_long"),
        ("SHXYM", LIGATURE * 40_000, "number_shape"),
        ("JGDM", "*" + LIGATURE * 100, "number_shape"),
        ("ZJHM", "-" * 129, "number_shape"),
        ("ZJHM", LIGATURE * 10, "number_shape"),
    ],
)
def test_what_is_longer_than_anybody_writes_it_is_told_so_unread(code: str, text: str, want: str):
    found = compiled.validate(FIRM | {code: text})
    assert isinstance(found, tuple)
    assert (found[0].pointer, found[0].code) == (f"/{code}", want)
    assert compiled.validate_json(json.dumps(FIRM | {code: text}, ensure_ascii=False).encode()) == found


def test_how_people_write_fits():
    code = FIRM["SHXYM"]
    for text in (" ".join(code), '="' + "-".join(code) + '"', " - ".join(code), "’" + code):
        assert number_reader(18)(text) == code
    found = compiled.validate(FIRM | {"CFLB": "、".join(["警告", *("罚款 " * 50).split()])})
    assert isinstance(found, dict)
    assert found["CFLB"] == "警告;罚款"


@pytest.mark.parametrize("text", [LIGATURE, "*" + LIGATURE, "-", "×a", "1,", "X", "⁗"])
def test_no_number_holds_up_who_asks_about_thousands(text: str):
    def ask() -> None:
        for _ in range(500):
            identify("natural_person", "passport", (text * 512)[:512])

    bounded(0.1, ask)
    assert identify("natural_person", "passport", LIGATURE * 128) is NumberFinding.SHAPE


def test_a_public_search_for_a_long_code_costs_nothing():
    body = json.dumps({"code": LIGATURE * 21_669}, ensure_ascii=False).encode()

    def search() -> None:
        with pytest.raises(ValueError, match="code"):
            PublicSearch.model_validate_json(body)

    bounded(0.05, search)
    assert PublicSearch(code=f"'{FIRM['SHXYM'].lower()} ").code == FIRM["SHXYM"]


@pytest.mark.parametrize("text", ["〔", "(", "l", "0", "_", "1", "⁗", LIGATURE])
def test_no_decision_number_or_amount_holds_the_process_up(text: str):
    long = (text * 16_000)[:16_000] + "号"
    bounded(0.05, lambda: one_text(long))
    bounded(0.05, lambda: amount_of(long + ")"))
    bounded(0.05, lambda: fault_of(long, frozenset({"无"}), decision=True))
    assert fault_of(long, frozenset(), decision=True) == "decision_filler"


@pytest.mark.parametrize("text", ["(", "⁗", "填", "-"])
def test_no_column_of_a_header_costs_more_than_its_length(text: str):
    header = [(text * 256)[:250] + f"{n}a" for n in range(256)]
    bounded(0.5, lambda: compiled.names.columns(header))


def test_marks_upon_a_character_are_sorted_some_at_a_time():
    text = "罚款" + "\u0316\u0301" * 32_000 + "２，０００元"
    assert bounded(0.2, lambda: plain(text)).endswith("2,000元")


TYPES: tuple[tuple[str, Identifying | None], ...] = (
    ("text", None), ("text", "decision"), ("text", "registration"), ("text", "certificate"), ("name", None),
    ("date", None), ("decimal", None), ("code", None), ("codes", None), ("document", None), ("uscc", None),
)  # fmt: skip
WIDE = "\U0001f600"
"""With it every character of a text takes four bytes, and so does each copy of it."""


def columns() -> Iterator[Column]:
    """One of every type, with a length of its own and without; a day also where it may be open."""
    for (kind, identifies), length in product(TYPES, (None, 20, 4000)):
        spec = FieldSpec(
            code="F", name="F", name_zh="字段", type=kind, max_length=length, code_set="penalty_kind", required=True
        )
        for end in (False, True) if kind == "date" else (False,):
            yield column(spec, PENALTIES, identifies=identifies, end=end)


COLUMNS = tuple(columns())


@pytest.mark.parametrize("text", [*GUARDS, "-", "1", "(", "无", "#", " -", "\u0301\u0316", "1 ", '="'])
def test_nothing_is_made_of_a_value_before_its_length_is_bounded(text: str):
    for each in COLUMNS:
        read: list[int] = []
        whole = ("1" + text * 4 * each.most)[: 4 * each.most] + WIDE
        found = replace(each, read=lambda value, read=read: read.append(len(value))).take(whole)
        assert max(read, default=0) <= each.most <= ROW_BYTES // 4
        assert not isinstance(found, str)


@pytest.mark.parametrize("text", [*GUARDS, "= ", "'=", '="', '"＂'])
def test_no_guards_hold_a_column_up(text: str):
    whole = {length: (text * length)[: length - 1] + WIDE for length in (ROW_BYTES, 60_000, 4000, 64, 40)}
    all_bounded(0.2, ((f"{length}", partial(unguarded, each)) for length, each in whole.items()))
    read = ((each, length) for each in COLUMNS for length in whole if length <= 4 * each.most)
    all_bounded(0.2, ((f"{length} as {each.spec}", partial(each.take, whole[length])) for each, length in read))


ATOMS = (
    "(", "-", "=", "'", '="', "＂", "1 ", "1", "1,", "(1-1)", "\u0301\u0316", "ｌ", "l", "×", "×-", "○", "一", "*",
    "）", "(1)", "号", "无", "2026", "&#1;1", "1(", "罚款1", "、", "〔2026", "其他(", "--1", "孙", "某", "第1",
    "决定书",
)  # fmt: skip
GIVEN = {"fillers": frozenset({"无"}), "decision": True, "most": 256, "rule": None}


def rules_of_a_text() -> Iterator[Callable[[str], object]]:
    """Every public function of the rules that is asked about one text."""
    for found in pkgutil.iter_modules(rules.__path__):
        module = import_module(f"{rules.__name__}.{found.name}")
        for name, each in vars(module).items():
            own = inspect.isfunction(each) and each.__module__ in {module.__name__, f"{rules.__name__}.values"}
            if name.startswith("_") or not own:
                continue
            first, *others = inspect.signature(each).parameters.values()
            if first.annotation is str and first.name in {"text", "name", "number", "value"}:
                given = {one.name: GIVEN[one.name] for one in others if one.default is one.empty}
                yield partial(each, **given)


def test_every_rule_of_a_text_costs_what_its_length_says():
    asked = list(rules_of_a_text())
    assert len(asked) > 40
    texts = [atom * (6000 // len(atom)) + end for atom, end in product(ATOMS, ("a", "号"))]
    all_bounded(0.2, ((f"{rule} of {text[:9]!r}", partial(rule, text)) for rule, text in product(asked, texts)))


@pytest.mark.parametrize("text", ["(", "()", "-", "○", "一", "1 ", "(1-1)", "(2026"])
def test_no_number_as_long_as_they_may_be_costs_more_than_a_row(text: str):
    """Distinct ones, so that none is remembered."""

    def ask() -> None:
        for n in range(40):
            long = (text * 256)[:250] + f"a{n}"
            one_text(long)
            fault_of(long, frozenset(), decision=True)

    bounded(0.3, ask)


def _dear(text: str) -> str:
    until = time.thread_time() + 0.02
    while time.thread_time() < until:
        pass
    return text


_dear.__module__ = one_text.__module__
READ_BEFORE = remembered(_dear, most=8)
"""Made, as a reader of a module is, before the session begins: the garbage collector shows it no more."""


@pytest.mark.parametrize("made", ["before", "now"])
def test_no_bound_is_kept_by_what_is_remembered(made: str):
    read = READ_BEFORE if made == "before" else remembered(_dear, most=8)
    read("〔2026〕1号")
    with pytest.raises(AssertionError, match=r"0\.01 s each time"):
        bounded(0.01, lambda: read("〔2026〕1号"))
