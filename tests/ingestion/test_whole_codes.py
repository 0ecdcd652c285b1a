"""A node that had people before decision 30: nine characters of a code find an organisation and make none."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import orjson
import pytest

from creditmesh.chassis.vault.asked_for import KnownSubjects
from creditmesh.ingestion.operations.submitting import submission_run
from creditmesh.schemas.rules.numbers import organisation_check, uscc_check
from tests.ingestion.conftest import House, told
from tests.ingestion.entries import new_record
from tests.ingestion.rows import penalty
from tests.ingestion.test_copies import codes as copied
from tests.ingestion.test_copies import opened_feed
from tests.ingestion.test_subjects import ask, document


@pytest.fixture(autouse=True)
def upgraded(house: House) -> Iterator[None]:
    house.equipment.vault.upgraded = True
    yield
    house.equipment.vault.upgraded = False


def codes(verdict: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["code"], each["pointer"]) for each in verdict.get("reasons", ())]


def a_code(house: House) -> str:
    """Of which the nine characters have a check character of their own."""
    body = f"MA{house.number() % 1_000_000:06d}"
    first = f"91990000{body}{organisation_check(body)}"
    return first + uscc_check(first)


@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_row_with_nine_characters_is_refused_until_all_eighteen_are_known(house: House, *, dry_run: bool):
    whole, others = penalty(house.number(), CF_XDR_SHXYM=a_code(house)), [penalty(house.number()) for _ in range(2)]
    nine = penalty(house.number(), CF_XDR_SHXYM=whole["CF_XDR_SHXYM"][8:17])
    lines = (await house.submit([others[0], nine, others[1]], dry_run=dry_run)).content.splitlines()
    verdicts = [orjson.loads(line) for line in lines][:3]
    assert [each["verdict"] for each in verdicts] == ["accepted", "refused", "accepted"]
    assert codes(verdicts[1]) == [("whole_code_needed", "/CF_XDR_SHXYM")]
    assert nine["CF_XDR_SHXYM"] not in str(verdicts[1])
    await house.submit(whole)
    again, _ = told(await house.submit([nine]))
    assert again[0]["verdict"] == "accepted"


async def test_a_document_of_nine_characters_makes_no_subject(house: House):
    code = a_code(house)
    answer = await ask(house, document("organisation", "uscc", code[8:17]))
    assert (answer.status_code, [each["code"] for each in answer.json()["errors"]]) == (422, ["whole_code_needed"])
    whole = (await ask(house, document("organisation", "uscc", code))).json()
    assert (await ask(house, document("organisation", "uscc", code[8:17]))).json() == whole


async def before(house: House, subject: UUID, number: str, *, kind: str = "organisation") -> None:
    """The subject is known as the version before knew it: by its kind, document and number as it was written."""
    value = house.equipment.keys.mac("index", f"{kind}|uscc|{number}".encode())
    async with house.database.session() as session:
        await session.execute("update vault.identity set index = $1 where subject = $2", value, subject)
    house.equipment.vault._subjects = KnownSubjects(1000)


@pytest.mark.parametrize("kind", ["organisation", "sole_trader"])
async def test_a_record_that_was_accepted_under_nine_characters_is_found_by_them(house: House, kind: str):
    code = a_code(house)
    row = penalty(house.number(), CF_XDR_SHXYM=code[8:17])
    house.equipment.vault.upgraded = False
    (event,) = await house.events((await house.submit(row)).json()["record"])
    house.equipment.vault.upgraded = True
    await before(house, event.subject, code[8:17], kind=kind)
    assert (await house.submit(row, dry_run=True)).json()["verdict"] == "unchanged"
    assert (await house.submit(row)).json()["verdict"] == "unchanged"
    assert (await house.submit(row | {"CF_XDR_SHXYM": code})).json()["record"] == str(event.record)


async def test_a_copy_is_not_withheld_because_this_node_cannot_say_whose_nine_characters_are(province: House):
    code = a_code(province)
    feed, record = await opened_feed(province), new_record()
    row = penalty(province.number(), CF_XDR_SHXYM=code)
    province.equipment.vault.upgraded = True
    try:
        assert await copied(province, feed.entry(row, record=record)) == []
        (event,) = await province.events(record)
        await before(province, event.subject, code)
        nine = row | {"CF_XDR_SHXYM": code[8:17], "BZ": "更正"}
        refused = await copied(province, feed.entry(nine, record=record, rev=2, change="corrected"))
        assert refused == ["whole_code_needed"]
        assert [each.state for each in await province.events(record)] == ["published"], (
            "whose it is is known by the copy"
        )
        whole = feed.entry(row | {"BZ": "更正"}, record=record, rev=3, change="corrected")
        assert await copied(province, whole) == []
        assert [each.rev for each in await province.events(record)] == [1, 3]
    finally:
        province.equipment.vault.upgraded = False


@pytest.mark.parametrize("nine_first", [False, True])
async def test_in_a_file_nine_characters_are_found_by_all_eighteen_wherever_these_stand(
    house: House, monkeypatch: pytest.MonkeyPatch, *, nine_first: bool
):
    monkeypatch.setattr(submission_run, "CHUNK", 2)
    code = a_code(house)
    others = [penalty(house.number()) for _ in range(3)]
    ends = [penalty(house.number(), CF_XDR_SHXYM=each) for each in (code, code[8:17], a_code(house)[8:17])]
    rows = [ends[1], *others, ends[0], ends[2]] if nine_first else [ends[0], *others, ends[1], ends[2]]
    rehearsed = [orjson.loads(line) for line in (await house.submit(rows, dry_run=True)).content.splitlines()][:6]
    verdicts, _ = told(await house.submit(rows))
    for told_of in (rehearsed, verdicts):
        assert [each["verdict"] for each in told_of] == ["accepted"] * 5 + ["refused"]
        assert codes(told_of[5]) == [("whole_code_needed", "/CF_XDR_SHXYM")]
    records = [UUID(verdicts[place]["record"]) for place in (0, 4)]
    assert len({event.subject for record in records for event in await house.events(record)}) == 1
