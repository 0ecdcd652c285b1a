"""How a file is looked at and cut."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditmesh.client import Limits, Unsendable, Upload
from creditmesh.schemas.files import Table

# No semicolons: which of two delimiters a few broken rows mean is told by the fields' names alone, which the node has.
CELLS = st.text(st.sampled_from('甲乙丙龦1aZ",\n\r \u3000'), max_size=6)
ROWS = st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=30)
HEADER = ["文号", "名称", "内容"]


def written(rows, *, charset="utf-8"):
    text = io.StringIO()
    csv.writer(text).writerows([HEADER, *rows])
    return text.getvalue().encode(charset)


def read(body, charset):
    """What the node's reader makes of it: each row with the line it begins in."""
    table = Table.of(body, charset)
    return table, [(record.line, record.cells, record.fault) for record in table.records() if not record.blank]


@given(
    rows=ROWS,
    charset=st.sampled_from(["utf-8", "gb18030"]),
    most=st.integers(1, 7),
    above=st.sampled_from(["", "某表\r\n"]),
)
@settings(max_examples=150)
def test_pieces_of_a_table_are_tables_with_its_header_and_together_all_its_rows_in_order(
    tmp_path_factory, rows, charset, most, above
):
    file = tmp_path_factory.mktemp("cut") / "rows.csv"
    body = above.encode(charset) + written(rows, charset=charset)
    file.write_bytes(body)
    whole, filled = read(body, charset)
    if not filled:
        with pytest.raises(Unsendable):
            Upload.of(file, charset=charset)
        return
    upload = Upload.of(file, charset=charset, limits=Limits(rows=most))
    pieces = [(piece, *read(b"".join(piece.read()), charset)) for piece in upload.pieces]
    assert all(table.header.cells == whole.header.cells for _, table, _ in pieces)
    assert [(line + piece.lines_before, *rest) for piece, _, rows in pieces for line, *rest in rows] == filled
    assert all(1 <= len(rows) <= most for _, _, rows in pieces)
    assert [piece.rows for piece in upload.pieces] == [len(rows) for _, _, rows in pieces]
    assert all(piece.size == len(b"".join(piece.read())) for piece in upload.pieces)


@pytest.mark.parametrize("charset", ["utf-8", "gb18030"])
def test_a_table_with_carriage_returns_alone_is_cut_at_its_rows(tmp_path, charset):
    file = tmp_path / "rows.csv"
    file.write_bytes("文号,名称\r1,甲\r2,乙\r".encode(charset))
    upload = Upload.of(file, limits=Limits(rows=1))
    assert [b"".join(piece.read()).decode(charset) for piece in upload.pieces] == [
        "文号,名称\r1,甲\r",
        "文号,名称\r2,乙\r",
    ]
    assert upload.charset == charset


def test_pieces_keep_the_limit_of_bytes_with_the_header_counted(tmp_path):
    file = tmp_path / "rows.csv"
    file.write_bytes(b"CODE,NAME\n" + b"1234,5678\n" * 100)
    upload = Upload.of(file, limits=Limits(size=55))
    assert {piece.size for piece in upload.pieces} == {50}
    assert upload.rows == 100


def test_ndjson_is_cut_at_lines_and_empty_lines_are_no_rows(tmp_path):
    file = tmp_path / "rows.ndjson"
    file.write_bytes(b'{"a":1}\n\n{"a":2}\n{"a":3}')
    upload = Upload.of(file, limits=Limits(rows=2))
    assert [b"".join(piece.read()) for piece in upload.pieces] == [b'{"a":1}\n\n{"a":2}\n', b'{"a":3}']
    assert upload.content_type == "application/x-ndjson"


@pytest.mark.parametrize(
    ("name", "content", "content_type"),
    [
        ("rows.csv", "A,B\n甲,1\n".encode(), "text/csv; charset=utf-8"),
        ("rows.csv", "A,B\n甲,1\n".encode("gb18030"), "text/csv; charset=gb18030"),
        ("rows.txt", "\ufeffA,B\n甲,1\n".encode(), "text/csv; charset=utf-8"),
        ("rows.jsonl", b'{"a":1}\n', "application/x-ndjson"),
        ("rows.csv", b"A,B\n\x80\xff,1\n", "text/csv; charset=gb18030"),
        ("rows.csv", "\ufeffA,B\n甲,1\n".encode().replace(b"\xb2", b"x"), "text/csv; charset=utf-8"),
        ("rows.json", b'{"a":1}\n{"a":2}\n', "application/x-ndjson"),
        ("rows.json", b'{\n "a":1\n}\n', "application/json"),
        ("rows", b' [{"a":1}]', "application/json"),
    ],
)
def test_a_file_is_known_by_its_name_and_its_content(tmp_path, name, content, content_type):
    file = tmp_path / name
    file.write_bytes(content)
    assert Upload.of(file).content_type == content_type


def test_one_object_is_sent_as_an_array_of_one(tmp_path):
    file = tmp_path / "one.json"
    file.write_bytes(b'\xef\xbb\xbf{\n "a": 1}')
    assert b"".join(Upload.of(file).pieces[0].read()) == b'[{\n "a": 1}]'


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"A,B\n", "no rows"),
        (b"PK\x03\x04rest", "workbook"),
        (b"\x1f\x8brest", "gzip"),
        ("A,B\n甲,1\n".encode("utf-16"), "UTF-16"),
        ("文号,名称\n〔2026〕1号,示例有限公司\n".encode("utf-16-le"), "UTF-16"),
    ],
)
def test_a_file_that_cannot_be_sent_is_told_so_with_the_remedy_and_none_of_its_values(tmp_path, content, word):
    file = tmp_path / "rows.csv"
    file.write_bytes(content)
    with pytest.raises(Unsendable) as told:
        Upload.of(file)
    assert word in told.value.detail
    assert told.value.detail_zh


def test_a_byte_that_is_no_text_is_its_rows_fault_and_not_the_files(tmp_path):
    file = tmp_path / "rows.csv"
    file.write_bytes("文号,名称\n1,甲\0\n2,示例乙有限公司\n3,示例丙有限公司\n".encode())
    assert Upload.of(file).rows == 3


def test_an_unknown_encoding_and_a_missing_file_are_told(tmp_path):
    file = tmp_path / "rows.csv"
    with pytest.raises(Unsendable, match=r"rows\.csv"):
        Upload.of(file)
    file.write_bytes(b"A\n1\n")
    with pytest.raises(Unsendable, match="gb18030"):
        Upload.of(file, charset="latin-1")


def test_a_file_that_shrinks_while_it_is_sent_is_noticed(tmp_path):
    file = tmp_path / "rows.csv"
    file.write_bytes(b"A\n1\n2\n")
    upload = Upload.of(file)
    file.write_bytes(b"A\n")
    with pytest.raises(Unsendable, match="changed"):
        list(upload.pieces[0].read())
