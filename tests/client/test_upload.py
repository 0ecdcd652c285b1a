"""How a file is looked at and cut."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditmesh.client import Limits, Unsendable, Upload

CELLS = st.text(st.sampled_from('甲乙丙龦1aZ",\n\r ;\u3000'), max_size=6)
ROWS = st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=30)
HEADER = ["文号", "名称", "内容"]


def written(rows, *, charset="utf-8"):
    text = io.StringIO()
    csv.writer(text).writerows([HEADER, *rows])
    return text.getvalue().encode(charset)


def read(body, charset):
    return [row for row in csv.reader(io.StringIO(body.decode(charset), newline="")) if any(row)]


@given(rows=ROWS, charset=st.sampled_from(["utf-8", "gb18030"]), most=st.integers(1, 7))
@settings(max_examples=150, deadline=None)
def test_pieces_of_a_table_are_tables_with_its_header_and_together_all_its_rows_in_order(
    tmp_path_factory, rows, charset, most
):
    file = tmp_path_factory.mktemp("cut") / "rows.csv"
    file.write_bytes(written(rows, charset=charset))
    filled = [row for row in rows if any(row)]
    if not filled:
        with pytest.raises(Unsendable):
            Upload.of(file, charset=charset)
        return
    upload = Upload.of(file, charset=charset, limits=Limits(rows=most))
    tables = [read(b"".join(piece.read()), charset) for piece in upload.pieces]
    assert all(table[0] == HEADER for table in tables)
    assert [row for table in tables for row in table[1:]] == filled
    assert all(1 <= len(table) - 1 <= most for table in tables)
    assert [piece.rows for piece in upload.pieces] == [len(table) - 1 for table in tables]
    assert all(piece.size == len(b"".join(piece.read())) for piece in upload.pieces)


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
        (b"A,B\n\x80\xff,1\n", "encoding"),
    ],
)
def test_a_file_that_cannot_be_sent_is_told_so_with_the_remedy_and_none_of_its_values(tmp_path, content, word):
    file = tmp_path / "rows.csv"
    file.write_bytes(content)
    with pytest.raises(Unsendable) as told:
        Upload.of(file)
    assert word in told.value.detail
    assert told.value.detail_zh


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
