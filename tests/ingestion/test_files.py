"""Files as departments have them, sent to the service: the verdicts are the rows' own, whatever file they came in."""

import asyncio
import csv
import io
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

import orjson
import psutil
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from creditmesh.chassis.bulk import FILES_AT_ONCE
from creditmesh.ingestion.formats import books
from creditmesh.ingestion.operations.submitting import submission_run
from creditmesh.schemas.files import workbook
from creditmesh.schemas.files.workbook import TYPE as WORKBOOK
from tests.ingestion.conftest import MARKET_CALLER, OFFICER, House, department, told
from tests.ingestion.rows import compiled, penalty, person_penalty, uscc
from tests.support.eventually import eventually

Row = dict[str, str]
_KEYS = count()


def table(rows: Sequence[Row], *, codes: Sequence[str] | None = None, **written: object) -> str:
    codes = codes or list(dict.fromkeys(code for row in rows for code in row))
    text = io.StringIO()
    csv.writer(text, **{"lineterminator": "\r\n", **written}).writerows(  # type: ignore[arg-type]
        [codes, *([row.get(code, "") for code in codes] for row in rows)]
    )
    return text.getvalue()


def sheet(rows: Sequence[Row], *, first: int = 0, merged: str | None = None, hidden: int | None = None) -> bytes:
    """The same in a workbook, from that row of its sheet on."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        made = book.add_worksheet("数据")
        for number, row in enumerate(csv.reader(io.StringIO(table(rows))), start=first):
            for column, value in enumerate(row):
                made.write_string(number, column, value)
        if merged is not None:
            made.merge_range(merged, "合并")
        if hidden is not None:
            made.set_row(hidden, None, None, {"hidden": True})
    return file.getvalue()


FORMS: dict[str, tuple[str, Callable[[Sequence[Row]], bytes]]] = {
    "ndjson": ("application/x-ndjson", lambda rows: b"\n".join(map(orjson.dumps, rows))),
    "json": ("application/json", orjson.dumps),
    "csv": ("text/csv", lambda rows: table(rows).encode()),
    "csv with a mark": ("text/csv", lambda rows: b"\xef\xbb\xbf" + table(rows).encode()),
    "gb18030": ("text/csv", lambda rows: table(rows).encode("gb18030")),
    "gb18030, said": ("text/csv; charset=gbk", lambda rows: table(rows).encode("gb18030")),
    "tabs": ("text/csv", lambda rows: table(rows, delimiter="\t").encode()),
    "semicolons": ("text/csv", lambda rows: table(rows, delimiter=";").encode()),
    "workbook": (WORKBOOK, sheet),
    "carriage returns": ("text/csv", lambda rows: table(rows, lineterminator="\r", quoting=csv.QUOTE_ALL).encode()),
    "without trailing blanks": (
        "text/csv",
        lambda rows: "\n".join(line.rstrip(",") for line in table(rows, lineterminator="\n").split("\n")).encode(),
    ),
}


_KINDS: tuple[Callable[[int], Row], ...] = (
    penalty,
    lambda n: penalty(n - 1, BZ="更正"),
    lambda n: penalty(n, CF_SY='当事人称"不知情"，\n经查属实'),
    lambda n: penalty(n, CF_JDRQ="2062-01-01"),
    lambda n: penalty(n, CF_NR_FK="2000"),
    lambda n: penalty(n, CF_CFLB="罚金"),
    lambda n: penalty(n, CF_XDR_SHXYM=uscc(n)[:-1] + ("1" if uscc(n)[-1] != "1" else "2")),
    lambda n: penalty(n, CF_WSH="\u3000"),
    person_penalty,
    lambda n: person_penalty(n, born="20150101"),
    lambda n: penalty(n, CF_NR_FK="贰仟元整", CF_YXQ="长期", CF_JDRQ="2026-05-10T16:00:00Z", CF_CFLB="罚款"),
)
_WITH_A_BREAK = 2
"""The kind with a line break in a cell."""
EXTRA = st.lists(st.sampled_from(["序号", "ADD_TIME", "经办人", "CF_XDR_MC.1"]), max_size=3, unique=True)
MISTAKES = ("CF_GSJQZ", "公示截至期", "没收金额（元）", "血型")
"""Names of no field that are not left out: nearly a field's that is lacking, with something beside it, forbidden."""


def rows_from(base: int, kinds: Sequence[int], extra: Sequence[str] = ()) -> list[Row]:
    """Rows of these kinds about subjects of their own; equal kinds repeat and correct each other.

    Each has these names of no field too.
    """
    return [_KINDS[kind](base + kind) | dict.fromkeys(extra, "甲") for kind in kinds]


