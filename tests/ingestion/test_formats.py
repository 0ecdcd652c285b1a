"""Bodies of every shape become rows of JSON text in the order sent; what cannot be read says why."""

import gzip
import json
import tracemalloc
from collections.abc import AsyncIterator

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditmesh.chassis.errors import Malformed, TooLarge, UnsupportedMedia
from creditmesh.ingestion.formats import MOST_ROW_BYTES, Media, SubmittedRow, decoded, is_single, media_of, rows_of
from creditmesh.ingestion.formats.tables import BadHeader
from tests.ingestion.rows import compiled, penalty

LINES, JSON = Media("lines", "utf-8"), Media("json", "utf-8")


def read(media: Media, body: bytes) -> list[SubmittedRow]:
    return list(rows_of(media, body, names=compiled().names))


async def pieces(body: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def test_lines_are_rows_in_order_and_empty_lines_are_none():
    rows = read(LINES, b'\xef\xbb\xbf{"a":"1"}\r\n\n  \n{"a":"2"}\nnot json')
    assert [(row.number, row.text) for row in rows] == [(1, b'{"a":"1"}'), (2, b'{"a":"2"}'), (3, b"not json")]


def test_a_ten_megabyte_line_is_one_refused_row():
    rows = read(LINES, b'{"a":"1"}\n' + b"x" * 10_000_000 + b'\n{"a":"2"}\n')
    assert [row.refusal.code if row.refusal else None for row in rows] == [None, "row_too_large", None]
    assert rows[1].text == b""


def test_a_row_of_exactly_the_limit_is_read():
    assert read(LINES, b"x" * MOST_ROW_BYTES)[0].refusal is None
    assert read(LINES, b"x" * (MOST_ROW_BYTES + 1))[0].refusal is not None


@given(st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=4), max_size=8), st.booleans())
def test_an_array_is_cut_into_its_elements(rows: list[dict[str, str]], spaced: bool):  # noqa: FBT001
    body = json.dumps(rows, ensure_ascii=False, indent=2 if spaced else None).encode("utf-8", "replace")
    assert [json.loads(row.text) for row in read(JSON, body)] == json.loads(body)


@pytest.mark.parametrize(
    "body",
    [
        b'[{"a":"1"},]',
        b'[{"a":"1"}',
        b'[{"a":"1"} {"a":"2"}]',
        b"[,]",
        b"[] x",
        b'[{"a":1}]]',
        b"[" * 100_000,
        b"[\xff]",
        b'"text"',
        b"",
        b"null",
        b'[{"a":',
    ],
)
def test_a_broken_array_is_malformed(body: bytes):
    with pytest.raises(Malformed):
        read(JSON, body)


def test_an_object_is_one_row_and_an_array_is_not_single():
    assert is_single(JSON, b'\xef\xbb\xbf \n{"a":"1"} ')
    assert not is_single(JSON, b'[{"a":"1"}]')
    assert not is_single(LINES, b'{"a":"1"}')
    assert read(JSON, b'\xef\xbb\xbf \n{"a":"1"} ')[0].text == b'{"a":"1"}'


def test_more_than_two_hundred_thousand_rows_are_too_many():
    assert len(read(LINES, b"{}\n" * 200_000)) == 200_000
    with pytest.raises(TooLarge):
        read(LINES, b"{}\n" * 200_001)
    with pytest.raises(TooLarge):
        read(JSON, b"[" + b"{}," * 200_001 + b"{}]")


