"""Two codes of 18 characters with one organisation code are one body's: somebody has to look up which is right."""

import orjson
import pytest

from creditmesh.ingestion.operations.submitting import submission_run
from creditmesh.schemas.rules.numbers import uscc_check
from tests.ingestion.conftest import House, told
from tests.ingestion.rows import penalty
from tests.ingestion.test_reviews import decide
from tests.ingestion.test_whole_codes import a_code, codes


def other_head(code: str, head: str) -> str:
    """A valid code of 18 characters with the same organisation code."""
    first = head + code[len(head) : 17]
    return first + uscc_check(first)


@pytest.mark.parametrize("head", ["91110000", "12"])
async def test_another_code_with_the_same_organisation_code_is_held_and_is_no_other_once_an_officer_released_it(
    house: House, head: str
):
    code = a_code(house)
    other = other_head(code, head)
    first = (await house.submit(penalty(house.number(), CF_XDR_SHXYM=code))).json()
    row = penalty(house.number(), CF_XDR_SHXYM=other)
    dry, answer = await house.submit(row, dry_run=True), await house.submit(row)
    assert answer.status_code == 202
    assert codes(answer.json()) == codes(dry.json()) == [("another_code", "/CF_XDR_SHXYM")]
    released = await decide(house, answer.json()["review"])
    assert (released.status_code, released.json()["verdict"]) == (201, "accepted")
    events = [(await house.events(record))[0] for record in (first["record"], released.json()["record"])]
    assert len({event.subject for event in events}) == 1
    for known in (other, code, code[8:17]):
        answer = await house.submit(penalty(house.number(), CF_XDR_SHXYM=known))
        assert (answer.status_code, answer.json()["verdict"]) == (201, "accepted")


async def test_a_traders_code_with_a_companys_organisation_code_changes_nobodys_kind_unseen(house: House):
    """Of which kind a subject is, is told by the newest that was accepted."""
    code = a_code(house)
    (event,) = await house.events((await house.submit(penalty(house.number(), CF_XDR_SHXYM=code))).json()["record"])
    row = penalty(house.number(), CF_XDR_SHXYM=other_head(code, "92"), CF_XDR_LB="个体工商户")
    answer = await house.submit([row, penalty(house.number())])
    assert [each["verdict"] for each in told(answer)[0]] == ["held", "accepted"]
    assert await house.equipment.vault.kinds([event.subject]) == {event.subject: "organisation"}


@pytest.mark.parametrize("chunk", [1, 1000])
async def test_two_codes_of_one_body_in_one_file_are_seen_too(
    house: House, monkeypatch: pytest.MonkeyPatch, chunk: int
):
    monkeypatch.setattr(submission_run, "CHUNK", chunk)
    code = a_code(house)
    rows = [penalty(house.number(), CF_XDR_SHXYM=each) for each in (code, other_head(code, "12"), code)]
    dry = [orjson.loads(line) for line in (await house.submit(rows, dry_run=True)).content.splitlines()]
    for verdicts in (dry, told(await house.submit(rows))[0]):
        assert [each["verdict"] for each in verdicts] == ["accepted", "held", "accepted"]
