"""How a file is looked at and cut."""

import csv
import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from creditmesh.client import Limits, Unsendable, Upload
from creditmesh.ingestion.formats import media_of, rows_of
from creditmesh.ingestion.formats.tables import BadHeader
from creditmesh.schemas.catalogue import FieldSpec
from creditmesh.schemas.files import PADDING
from creditmesh.schemas.rules.headers import FieldNames
from tests.ingestion.rows import items

SHIPPED = items()["administrative_penalty"]
CODES = ("CF_XDR_MC", "CF_WSH", "CF_SY", "BZ")
NAMES = FieldNames(
    SHIPPED.model_copy(
        update={"fields": tuple(FieldSpec(code=code, name=code, name_zh=f"名{code}", type="text") for code in CODES)}
    )
)
HEADER = [*CODES[:3], "序号", "BZ"]
CELLS = st.text(st.sampled_from('甲乙丙龦1aZ",;\t\n\r \u3000'), max_size=6)
ROWS = st.lists(
    st.one_of(
        st.lists(CELLS, max_size=5),
        st.sampled_from(
            [HEADER, list(CODES), ["CF_WSH"], ["警告;罚款", "甲;乙", "\n"], ["\n甲", "乙"], [""], ["填报人：某"]]
        ),
    ),
    min_size=1,
    max_size=30,
)
ABOVE = st.lists(
    st.sampled_from(
        [["某表"], ["如实填写"] * 6, ["1", "2", "3", "4", "5"], ["主体", "主体", "CF_SY", "", "BZ"], ["sep=;"], []]
    ),
    max_size=4,
)


def looked_at(file, **options):
    return Upload.of(file, names=lambda: NAMES, **options)


def written(rows, *, delimiter, ending):
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=ending).writerows(rows)
    return text.getvalue()


def read(body, content_type):
    """What the node makes of it: each row with the line it begins in, and its text or what is wrong with it."""
    return [(row.line, row.text, row.refusal) for row in rows_of(media_of(content_type), body, names=NAMES)]


@pytest.fixture(scope="module")
def cut(tmp_path_factory):
    return tmp_path_factory.mktemp("cut")


@given(
    rows=ROWS,
    most=st.integers(1, 7),
    above=ABOVE,
    way=st.tuples(
        st.sampled_from(["utf-8", "gb18030"]),
        st.sampled_from(",;\t"),
        st.sampled_from(["\n", "\r\n", "\r"]),
        st.sampled_from(["", "", '"标题', '标题","', '"CF_WSH,BZ']),
    ),
)
@example(rows=[["甲", "1"]] * 5, most=3, above=[["如实填写"] * 6], way=("utf-8", ",", "\n", ""))
@example(
    rows=[["甲"], ["乙", "警告;罚款"], ["丙", "警告;罚款", "1"]] * 2,
    most=2,
    above=[],
    way=("utf-8", ",", "\n", ""),
)
@example(rows=[["甲", "1"], ["\n乙", "2"]], most=1, above=[], way=("utf-8", ",", "\r", ""))
@example(rows=[["\n", "\r1"]], most=1, above=[], way=("utf-8", ",", "\n", '"标题'))
@settings(max_examples=300, deadline=None)
def test_pieces_of_a_table_are_read_by_the_node_as_the_table_is(cut, rows, most, above, way):
    file = cut / "rows.csv"
    charset, delimiter, ending, unpaired = way
    text = unpaired + ending * bool(unpaired) + written([*above, HEADER, *rows], delimiter=delimiter, ending=ending)
    file.write_bytes(text.encode(charset))
    try:
        whole = read(file.read_bytes(), f"text/csv; charset={charset}")
    except BadHeader:
        return
    try:
        upload = looked_at(file, charset=charset, limits=Limits(rows=most))
    except Unsendable:
        assert whole == [] or unpaired
        return
    pieces = [(piece, read(b"".join(piece.read()), upload.content_type)) for piece in upload.pieces]
    assert [(line + piece.lines_before, *rest) for piece, found in pieces for line, *rest in found] == whole
    assert all(len(found) <= piece.rows <= most for piece, found in pieces)
    assert all(piece.size == len(b"".join(piece.read())) for piece in upload.pieces)