async def stands_before(house: House, kinds: Sequence[int]) -> int:
    """The base of numbers that no test has used but for a file of these kinds; nobody reads events, so they go."""
    async with house.database.session() as session:
        await session.execute("delete from bus.event_queue")
    base = min(house.number() for _ in _KINDS)
    if kinds:
        told(await house.submit(rows_from(base, kinds)))
    return base


def words(verdicts: Sequence[dict]) -> list[tuple]:
    return [
        (each["row"], each["verdict"], sorted((r["code"], r["pointer"]) for r in each.get("reasons", ())))
        for each in verdicts
    ]


def left_out(verdicts: Sequence[dict]) -> int:
    """Of how many names it is said that they were not read."""
    return sum(notice["code"] == "extra_field" for each in verdicts for notice in each.get("notices", ()))


@settings(max_examples=15)
@given(
    earlier=st.lists(st.integers(0, len(_KINDS) - 1), max_size=6),
    kinds=st.lists(st.integers(0, len(_KINDS) - 1), min_size=1, max_size=14),
    chunk=st.integers(1, 5),
    extra=EXTRA,
    data=st.data(),
)
async def test_verdicts_depend_on_neither_form_nor_chunks_nor_the_rows_of_others(
    house: House,
    monkeypatch: pytest.MonkeyPatch,
    *,
    earlier: list[int],
    kinds: list[int],
    chunk: int,
    extra: list[str],
    data: st.DataObject,
):
    """Nor on whether it is a dry run; a file of before may stand already, and names of no field in every row.

    But for a line break in a cell, which a workbook has as a space: it corrects what stands with one.
    """
    said, rehearsed = {}, data.draw(st.sets(st.sampled_from(sorted(FORMS)), min_size=1, max_size=3))
    for form, (kind, written) in FORMS.items():
        if form == "workbook" and _WITH_A_BREAK in {*earlier, *kinds}:
            continue
        base = await stands_before(house, earlier)
        monkeypatch.setattr(submission_run, "CHUNK", chunk if form != "ndjson" else 1000)
        body = written(rows_from(base, kinds, extra))
        if form in rehearsed:
            dry = await house.submit(body, kind=kind, dry_run=True)
            verdicts = [orjson.loads(line) for line in dry.content.splitlines()]
            assert left_out(verdicts) == len(extra)
            said[f"{form}, dry"] = words(verdicts)
        answer = await house.submit(body, kind=kind, key=f"form-{next(_KEYS)}")
        verdicts = told(answer)[0]
        assert left_out(verdicts) == len(extra)
        said[form] = words(verdicts)
    assert all(each == said["ndjson"] for each in said.values()), said
    # Rows about one decision keep their order (kinds 0 and 1 are one); those of others go anywhere between them.
    decision = [0 if kind < 2 else kind for kind in kinds]
    waiting = {each: iter([place for place, one in enumerate(decision) if one == each]) for each in decision}
    moved = [next(waiting[each]) for each in data.draw(st.permutations(decision))]
    base = await stands_before(house, earlier)
    answer = await house.submit(rows_from(base, [kinds[place] for place in moved]))
    there = {place: rest for place, (_, *rest) in zip(moved, words(told(answer)[0]), strict=True)}
    assert there == {place: rest for place, (_, *rest) in enumerate(said["ndjson"])}


@settings(max_examples=8)
@given(
    kinds=st.lists(st.integers(0, len(_KINDS) - 1), min_size=1, max_size=4),
    extra=EXTRA,
    mistake=st.sampled_from(MISTAKES),
)
async def test_a_name_that_may_not_be_left_out_is_refused_in_every_form(
    house: House, *, kinds: list[int], extra: list[str], mistake: str
):
    """A table with it has no row that is read; of an object it is said beside what else is wrong."""
    rows = rows_from(await stands_before(house, ()), kinds, [*extra, mistake])
    tables = [await house.submit(written(rows), kind=kind) for kind, written in FORMS.values() if "json" not in kind]
    assert {answer.status_code for answer in tables} == {422}
    [wrong] = {frozenset((e["code"], e["pointer"]) for e in answer.json()["errors"]) for answer in tables}
    assert {"misspelt_field", "forbidden_attribute"} & {code for code, _ in wrong}
    for form in ("ndjson", "json"):
        kind, written = FORMS[form]
        verdicts, _ = told(await house.submit(written(rows), kind=kind))
        assert left_out(verdicts) == 0
        for _, verdict, reasons in words(verdicts):
            assert verdict == "refused"
            assert wrong <= set(reasons)


