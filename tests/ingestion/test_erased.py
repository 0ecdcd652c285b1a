"""Rows and records about somebody who was erased: nothing can be stored of them, and nobody else waits for that."""

from uuid import UUID

from tests.ingestion.conftest import House, told
from tests.ingestion.rows import penalty, person_penalty, resident
from tests.ingestion.test_records import correct, read
from tests.ingestion.test_reviews import decide
from tests.support.erasing import erase


async def erased(house: House, row: dict[str, str]) -> str:
    """A record made of this row, whose subject was erased since."""
    record = (await house.submit(row)).json()["record"]
    await erase(house.database, house.equipment.vault, (await house.events(record))[0].subject)
    return record


async def test_a_row_about_somebody_who_was_erased_is_refused_and_the_others_are_taken(house: House):
    gone, other = person_penalty(house.number()), person_penalty(house.number())
    await erased(house, gone)
    again = gone | {"CF_WSH": "示市监处罚〔2026〕9001号"}
    firm = penalty(house.number(), CF_FR_ZJLX="身份证", CF_FR_ZJHM=gone["CF_XDR_ZJHM"])
    verdicts, _ = told(await house.submit([again, other, firm]))
    assert [each["verdict"] for each in verdicts] == ["refused", "accepted", "refused"]
    assert {each["code"] for verdict in verdicts for each in verdict.get("reasons", ())} == {"subject_erased"}
    answer = await house.submit(again)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "subject_erased")


async def test_a_record_of_somebody_who_was_erased_is_read_without_what_was_sealed_and_not_corrected(house: House):
    row = person_penalty(house.number())
    record = await erased(house, row)
    answer = await read(house, record)
    assert answer.status_code == 200
    assert "CF_XDR_ZJHM" not in answer.json()["fields"]
    assert answer.json()["fields"]["CF_WSH"] == row["CF_WSH"]
    answer = await correct(house, record, row | {"BZ": "新"})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "subject_erased")


async def test_a_held_row_of_somebody_who_was_erased_is_shown_empty_and_not_released(house: House):
    number = resident(house.number())
    row = person_penalty(house.number(), CF_XDR_ZJHM=number, CF_NR_FK="2000")
    review = (await house.submit(row)).json()["review"]
    (kept,) = await house.fetch("select subject from ingestion.review where id = $1", UUID(review))
    await erase(house.database, house.equipment.vault, kept["subject"])
    assert (await decide(house, review)).status_code == 422
    assert (await decide(house, review, "refuse")).status_code == 200