@pytest.mark.parametrize("charset", ["utf-8", "gb18030"])
def test_a_table_with_carriage_returns_alone_is_cut_at_its_rows(tmp_path, charset):
    file = tmp_path / "rows.csv"
    file.write_bytes("CF_WSH,BZ\r1,甲\r2,乙\r".encode(charset))
    upload = looked_at(file, limits=Limits(rows=1))
    assert [b"".join(piece.read()).decode(charset) for piece in upload.pieces] == [
        "CF_WSH,BZ\r1,甲\r",
        "CF_WSH,BZ\r" + " \r" * PADDING + "2,乙\r",
    ]
    assert upload.charset == charset


def test_pieces_keep_the_limit_of_bytes_with_the_header_counted(tmp_path):
    file = tmp_path / "rows.csv"
    file.write_bytes(b"CF_WSH,BZ\n" + b"1234,5678\n" * 100)
    upload = looked_at(file, limits=Limits(size=55 + 2 * PADDING))
    assert {piece.size for piece in upload.pieces[1:]} == {50 + 2 * PADDING}
    assert upload.rows == 100


@pytest.mark.parametrize(("name", "row"), [("rows.csv", b'1,"a\r\nb"\n\n'), ("rows.ndjson", b'{"a":\r\n1}\r\n')])
def test_pieces_keep_the_limit_of_line_ends(tmp_path, name, row):
    file = tmp_path / name
    file.write_bytes((b"CF_WSH,BZ\n" if name.endswith("csv") else b"") + row * 30)
    bodies = [b"".join(piece.read()) for piece in looked_at(file, limits=Limits(line_ends=25)).pieces]
    assert max(body.count(b"\n") + body.count(b"\r") for body in bodies) in range(20, 26)
    assert sum(body.count(row.rstrip()) for body in bodies) == 30


def test_ndjson_is_cut_at_lines_and_empty_lines_are_no_rows(tmp_path):
    file = tmp_path / "rows.ndjson"
    file.write_bytes(b'{"a":1}\n\n{"a":2}\n{"a":3}')
    upload = looked_at(file, limits=Limits(rows=2))
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
    assert looked_at(file).content_type == content_type


def test_one_object_is_sent_as_an_array_of_one(tmp_path):
    file = tmp_path / "one.json"
    file.write_bytes(b'\xef\xbb\xbf{\n "a": 1}')
    assert b"".join(looked_at(file).pieces[0].read()) == b'[{\n "a": 1}]'


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"A,B\n", "no rows"),
        (b"PK\x03\x04rest", "workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ".xls"),
        (b"\x1f\x8brest", "gzip"),
        ("A,B\n甲,1\n".encode("utf-16"), "UTF-16"),
        ("文号,名称\n〔2026〕1号,示例有限公司\n".encode("utf-16-le"), "UTF-16"),
    ],
)
def test_a_file_that_cannot_be_sent_is_told_so_with_the_remedy_and_none_of_its_values(tmp_path, content, word):
    file = tmp_path / "rows.csv"
    file.write_bytes(content)
    with pytest.raises(Unsendable) as told:
        looked_at(file)
    assert word in told.value.detail
    assert told.value.detail_zh


def test_a_byte_that_is_no_text_is_its_rows_fault_and_not_the_files(tmp_path):
    file = tmp_path / "rows.csv"
    file.write_bytes("文号,名称\n1,甲\0\n2,示例乙有限公司\n3,示例丙有限公司\n".encode())
    assert looked_at(file).rows == 3


def test_an_unknown_encoding_and_a_missing_file_are_told(tmp_path):
    file = tmp_path / "rows.csv"
    with pytest.raises(Unsendable, match=r"rows\.csv"):
        looked_at(file)
    file.write_bytes(b"A\n1\n")
    with pytest.raises(Unsendable, match="gb18030"):
        looked_at(file, charset="latin-1")


def test_a_file_that_shrinks_while_it_is_sent_is_noticed(tmp_path):
    file = tmp_path / "rows.csv"
    file.write_bytes(b"A\n1\n2\n")
    upload = looked_at(file)
    file.write_bytes(b"A\n")
    with pytest.raises(Unsendable, match="changed"):
        list(upload.pieces[0].read())