def test_an_array_of_a_million_nothings_takes_no_more_than_its_text():
    body = b"[" + b"[]," * 1_000_000 + b"[]]"
    tracemalloc.start()
    with pytest.raises(TooLarge):
        read(JSON, body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60_000_000


def table(rows: list[dict[str, str]], *, header: list[str] | None = None, encoding: str = "utf-8") -> bytes:
    codes = list(rows[0])
    quoted = (",".join(f'"{row.get(code, "")}"' for code in codes) for row in rows)
    return "\r\n".join((",".join(header or codes), *quoted, "")).encode(encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("declared", [True, False])
def test_a_table_is_read_in_either_encoding_with_codes_or_names(encoding: str, declared: bool):  # noqa: FBT001
    rows = [penalty(n, CF_SY="第一行\n第二行,“引号”") for n in range(1, 4)]
    names = [compiled().item.field(code).name_zh.replace("(", "（") for code in rows[0]]
    charset = encoding.removesuffix("-sig") if declared else None
    for header in (None, [f'"{name}"' for name in names]):
        body = table(rows, header=header, encoding=encoding)
        assert [orjson.loads(row.text) for row in read(Media("table", charset), body)] == rows


def test_empty_cells_and_empty_lines_say_nothing():
    body = table([penalty(1, BZ=""), penalty(2, BZ="x")]) + b",,,\r\n\r\n"
    rows = read(Media("table", None), body)
    assert len(rows) == 2
    assert "BZ" not in orjson.loads(rows[0].text)


def test_a_line_with_another_number_of_cells_is_refused_alone():
    good = table([penalty(1)])
    codes = [
        row.refusal.code if row.refusal else None for row in read(Media("table", None), good + b"a," * 20 + b"b\r\n")
    ]
    assert codes == [None, "malformed_row"]
    assert orjson.loads(read(Media("table", None), good + b"a,b\r\n")[1].text) == {"CF_XDR_MC": "a", "CF_XDR_LB": "b"}
    wide = good.rstrip(b"\r\n") + b",,\r\n"
    assert [row.refusal for row in read(Media("table", None), wide)] == [None]


def test_rows_that_are_not_in_the_declared_encoding_are_refused_and_the_others_read():
    good, other = table([penalty(1)]), table([penalty(2)], encoding="gb18030").split(b"\r\n", 1)[1]
    for declared in ("utf-8", None):
        rows = read(Media("table", declared), good + other + b"\xff\xff\xff\r\n")
        assert [row.refusal.code if row.refusal else None for row in rows] == [None, "bad_encoding", "bad_encoding"]
        assert [row.line for row in rows] == [2, 3, 4]
    with pytest.raises(BadHeader):
        read(Media("table", "utf-8"), table([penalty(1)], header=["表头"], encoding="gb18030"))
    with pytest.raises(Malformed, match="UTF-16"):
        read(Media("table", None), table([penalty(1)], encoding="utf-16"))


def test_what_was_left_out_of_a_table_is_said_with_its_first_row():
    body = "示例市行政处罚信息公示表\n".encode() + table([penalty(1, ADD_TIME="x", 序号="1"), penalty(2)])
    first, second = read(Media("table", None), body)
    assert [notice.code for notice in first.notices] == ["above_header", "extra_field", "extra_field"]
    assert (first.line, second.line, second.notices) == (3, 4, ())
    assert orjson.loads(first.text) == penalty(1)


def test_a_broken_character_refuses_its_element_of_an_array_alone():
    texts = read(JSON, b'[{"a":"1"},{"a":"\xff"},{"a":"\\ud800"}]')
    assert [row.text for row in texts] == [b'{"a":"1"}', b'{"a":"\xff"}', b'{"a":"\\ud800"}']


def test_lines_are_numbered_as_they_stand_in_the_file():
    assert [row.line for row in read(LINES, b'\n{"a":"1"}\r{"a":"2"}')] == [2]
    assert [row.line for row in read(LINES, b'{"a":"1"}\r\r{"a":"2"}')] == [1, 3]


def test_a_header_is_judged_without_quoting_what_is_not_a_name():
    person = "张样本"
    with pytest.raises(BadHeader) as raised:
        read(Media("table", None), f"{person},ZJXY\n1,2\n".encode())
    told = orjson.dumps(raised.value.document().model_dump()).decode()
    assert person not in told
    assert {error.code for error in raised.value.errors} >= {"unknown_field", "forbidden_attribute", "field_required"}


def test_an_endless_quote_refuses_one_row_and_ends():
    body = table([penalty(1)]) + b'"' + b"x" * 300_000
    assert [row.refusal.code if row.refusal else None for row in read(Media("table", None), body)] == [
        None,
        "malformed_row",
    ]


@pytest.mark.parametrize(
    ("header", "media"),
    [
        ("application/json", Media("json", "utf-8")),
        ("application/json; charset=UTF-8", Media("json", "utf-8")),
        ("application/x-ndjson", Media("lines", "utf-8")),
        ("text/csv", Media("table", None)),
        ("text/csv; charset=GB18030", Media("table", "gb18030")),
        ('text/csv; charset="gbk"; header=present', Media("table", "gb18030")),
        ("text/csv; charset=GB_2312-80", Media("table", "gb18030")),
        ("text/csv; charset=windows-936", Media("table", "gb18030")),
        ("text/csv; charset=UTF8", Media("table", "utf-8")),
        ("text/csv; charset=utf-8-sig", Media("table", "utf-8")),
        ("text/tab-separated-values", Media("table", None)),
        ("application/csv", Media("table", None)),
        ("application/jsonl", Media("lines", "utf-8")),
    ],
)
def test_the_content_type_says_shape_and_encoding(header: str, media: Media):
    assert media_of(header) == media


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "text/csv" + ";" * 30_000,
        "text/plain",
        "application/xml",
        "application/json; charset=gbk",
        "text/csv; charset=big5",
        "x/;=;",
    ],
)
def test_other_content_types_are_unsupported(header: str | None):
    with pytest.raises(UnsupportedMedia):
        media_of(header)


