"""A row that dates a stored decision otherwise moves all that counts from that day: somebody has to see it."""

import orjson
import pytest

from creditmesh.ingestion.operations.submitting import submission_run
from tests.ingestion.conftest import House, told
from tests.ingestion.rows import penalty, person_penalty
from tests.ingestion.test_one_decision import LICENCE, licence
from tests.ingestion.test_reviews import decide

MOVED = [("decision_day_moved", "/CF_JDRQ")]


def codes(verdict: dict) -> list[tuple[str, str]]:
    return [(reason["code"], reason["pointer"]) for reason in verdict.get("reasons", ())]


@pytest.mark.parametrize("day", ["2026-05-10", "2026-05-12", "2026-11-11"])
@pytest.mark.parametrize("more", [{}, {"CF_GSJZQ": "2026-12-01"}])
async def test_a_row_that_moves_the_day_of_its_decision_is_held_and_an_officer_releases_it(
    house: House, day: str, more: dict[str, str]
):
    """Also where it is shown until the same day: from when it may be repaired counts from the decision too."""
    row = person_penalty(house.number(), **more)
    record = (await house.submit(row)).json()["record"]
    dry = (await house.submit(row | {"CF_JDRQ": day}, dry_run=True)).json()
    answer = await house.submit(row | {"CF_JDRQ": day})
    assert answer.status_code == 202
    assert codes(dry) == codes(answer.json()) == MOVED
    assert [each.decided_on.isoformat() for each in await house.events(record)] == ["2026-05-11"]
    again = (await house.submit(row | {"CF_JDRQ": day})).json()
    assert again["review"] == answer.json()["review"]
    released = await decide(house, again["review"])
    assert (released.status_code, released.json()["verdict"]) == (201, "corrected")
    assert [each.decided_on.isoformat() for each in await house.events(record)] == ["2026-05-11", day]
    assert (await house.submit(row | {"CF_JDRQ": day})).json()["verdict"] == "unchanged"


async def test_other_corrections_are_not_held(house: House):
    row = penalty(house.number())
    await house.submit(row)
    for changed in ({"CF_SY": "更正"}, {"CF_CFLB": "警告", "CF_NR": "警告", "CF_NR_FK": ""}, {"CF_YXQ": "2026-12-31"}):
        assert (await house.submit(row | changed)).json()["verdict"] == "corrected"


async def test_a_licence_is_held_where_its_own_end_moves_with_the_day(house: House):
    """A licence is valid until its last day, whenever it was decided: nothing counts from that."""
    number = house.number()
    row = licence(number, certificate="示证甲号", decision=f"示许〔2026〕{number}号")
    await house.submit(row, item=LICENCE)
    moved = row | {"XK_JDRQ": "2026-05-12", "XK_YXQZ": "2026-05-12"}
    assert (await house.submit(moved, item=LICENCE)).json()["verdict"] == "corrected"
    until = moved | {"XK_JDRQ": "2026-05-13", "XK_YXQZ": "2026-05-13", "XK_YXQZI": "2027-05-12"}
    assert codes((await house.submit(until, item=LICENCE)).json()) == [("decision_day_moved", "/XK_JDRQ")]


@pytest.mark.parametrize("chunk", [1, 1000])
async def test_in_one_file_the_second_day_is_held_in_whatever_chunk_it_stands(
    house: House, monkeypatch: pytest.MonkeyPatch, chunk: int
):
    monkeypatch.setattr(submission_run, "CHUNK", chunk)
    row = penalty(house.number())
    rows = [row, row | {"CF_SY": "更正"}, row | {"CF_JDRQ": "2026-05-12"}]
    dry = [orjson.loads(line) for line in (await house.submit(rows, dry_run=True)).content.splitlines()]
    for verdicts in (dry, told(await house.submit(rows))[0]):
        assert [each["verdict"] for each in verdicts] == ["accepted", "corrected", "held"]
        assert codes(verdicts[2]) == MOVED


async def test_a_correction_with_if_match_that_moves_the_day_is_held_too(house: House):
    row = penalty(house.number())
    record = (await house.submit(row)).json()["record"]
    body = {"fields": row | {"CF_JDRQ": "2026-05-01"}, "reason": "error"}
    async with house.client() as client:
        answer = await client.post(f"/v1/records/{record}/corrections", json=body, headers={"If-Match": '"1"'})
    assert answer.status_code == 202
    assert codes(answer.json()) == MOVED
