"""The operator's tools find the subject of a document; nobody outside can ask."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from creditmesh.chassis.http.app import operator_app
from creditmesh.schemas.rules.identity import USCC_PLACEHOLDER
from tests.ingestion.conftest import OFFICER, House
from tests.ingestion.rows import person_penalty, resident, uscc

SECRET = "of this test"


async def ask(house: House, body: Any, *, secret: str = SECRET) -> httpx.Response:
    transport = httpx.ASGITransport(operator_app(house.equipment, SECRET))
    headers = {"Authorization": f"Bearer {secret}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://node", headers=headers) as client:
        return await client.post("/internal/subjects", json=body)


def document(kind: str, form: str, number: str) -> dict[str, Any]:
    return {"kind": kind, "document": {"type": form, "number": number}}


async def test_a_document_leads_to_the_subject_of_the_records(house: House):
    row = person_penalty(house.number())
    record = (await house.submit(row)).json()["record"]
    wide = row["CF_XDR_ZJHM"].translate({0x30 + n: 0xFF10 + n for n in range(10)})
    for number in (row["CF_XDR_ZJHM"], wide, f" {row['CF_XDR_ZJHM'].lower()} "):
        answer = await ask(house, document("natural_person", "resident_id", number))
        assert answer.status_code == 200, answer.text
        assert UUID(answer.json()["subject"]) == (await house.events(record))[0].subject


async def test_somebody_without_a_record_gets_a_subject_too(house: House):
    number = resident(house.number())
    first = await ask(house, document("natural_person", "resident_id", number))
    again = await ask(house, document("natural_person", "resident_id", number))
    assert first.json() == again.json()
    kept = [each for each in await house.accesses() if each["subject"] == first.json()["subject"]]
    assert [(each["caller"], each["purpose"], each["outcome"]) for each in kept] == [
        ("operator", "resolve_subject", "released")
    ] * 2


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (document("natural_person", "resident_id", "9900001985"), "number_shape"),
        (document("natural_person", "passport", "见附件"), "number_filler"),
        (document("natural_person", "resident_id", "9900001985****1234"), "number_masked"),
        (document("sole_trader", "registration", "9.9E+14"), "number_computed"),
        (document("organisation", "uscc", USCC_PLACEHOLDER), "placeholder_needs_registration"),
        (document("natural_person", "uscc", uscc(5)), "kind_number_mismatch"),
        (document("sole_trader", "uscc", uscc(5)), "kind_number_mismatch"),
    ],
)
async def test_a_document_that_identifies_nobody_is_refused_without_its_number(house: House, body: Any, code: str):
    answer = await ask(house, body)
    assert (answer.status_code, answer.json()["code"], answer.json()["errors"][0]["code"]) == (
        422,
        "bad_document",
        code,
    )
    assert body["document"]["number"] not in answer.text


async def test_the_route_is_not_there_for_callers_of_the_gateway(house: House):
    body = document("natural_person", "resident_id", resident(1))
    async with house.client(OFFICER) as client:
        assert (await client.post("/internal/subjects", json=body)).status_code == 404
    assert (await ask(house, body, secret="another")).status_code == 401
