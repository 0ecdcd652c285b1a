"""Rows go in and every one gets its verdict."""

from tests.ingestion.conftest import House
from tests.ingestion.rows import penalty


async def test_one_object_is_accepted_then_unchanged_then_corrected(house: House):
    row = penalty(house.number())
    first = await house.submit(row)
    assert first.status_code == 201, first.text
    verdict = first.json()
    assert (verdict["verdict"], verdict["revision"]) == ("accepted", 1)
    assert first.headers["location"] == f"/v1/records/{verdict['record']}"
    again = await house.submit(row)
    assert again.status_code == 200, again.text
    assert [reason["code"] for reason in again.json()["reasons"]] == ["same"]
    other = await house.submit(row | {"CF_SY": "另有事实。"})
    assert other.status_code == 201
    assert (other.json()["verdict"], other.json()["record"], other.json()["revision"]) == (
        "corrected",
        verdict["record"],
        2,
    )
