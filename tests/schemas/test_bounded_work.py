"""Whatever stands in a row, a header or a file, reading it costs about as much as its length says."""

import json
import time

import pytest

from creditmesh.schemas.files import LINE_BYTES, Table
from creditmesh.schemas.problems import MOST_FINDINGS
from creditmesh.schemas.rules.compile import ROW_BYTES, compile_item
from tests.schemas.samples import FIRM, FORBIDDEN, ITEM, SETS

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
    ],
)
def test_a_row_of_thousands_of_names_or_brackets_costs_little_and_has_few_findings(body: bytes):
    assert len(body) <= ROW_BYTES
    began = time.process_time()
    found = compiled.validate_json(body)
    assert isinstance(found, tuple)
    assert len(found) <= MOST_FINDINGS
    assert time.process_time() - began < 0.1


def test_colons_in_a_text_are_no_names():
    found = compiled.validate_json(json.dumps(FIRM | {"NR": "8:00, " * 5000 + '":' * 90}).encode())
    assert isinstance(found, tuple)
    assert [error.code for error in found] == ["too_long"]


@pytest.mark.parametrize("header", [["x"] * 65_536, ["x", ""] * 200, ["号码"] * 200])
def test_a_header_of_thousands_of_columns_costs_little_and_has_few_findings(header: list[str]):
    began = time.process_time()
    columns = compiled.header_map(header)
    assert 0 < len(columns.errors) <= MOST_FINDINGS
    assert time.process_time() - began < 0.4


def test_the_empty_columns_that_a_spreadsheet_adds_are_none():
    assert len(compiled.header_map([*compiled.codes, *[""] * 16_000]).codes) == len(compiled.codes)


@pytest.mark.parametrize(
    ("rows", "want"),
    [
        # In quotes or not, each line ends within a quote: what begins at any of them goes on to the end of the file.
        (b'x","y\n' * 60_000, 60_000),
        (b'x","y\n' * 60_000 + b'z"\n', 60_001),
        (b'x","y\n' * 60_000 + b"x" * 8_000_000 + b"\nA,x,y,1,z\n", 60_002),
    ],
)
def test_quotes_that_are_never_paired_are_not_read_over_and_over(rows: bytes, want: int):
    began = time.process_time()
    assert sum(1 for _ in Table.of(HEADER + rows).records()) == want
    assert time.process_time() - began < 10


def test_what_stands_behind_thousands_of_broken_quotes_is_read():
    *_, last = Table.of(HEADER + b'x","y\n' * 60_000 + b'z"\nA,x,y,1,z\nB,"one\ntwo",y,2,z\n').records()
    assert (last.cells, last.fault) == (["B", "one\ntwo", "y", "2", "z"], None)


@pytest.mark.parametrize("long", [b"," * (8 << 20), b" " * (32 << 20), b'"' + b'""' * (4 << 20), b",x" * 20_000])
def test_a_line_that_is_no_row_is_refused_unread(long: bytes):
    began = time.process_time()
    table = Table.of(HEADER + long + b"\nA,x,y,1,z\n")
    fault = "row_too_large" if len(long) > LINE_BYTES else "malformed_row"
    assert [(record.line, record.fault) for record in table.records()] == [(2, fault), (3, None)]
    assert time.process_time() - began < 0.5


def test_a_header_among_thousands_of_commas_is_looked_for_at_no_cost():
    began = time.process_time()
    Table.of((b"," * (4 << 20) + b"\n") * 10)
    Table.of((b",;" * 8_000 + b"\n") * 100)
    assert time.process_time() - began < 1