async def test_a_body_may_be_packed():
    body = b'{"a":"1"}\n' * 5000
    assert await decoded(pieces(body), encoding=None) == body
    assert await decoded(pieces(gzip.compress(body), 7), encoding="gzip") == body
    members = gzip.compress(body[:10]) + gzip.compress(body[10:])
    assert await decoded(pieces(members, 11), encoding="gzip") == body
    assert await decoded(pieces(b""), encoding="gzip") == b""


async def test_a_small_parcel_cannot_hold_a_large_room():
    bomb = gzip.compress(b"\0" * 5_000_000)
    tracemalloc.start()
    with pytest.raises(TooLarge):
        await decoded(pieces(bomb), encoding="gzip", most=100_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000
    with pytest.raises(TooLarge):
        await decoded(pieces(b"x" * 101), encoding=None, most=100)
    assert await decoded(pieces(b"x" * 100), encoding=None, most=100) == b"x" * 100


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-9], lambda b: b"x" + b, lambda b: b + b"tail", lambda b: b[:20] + b"!" + b[21:]]
)
async def test_a_damaged_parcel_is_malformed(damage):
    body = gzip.compress(b"".join(b"%d" % n for n in range(5000)))
    with pytest.raises(Malformed):
        await decoded(pieces(damage(body)), encoding="gzip")


async def test_another_packing_is_unsupported():
    with pytest.raises(UnsupportedMedia):
        await decoded(pieces(b"x"), encoding="br")


def test_the_header_is_found_by_its_names_and_is_none_of_the_rows_where_it_stands_again():
    row = penalty()
    codes = list(row)
    reader = compiled().names
    names = [next(spec.name_zh for spec in compiled().item.fields if spec.code == code) for code in codes]
    again = [names, [f"*{code} " for code in codes], list(reversed(codes)), ["", *codes[1:]]]
    lines = [["填写说明"] * len(codes), codes, *again, [str(row[code]) for code in codes]]
    body = "\n".join(",".join(f'"{cell}"' for cell in line) for line in lines).encode()
    found = read(Media("table", None), body)
    assert [each.refusal.code if each.refusal else None for each in found] == ["header_again"] * 4 + [None]
    assert [notice.code for notice in found[0].notices] == ["above_header"]
    assert not reader.are([str(row[code]) for code in codes])


@pytest.mark.parametrize(
    "body", [b"", b"PK\x03\x04", b"<html>", "示例貿易有限公司,龍興食品廠,城關鎮\n".encode("big5") * 3]
)
def test_what_is_no_table_is_refused_as_what_it_is_and_not_for_its_header(body: bytes):
    with pytest.raises(Malformed) as refused:
        read(Media("table", None), body)
    assert refused.value.detail_zh


def test_a_header_without_a_delimiter_is_told_so():
    with pytest.raises(BadHeader) as refused:
        read(Media("table", None), "|".join(penalty()).encode())
    assert "separated by |" in refused.value.detail
