"""Files as departments have them, sent to the service: the verdicts are the rows' own, whatever file they came in."""

import csv
import io
from collections.abc import Callable, Sequence
from itertools import count

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from creditmesh.ingestion.operations.submitting import submission_run
from tests.ingestion.conftest import House, told
from tests.ingestion.rows import compiled, penalty, person_penalty, uscc

Row = dict[str, str]
_KEYS = count()


def table(rows: Sequence[Row], *, codes: Sequence[str] | None = None, **written: object) -> str:
    codes = codes or list(dict.fromkeys(code for row in rows for code in row))
    text = io.StringIO()
    csv.writer(text, **{"lineterminator": "\r\n", **written}).writerows(  # type: ignore[arg-type]
        [codes, *([row.get(code, "") for code in codes] for row in rows)]
    )
    return text.getvalue()


FORMS: dict[str, tuple[str, Callable[[Sequence[Row]], bytes]]] = {
    "ndjson": ("application/x-ndjson", lambda rows: b"\n".join(map(orjson.dumps, rows))),
    "json": ("application/json", orjson.dumps),
    "csv": ("text/csv", lambda rows: table(rows).encode()),
    "csv with a mark": ("text/csv", lambda rows: b"\xef\xbb\xbf" + table(rows).encode()),
    "gb18030": ("text/csv", lambda rows: table(rows).encode("gb18030")),
    "gb18030, said": ("text/csv; charset=gbk", lambda rows: table(rows).encode("gb18030")),
    "tabs": ("text/csv", lambda rows: table(rows, delimiter="\t").encode()),
    "semicolons": ("text/csv", lambda rows: table(rows, delimiter=";").encode()),
    "carriage returns": ("text/csv", lambda rows: table(rows, lineterminator="\r", quoting=csv.QUOTE_ALL).encode()),
    "without trailing blanks": (
        "text/csv",
        lambda rows: "\n".join(line.rstrip(",") for line in table(rows, lineterminator="\n").split("\n")).encode(),
    ),
}


def rows_from(base: int, kinds: Sequence[int]) -> list[Row]:
    """Rows of these kinds about subjects of their own; equal kinds repeat and correct each other."""
    return [_KINDS[kind](base + kind) for kind in kinds]


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


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    earlier=st.lists(st.integers(0, len(_KINDS) - 1), max_size=6),
    kinds=st.lists(st.integers(0, len(_KINDS) - 1), min_size=1, max_size=14),
    chunk=st.integers(1, 5),
    data=st.data(),
)
async def test_verdicts_depend_on_neither_form_nor_chunks_nor_the_rows_of_others(
    house: House,
    monkeypatch: pytest.MonkeyPatch,
    *,
    earlier: list[int],
    kinds: list[int],
    chunk: int,
    data: st.DataObject,
):
    """Nor on whether it is a dry run; a file of before may stand already."""
    said, rehearsed = {}, data.draw(st.sets(st.sampled_from(sorted(FORMS)), min_size=1, max_size=3))
    for form, (kind, written) in FORMS.items():
        base = await stands_before(house, earlier)
        monkeypatch.setattr(submission_run, "CHUNK", chunk if form != "ndjson" else 1000)
        body = written(rows_from(base, kinds))
        if form in rehearsed:
            dry = await house.submit(body, kind=kind, dry_run=True)
            said[f"{form}, dry"] = words([orjson.loads(line) for line in dry.content.splitlines()])
        answer = await house.submit(body, kind=kind, key=f"form-{next(_KEYS)}")
        said[form] = words(told(answer)[0])
    assert all(each == said["ndjson"] for each in said.values()), said
    # Rows about one decision keep their order (kinds 0 and 1 are one); those of others go anywhere between them.
    decision = [0 if kind < 2 else kind for kind in kinds]
    waiting = {each: iter([place for place, one in enumerate(decision) if one == each]) for each in decision}
    moved = [next(waiting[each]) for each in data.draw(st.permutations(decision))]
    base = await stands_before(house, earlier)
    answer = await house.submit(rows_from(base, [kinds[place] for place in moved]))
    there = {place: rest for place, (_, *rest) in zip(moved, words(told(answer)[0]), strict=True)}
    assert there == {place: rest for place, (_, *rest) in enumerate(said["ndjson"])}


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
    assert [notice["code"] for notice in notices] == ["above_header", "extra_column", "extra_column"]
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