async def test_names_of_no_field_are_said_once_a_file_whatever_became_of_the_first_row(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    """And of a correction."""
    monkeypatch.setattr(submission_run, "CHUNK", 2)
    row = penalty(house.number())
    rows = [row | {"CF_JDRQ": "2062-01-01", "序号": "1"}, row | {"经办人": {"a": ["乙"]}, "序号": 2}, row | {"序号": 3}]
    verdicts, _ = told(await house.submit(rows))
    assert [each["verdict"] for each in verdicts] == ["refused", "accepted", "unchanged"]
    assert [[notice["code"] for notice in each.get("notices", ())] for each in verdicts] == [["extra_field"]] * 2 + [[]]
    async with house.client() as client:
        answer = await client.post(
            f"/v1/records/{verdicts[1]['record']}/corrections",
            json={"fields": row | {"BZ": "二", "序号": "1"}, "reason": "error"},
            headers={"If-Match": '"1"'},
        )
    assert (answer.status_code, [notice["code"] for notice in answer.json()["notices"]]) == (201, ["extra_field"])


async def test_a_broken_quote_joins_no_two_decisions_and_is_told_by_its_line(house: House):
    one, other = penalty(house.number()), penalty(house.number())
    codes = [*(code for code in one if code != "CF_NR"), "CF_NR", "BZ"]
    header, first, second, _ = table([one, other], codes=codes).split("\r\n")
    first = first.replace(one["CF_NR"], '"给予警告，处以罚款2000元')
    for quoted, fates in (('"罚款2000元"', ["refused", "accepted"]), ('罚款2000元"', ["refused", "refused"])):
        body = "\r\n".join([header, first, second.replace(other["CF_NR"], quoted), ""])
        verdicts, _ = told(await house.submit(body.encode(), kind="text/csv"))
        assert [(each["line"], each["verdict"]) for each in verdicts] == list(zip((2, 3), fates, strict=True))
        assert [reason["code"] for reason in verdicts[0]["reasons"]] == ["malformed_row"]


@pytest.mark.parametrize("dry", ["true", "false"])
async def test_what_was_not_read_is_said_with_the_first_row_and_again_when_asked(house: House, dry: str):
    row = penalty(house.number()) | {"ADD_TIME": "2026-05-01", "序号": "1"}
    body = "示例市行政处罚信息公示表\r\n" + table([row, penalty(house.number())]) + ",,,\r\n"
    answer = await house.submit(body.encode("gb18030"), kind="text/csv", dry_run=dry)
    lines = [orjson.loads(line) for line in answer.content.splitlines()]
    verdicts = [line for line in lines if "receipt" not in line]
    assert [(each["row"], each["line"], each["verdict"]) for each in verdicts] == [
        (1, 3, "accepted"),
        (2, 4, "accepted"),
    ]
    notices = verdicts[0]["notices"]
    assert [notice["code"] for notice in notices] == ["above_header", "extra_field", "extra_field"]
    assert all(notice["detail"] and notice["detail_zh"] for notice in notices)
    assert "notices" not in verdicts[1]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
async def test_a_broken_character_refuses_its_row_alone(house: House, encoding: str):
    rows = [penalty(house.number(), CF_XDR_MC=f"示例{n}商贸有限公司") for n in range(4)]
    lines = table(rows).encode(encoding).split(b"\r\n")
    lines[2] = lines[2].replace("公司".encode(encoding), "公司".encode(encoding)[:-1], 1)
    verdicts, _ = told(await house.submit(b"\r\n".join(lines), kind="text/csv"))
    assert [each["verdict"] for each in verdicts] == ["accepted", "refused", "accepted", "accepted"]
    assert [(reason["code"], verdicts[1]["line"]) for reason in verdicts[1]["reasons"]] == [("bad_encoding", 3)]


async def test_a_name_that_stands_twice_is_refused_in_every_form_of_json(house: House):
    row = penalty(house.number())
    for more in (
        '"CF_JDRQ":"2026-05-12"',
        '"CF_\\u004aDRQ":"2026-05-12"',
        '"处罚决定日期":"2026-05-12"',
        '"BZ":"a:b","BZ":"c"',
    ):
        text = orjson.dumps(row)[:-1] + b"," + more.encode() + b"}"
        for kind, body in (("application/x-ndjson", text), ("application/json", b"[" + text + b"]")):
            verdicts, _ = told(await house.submit(body, kind=kind))
            assert [reason["code"] for reason in verdicts[0]["reasons"]] == ["duplicate_field"]
        answer = await house.submit(text)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "duplicate_field")


