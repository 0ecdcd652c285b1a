"""A node that had people before decision 30: nine characters of a code find an organisation and make none."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from creditmesh.schemas.rules.numbers import organisation_check, uscc_check
from tests.ingestion.conftest import House, told
from tests.ingestion.rows import penalty
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
