"""Screenings, tasks, cases and eligibility from Python: the routes that are called, and what comes back."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest
from fastapi.responses import JSONResponse

from creditmesh.client import ClientError, Node, NotUnderstood, Unsendable
from creditmesh.client.subjects import subjects_of
from creditmesh.schemas.cases import ActionIn, CaseIn, CaseOut
from creditmesh.schemas.screenings import EligibilityIn, ScreenedIn
from creditmesh.schemas.tasks import FeedbackIn, TaskOut
from tests.ingestion.rows import code_sets
from tests.support.cast import resident, uscc

ID = UUID("0198f2c4-7a50-7c31-9d1e-5f0f6f0f2a11")
TASK = f"{ID}.3f9c2d1a7b40.procurement_bar"
SUBJECT = {"kind": "natural_person", "document": {"type": "resident_id", "number": resident(1)}}
ORGANISATION = {"kind": "organisation", "document": {"type": "uscc", "number": uscc(1)}}
A_TASK = TaskOut.model_construct(id=TASK, answers=0)
STEP = {"number": 1, "action": "file", "state": "filed", "at": "2026-03-01T00:00:00Z", "legal_date": "2026-03-01"}
CASE = CaseOut.model_validate(
    {"case": ID, "kind": "repair", "state": "filed", "record": ID, "item": "administrative_penalty"}
    | {"party": "p.housing", "filed_on": "2026-03-01", "rev": 1, "steps": [STEP, STEP | {"number": 2}]}
)
CALLS = {
    "POST /v1/screenings?matter=review&officer=W-17": lambda node: node.screenings.screen(
        ScreenedIn.model_validate(SUBJECT), matter="review", officer="W-17"
    ),
    "GET /v1/designations?list=defaulters": lambda node: node.screenings.on_list("defaulters"),
    "POST /v1/eligibility?matter=review": lambda node: node.screenings.eligibility(
        EligibilityIn.model_validate({"subject": ORGANISATION, "years": 3}), matter="review"
    ),
    "GET /v1/tasks?state=open&due_before=2026-12-01": lambda node: node.tasks.waiting(due_before=date(2026, 12, 1)),
    f"GET /v1/tasks/{TASK}": lambda node: node.tasks.read(TASK),
    f"POST /v1/tasks/{TASK}/feedback": lambda node: node.tasks.answer(A_TASK, FeedbackIn(outcome="applied")),
    "POST /v1/cases": lambda node: node.cases.file(CaseIn(kind="repair", record=ID, statement="已改正。")),
    "GET /v1/cases?state=filed&due_before=2026-12-01": lambda node: node.cases.to_handle(
        state="filed", due_before=date(2026, 12, 1)
    ),
    "GET /v1/me/cases": lambda node: node.me.cases(),
    f"GET /v1/cases/{ID}": lambda node: node.cases.read(ID),
    f"POST /v1/cases/{ID}/actions": lambda node: node.cases.act(CASE, ActionIn(action="approve")),
    f"POST /v1/cases/{ID}/evidence?kind=proof": lambda node: node.cases.add_evidence(
        ID, b"%PDF", kind="proof", media_type="application/pdf"
    ),
    f"GET /v1/cases/{ID}/evidence/{'0' * 64}": lambda node: node.cases.evidence(ID, "0" * 64),
    f"GET /v1/cases/{ID}/certificate": lambda node: node.cases.certificate(ID),
}


@pytest.mark.parametrize("route", CALLS)
def test_each_call_goes_to_its_route_and_writes_carry_a_key(node: Node, remote, route):
    remote.refuse_all = True
    with suppress(ClientError):
        answer = CALLS[route](node)
        if isinstance(answer, Iterator):
            next(answer)
    (asked,) = remote.asked
    wanted = urlsplit(route.partition(" ")[2])
    assert f"{asked.method} {asked.path.partition('?')[0]}" == route.partition("?")[0]
    assert parse_qsl(urlsplit(asked.path).query) == parse_qsl(wanted.query)
    assert (asked.key is not None) == (asked.method == "POST")
    assert resident(1) not in asked.path


def test_a_step_names_the_case_as_it_was_read(node: Node, remote):
    remote.answers[f"/v1/cases/{ID}/actions"] = JSONResponse(CASE.model_dump(mode="json"))
    assert node.cases.act(CASE, ActionIn(action="approve", basis="示信修〔2026〕3号")).steps == CASE.steps
    assert remote.asked[0].headers["if-match"] == '"2"'
    assert json.loads(remote.asked[0].body)["basis"] == "示信修〔2026〕3号"


def test_a_document_goes_as_it_is_and_comes_as_it_was(node: Node, remote):
    about = {"digest": "0" * 64, "kind": "proof", "media_type": "application/pdf", "size": 4, "at": STEP["at"]}
    remote.answers[f"/v1/cases/{ID}/evidence?kind=proof"] = JSONResponse(about, status_code=201)
    assert node.cases.add_evidence(ID, b"%PDF", kind="proof", media_type="application/pdf").size == 4
    assert (remote.asked[0].body, remote.asked[0].headers["content-type"]) == (b"%PDF", "application/pdf")


def test_many_subjects_are_asked_in_batches_and_rows_are_numbered_through(node: Node, remote):
    remote.screens = True
    subjects = [ScreenedIn.model_validate(SUBJECT) for _ in range(5)]
    answers = list(node.screenings.screen_many(subjects, matter="review", batch=2))
    assert [answer.row for answer in answers] == [1, 2, 3, 4, 5]
    assert [len(asked.body.splitlines()) for asked in remote.asked] == [2, 2, 1]
    assert all(resident(1).encode() in asked.body for asked in remote.asked)


def test_an_answer_short_of_a_subject_is_not_understood(node: Node, remote):
    remote.screens, remote.forgets = True, 1
    with pytest.raises(NotUnderstood, match="one answer for each"):
        list(node.screenings.screen_many([ScreenedIn.model_validate(SUBJECT)] * 3, matter="review"))


def read_subjects(file: Path) -> list[ScreenedIn]:
    return subjects_of(file, code_sets=lambda name: code_sets()[name])


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "gb18030"])
def test_kind_and_type_follow_from_each_other_or_from_the_number(tmp_path, charset):
    file = tmp_path / "subjects.csv"
    rows = [
        f"{resident(1)},,,某人",
        f"{uscc(1)},,,",
        "E12345678,,passport,",
        f"{uscc(2)},sole_trader,,",
        ",organisation,,某公司",
    ]
    file.write_bytes("\n".join(["number,kind,type,名称", *rows, "", ""]).encode(charset))
    found = [(each.kind, each.document and each.document.type, each.name is not None) for each in read_subjects(file)]
    assert found == [
        ("natural_person", "resident_id", True),
        ("organisation", "uscc", False),
        ("natural_person", "passport", False),
        ("sole_trader", "uscc", False),
        ("organisation", None, True),
    ]


def test_subjects_come_as_ndjson_too(tmp_path):
    file = tmp_path / "subjects.ndjson"
    file.write_text(f"{json.dumps(SUBJECT)}\n\n{json.dumps(ORGANISATION)}\n")
    assert [each.kind for each in read_subjects(file)] == ["natural_person", "organisation"]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (f"number\n{resident(1)}\n{resident(2)[:-1]}0\n", "Row 2"),
        (f"number,kind\n{resident(1)},person\n", "Row 1"),
        (f"number,number\n{resident(1)},1\n", "header"),
        (f"id\n{resident(1)}\n", "header"),
        (f"number,name\n{resident(1)},a,b\n", "Row 1"),
        ("number\n", "no subjects"),
        (f'{{"id": "{resident(1)}"}}\n', "Row 1"),
        (f"{{{resident(1)}\n", "Row 1"),
    ],
)
def test_a_file_that_cannot_be_screened_is_told_by_the_row_and_not_by_the_number(tmp_path, content, word):
    file = tmp_path / ("subjects.ndjson" if content.startswith("{") else "subjects.csv")
    file.write_text(content)
    with pytest.raises(Unsendable) as told:
        read_subjects(file)
    assert word in told.value.detail
    assert told.value.detail_zh
    assert resident(1)[:10] not in told.value.detail + told.value.detail_zh
