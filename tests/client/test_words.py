"""The Chinese words that the command shows beside the API's: the glossary's, and those of what a value is of."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import get_args
from uuid import uuid4

import pytest

import creditmesh.client
from creditmesh.client.cli import show
from creditmesh.client.cli.words import NAMES, VALUES, kind_of, worded
from creditmesh.schemas.cases import CaseEntry
from creditmesh.schemas.events.access import AccessOutcome
from creditmesh.schemas.events.case import CaseState
from creditmesh.schemas.queries import AuthorisationState
from creditmesh.schemas.records import ReviewEntry, ReviewState, SubmissionState
from creditmesh.schemas.tasks import TaskState
from creditmesh.schemas.verdicts import Verdict, VerdictWord
from creditmesh.schemas.words import RecordState
from tests.architecture.test_glossary import ROWS

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "client.md"
GLOSSARY = {row[0]: row[1] for row in ROWS}
KINDS = {
    AccessOutcome: "an access", AuthorisationState: "an authorisation", CaseState: "a case", RecordState: "a record",
    ReviewState: "a held row", SubmissionState: "a submission", TaskState: "a task", VerdictWord: "a row",
}  # fmt: skip
"""What the values are of, as the glossary tells two senses of a word apart: `refused (a case)`."""
CALLED = {
    "accesses": "access log", "bureau": "bureau", "display_from": "display period", "display_until": "display period",
    "issuer": "issuing body", "item": "item", "items": "item", "mark": "mark", "matter": "matter", "measure": "measure",
    "party": "party", "purpose": "purpose", "record": "record", "records": "record", "rev": "revision",
    "row": "row", "subject": "subject", "submission": "submission", "verdict": "verdict", "code_set": "code set",
}  # fmt: skip
"""Names of the API that the glossary calls otherwise in English."""


def row_of(name: str) -> str | None:
    """The glossary's row of a name of the API."""
    spoken = name.replace("_", " ")
    return CALLED.get(name) or next((each for each in (spoken, spoken.removesuffix("s")) if each in GLOSSARY), None)


def called(kind: object, value: str) -> str | None:
    """What the glossary calls a value of a kind."""
    return GLOSSARY.get(f"{value} ({KINDS[kind]})") or GLOSSARY.get(value.replace("_", " "))


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_shown_with_the_glossarys_word(name: str):
    row = row_of(name)
    assert row is None or NAMES[name].startswith(GLOSSARY[row])


def test_the_glossary_has_a_good_part_of_the_names():
    assert {"officer", "origin", "authorisations", "evidence"} - {name for name in NAMES if row_of(name)} == {
        "evidence"
    }
    assert set(CALLED) <= set(NAMES)


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind in VALUES for value in VALUES[kind]])
def test_a_value_is_shown_with_the_glossarys_word(kind: object, value: str):
    assert called(kind, value) in {None, VALUES[kind][value]}


def test_a_word_of_two_senses_has_a_row_of_the_glossary_for_each():
    senses = {}
    for kind, words in VALUES.items():
        for value, word in words.items():
            senses.setdefault(value, {})[kind] = word
    apart = {value: found for value, found in senses.items() if len(set(found.values())) > 1}
    assert {"accepted", "refused", "released", "revoked"} <= set(apart)
    assert [(value, KINDS[kind]) for value, found in apart.items() for kind in found if not called(kind, value)] == []


def test_the_guide_calls_a_verdict_what_the_command_does():
    rows = re.findall(r"^\| `(\w+)` \| (\S+) \|", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {verdict: word for verdict, word in rows if verdict in VALUES[VerdictWord]} == VALUES[VerdictWord]


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_of_a_kind_has_a_word_of_its_own(kind: object):
    """The command knows a kind by its values, without the model that has it."""
    assert set(VALUES[kind]) == set(get_args(kind))
    assert len(set(VALUES[kind].values())) == len(VALUES[kind])


def test_a_value_is_worded_by_what_it_is_of():
    assert worded(kind_of(Verdict, "verdict"), "accepted") == "新增 accepted"
    assert worded(kind_of(CaseEntry, "state"), "accepted") == "已受理 accepted"
    assert worded(kind_of(ReviewEntry, "state"), "refused") == "审核不通过 refused"
    assert worded(kind_of(Verdict, "row"), 3) == "3"
    assert worded(None, "accepted") == "accepted"


def test_a_case_in_a_list_and_shown_whole_is_accepted_and_no_new_record(capsys: pytest.CaptureFixture[str]):
    day = date(2026, 11, 30)
    case = CaseEntry.model_construct(case=uuid4(), kind="objection", state="accepted", filed_on=day)
    show.many([case], ("case", "state"), as_json=False)
    show.one(case, as_json=False)
    said = capsys.readouterr().out
    assert said.count("已受理 accepted") == 2
    assert "新增" not in said


def takers_of(name: str) -> Iterator[str]:
    """The classes and methods that the client's modules make public and that take a parameter of that name."""
    for module in pkgutil.iter_modules(creditmesh.client.__path__, "creditmesh.client."):
        for place, each in vars(importlib.import_module(module.name)).items():
            if inspect.isclass(each) and each.__module__ == module.name and not place.startswith("_"):
                called = {place: each} | {f"{place}.{m}": f for m, f in vars(each).items() if inspect.isfunction(f)}
                yield from (at for at, f in called.items() if name in inspect.signature(f).parameters)


def test_a_key_is_the_credential_and_an_idempotency_key_has_its_own_name():
    assert {each.removesuffix(".__init__") for each in takers_of("key")} == {"Node", "Wire"}
    assert {"Records.submit", "Records.submit_file", "Queries.ask", "Cases.act", "Submission"} < {
        *takers_of("idempotency_key")
    }
