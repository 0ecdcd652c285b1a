"""The summary of a file: what stands in it for people, at the width of their terminal."""

import io

import pytest
from rich.console import Console

from creditmesh.client.cli import say
from creditmesh.client.cli.tally import Tally
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.verdicts import Verdict


def refused(row: int, why: FieldError) -> Verdict:
    return Verdict(row=row, item="administrative_penalty", verdict="refused", reasons=(why,))


@pytest.mark.parametrize("code", ["decision_filler", "number_computed", "record_closed"])
def test_nothing_of_a_remedy_is_cut_off_at_80_columns(code: str, monkeypatch: pytest.MonkeyPatch):
    said = reason(code, "/CF_WSH", name="Decision number", name_zh="行政处罚决定书文号")
    tally = Tally()
    tally.add(refused(1, said))
    written = io.StringIO()
    monkeypatch.setattr(say, "answers", Console(file=written, width=80, force_terminal=True, soft_wrap=True))
    for table in tally.tables():
        say.table(table)
    shown = "".join(written.getvalue().split())
    assert "…" not in shown
    for character in "".join(said.detail_zh.split()):
        assert character in shown


def test_rows_that_are_told_different_things_are_counted_apart():
    facts = {"name": "Kind", "name_zh": "处罚类别", "code_set": "penalty_kind", "values": "警告", "values_zh": "警告"}
    tally = Tally()
    for row, value in enumerate(("罚款", "警告", "罚款"), 1):
        tally.add(refused(row, reason("bad_code", "/CF_CFLB", nearest="", nearest_zh=f"最接近的：{value}。", **facts)))
    told = tally.document()["reasons"]
    assert [(each["rows"], each["detail_zh"][-3:-1]) for each in told] == [([1, 3], "罚款"), ([2], "警告")]


def test_rows_that_go_back_and_rows_of_ended_records_have_counts_of_their_own():
    tally = Tally()
    for number, code in enumerate(("same", "superseded", "superseded", "record_ended"), start=1):
        tally.add(Verdict(row=number, item="administrative_penalty", verdict="unchanged", reasons=(reason(code),)))
    assert tally.noticed == {"superseded": 2, "record_ended": 1}
    assert tally.document()["noticed"] == tally.noticed
