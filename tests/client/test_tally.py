"""The summary of a file: what stands in it for people, at the width of their terminal."""

import io

import pytest
from rich.console import Console

from creditmesh.client.cli.tally import Tally
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.verdicts import Verdict


def refused(row: int, why: FieldError) -> Verdict:
    return Verdict(row=row, item="administrative_penalty", verdict="refused", reasons=(why,))


@pytest.mark.parametrize("code", ["decision_filler", "number_computed", "record_closed"])
def test_nothing_of_a_remedy_is_cut_off_at_80_columns(code: str):
    said = reason(code, "/CF_WSH", name="Decision number", name_zh="行政处罚决定书文号")
    tally = Tally()
    tally.add(refused(1, said))
    written = io.StringIO()
    for table in tally.tables():
        Console(file=written, width=80).print(table)
    shown = "".join(written.getvalue().split())
    assert "…" not in shown
    for character in "".join(said.detail_zh.split()):
        assert character in shown


def test_what_an_export_has_again_every_night_is_counted_apart_from_what_is_to_be_mended():
    tally = Tally()
    tally.add(refused(1, reason("record_closed")))
    tally.add(Verdict(row=2, item="administrative_penalty", verdict="unchanged", reasons=(reason("superseded"),)))
    assert (tally.closed, tally.superseded, tally.refused) == (1, 1, 0)
    tally.add(refused(3, reason("field_required", "/CF_WSH", name="Decision number", name_zh="文书号")))
    assert (tally.document()["refused"], tally.refused) == (2, 1)


def test_rows_that_are_told_different_things_are_counted_apart():
    facts = {"name": "Kind", "name_zh": "处罚类别", "code_set": "penalty_kind"}
    tally = Tally()
    for row, value in enumerate(("罚款", "警告", "罚款"), 1):
        tally.add(refused(row, reason("bad_code", "/CF_CFLB", nearest="", nearest_zh=f"最接近的：{value}。", **facts)))
    told = tally.document()["reasons"]
    assert [(each["rows"], each["detail_zh"][-3:-1]) for each in told] == [([1, 3], "罚款"), ([2], "警告")]