async def test_a_header_that_fits_no_field_names_its_line_and_the_columns(house: House):
    names = [compiled().item.field(code).name_zh for code in penalty()]
    names[names.index("处罚有效期")] = "处罚有郊期"
    body = "某表\n" + ",".join(names) + "\n" + ",".join(penalty().values()) + "\n"
    answer = await house.submit(body.encode(), kind="text/csv")
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_header")
    assert "Line 2" in answer.json()["detail"]
    assert "in the first 10;" in answer.json()["detail"]
    assert {error["code"] for error in answer.json()["errors"]} == {"misspelt_field"}


async def test_the_lines_of_a_workbook_are_the_rows_of_its_sheet(house: House):
    rows = [penalty(house.number()), penalty(house.number(), CF_WSH="")]
    verdicts, receipt = told(await house.submit(sheet(rows, first=2, hidden=3), kind=WORKBOOK))
    assert [(each["line"], each["verdict"]) for each in verdicts] == [(4, "accepted"), (5, "refused")]
    assert {notice["code"] for notice in verdicts[0]["notices"]} == {"hidden_cells"}
    assert receipt["rows"] == 2


async def test_a_workbook_is_stored_once_under_its_key(house: House):
    body = sheet([penalty(house.number())])
    first, again = [await house.submit(body, kind=WORKBOOK, key="a workbook") for _ in range(2)]
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (sheet([penalty(1)], merged="A2:A4"), WORKBOOK, "A2:A4"),
        (sheet([]), WORKBOOK, "no sheet with rows"),
        (b"PK\x03\x04" + bytes(200), WORKBOOK, "no workbook"),
        (table([penalty(1)]).encode(), WORKBOOK, "no workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", WORKBOOK, ".xls"),
        (sheet([penalty(1)]), "text/csv", WORKBOOK),
    ],
    ids=["merged", "empty", "damaged", "a table", "an old one", "said to be a table"],
)
async def test_a_workbook_that_may_not_be_read_stores_nothing_and_says_why(
    house: House, body: bytes, kind: str, said: str
):
    before = await house.count()
    answer = await house.submit(body, kind=kind)
    assert (answer.status_code, said in answer.json()["detail"], bool(answer.json()["detail_zh"])) == (400, True, True)
    assert await house.count() == before


async def test_a_workbook_is_not_opened_for_who_may_not_send_it(house: House, monkeypatch: pytest.MonkeyPatch):
    async def opened(body: bytes) -> None:
        raise AssertionError("it was opened")

    monkeypatch.setattr(books, "_read", opened)
    body = sheet([penalty(house.number())])
    unknown = await house.submit(body, kind=WORKBOOK, item="no_such_item")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown_item")
    others = await house.submit(body, kind=WORKBOOK, caller=department("court"))
    assert (others.status_code, others.json()["code"]) == (403, "not_authorised")


async def test_who_is_gone_ends_the_process_that_reads_for_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    child, began = tmp_path / "child.py", tmp_path / "began"
    child.write_text(f"import os, time; open({str(began)!r}, 'w').write(str(os.getpid())); time.sleep(60)")
    monkeypatch.setattr(workbook, "_CHILD", str(child))
    reading = asyncio.create_task(books._read(b"PK"))
    await eventually(lambda: began.exists() and bool(began.read_text()))
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert not psutil.pid_exists(int(began.read_text()))


async def test_workbooks_that_wait_hold_up_no_other_file(house: House):
    async with house.equipment.files.process():
        waiting = [
            asyncio.create_task(house.submit(sheet([penalty(house.number())]), kind=WORKBOOK, caller=caller))
            for caller in (MARKET_CALLER, OFFICER)
            for _ in range(FILES_AT_ONCE)
        ]
        await asyncio.sleep(0.2)
        answer = await house.submit(table([penalty(house.number()) for _ in range(200)]).encode(), kind="text/csv")
        assert answer.status_code == 200, answer.text
        assert not any(each.done() for each in waiting)
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_workbook_is_read_while_others_are_served(house: House):
    """It waits for its reader in no loop: a hundred small requests are answered meanwhile."""
    rows = [{"CF_WSH": f"{n}"} for n in range(60_000)]
    reading = asyncio.create_task(house.submit(sheet(rows), kind=WORKBOOK, dry_run=True))
    async with house.client() as client:
        for _ in range(20):
            assert (await client.get("/v1/submissions")).status_code == 200
        assert not reading.done()
    assert (await reading).status_code in {200, 422}
