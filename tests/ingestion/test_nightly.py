"""What a night's export has beside news: nothing at all, other marks, amounts as programs write them."""

import pytest

from tests.ingestion.conftest import House, told
from tests.ingestion.rows import penalty

HEADER = ",".join(penalty()).encode() + b"\n"


@pytest.mark.parametrize(
    ("body", "kind"), [(HEADER, "text/csv"), (HEADER + b"\n\n", "text/csv"), (b"[]", "application/json")]
)
async def test_a_day_without_decisions_is_a_submission_of_no_rows_with_its_receipt(
    house: House, body: bytes, kind: str
):
    answer = await house.submit(body, kind=kind, key=f"nothing-{len(body)}")
    verdicts, receipt = told(answer)
    assert (verdicts, receipt["rows"], receipt["accepted"]) == ([], 0, 0)
    again = await house.submit(body, kind=kind, key=f"nothing-{len(body)}")
    assert (again.content, again.headers["idempotency-replayed"]) == (answer.content, "true")
    async with house.client() as client:
        stands = (await client.get(answer.headers["location"])).json()
        kept = await client.get(f"{answer.headers['location']}/receipt")
        lines = await client.get(f"{answer.headers['location']}/verdicts")
    assert (stands["state"], stands["done"], stands["total"]) == ("done", 0, 0)
    assert (kept.content.strip(), lines.content) == (answer.content.strip(), b"")


@pytest.mark.parametrize(("body", "kind"), [(b"", "text/csv"), (b"\n\n", "application/x-ndjson")])
async def test_what_has_neither_header_nor_row_is_no_submission(house: House, body: bytes, kind: str):
    before = await house.count()
    assert (await house.submit(body, kind=kind)).status_code == 400
    assert await house.count() == before


@pytest.mark.parametrize("mark", ["|", "，", "^"])
async def test_columns_that_another_mark_separates_are_one_fault_of_the_file(house: House, mark: str):
    row = penalty(house.number())
    body = "\n".join((mark.join(row), mark.join(row.values()))).encode()
    answer = await house.submit(body, kind="text/csv")
    assert (answer.status_code, answer.json()["code"], answer.json()["errors"]) == (422, "bad_header", [])
    assert mark in answer.json()["detail"]
    assert mark in answer.json()["detail_zh"]


async def test_a_value_outside_its_code_set_is_answered_with_the_values_or_where_they_are(house: House):
    few = (await house.submit(penalty(house.number(), CF_XDR_LB="公司"))).json()["errors"][0]
    assert (few["code"], "个体工商户" in few["detail_zh"], "自然人" in few["detail"]) == ("bad_code", True, True)


@pytest.mark.parametrize(("amount", "taken"), [(".5", True), ("1,5", False), ("1.5E+3", False)])
async def test_an_amount_is_read_or_refused_with_how_to_write_it(house: House, amount: str, taken):
    row = penalty(house.number(), CF_NR="罚款5000元", CF_NR_FK=amount)
    answer = await house.submit(row)
    if taken:
        assert answer.status_code == 201, answer.text
        return
    (error,) = answer.json()["errors"]
    assert (error["code"], "0.5" in error["detail"], "0.5" in error["detail_zh"]) == ("bad_decimal", True, True)
