"""The Chinese words that the command shows beside the API's: the glossary's, and those of what a value is of."""

from datetime import date
from typing import get_args
from uuid import uuid4

import pytest

from creditmesh.client.cli import show
from creditmesh.client.cli.words import NAMES, VALUES, kind_of, worded
from creditmesh.schemas.cases import CaseEntry
from creditmesh.schemas.records import ReviewEntry
from creditmesh.schemas.verdicts import Verdict
from tests.architecture.test_glossary import ROWS

GLOSSARY = {row[0]: row[1] for row in ROWS}
CALLED = {
    "accesses": "access log", "bureau": "bureau", "display_from": "display period", "display_until": "display period",
    "issuer": "issuing body", "item": "item", "items": "item", "mark": "mark", "matter": "matter", "measure": "measure",
    "party": "party", "purpose": "purpose", "record": "record", "records": "record", "rev": "revision",
    "row": "row", "subject": "subject", "submission": "submission", "verdict": "verdict", "code_set": "code set",
}  # fmt: skip
"""Names of the API, and what the glossary calls these in English."""


@pytest.mark.parametrize("name", CALLED)
def test_a_name_is_shown_with_the_glossarys_word(name: str):
    assert NAMES[name].startswith(GLOSSARY[CALLED[name]])


@pytest.mark.parametrize("kind", VALUES)
def test_every_value_of_a_kind_has_a_word_of_its_own(kind: object):
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
