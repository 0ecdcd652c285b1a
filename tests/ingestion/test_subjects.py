"""The operator's tools find the subject of a document; nobody outside can ask."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import httpx
import pytest

from creditmesh.chassis.context import Context
from creditmesh.chassis.http.app import operator_app
from creditmesh.schemas.identifiers import DocumentType, SubjectKind
from creditmesh.schemas.rules.identity import USCC_PLACEHOLDER, Identity, identify
from tests.ingestion.conftest import OFFICER, House
from tests.ingestion.rows import penalty, person_penalty, resident, uscc

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


async def test_a_doubtful_number_is_somebodys_once_a_row_is_released_or_an_officer_confirms_it(house: House):
    slips = [slip(house) for _ in range(3)]
    confirmed = slips[2]
    reviews = [(await house.submit(penalty(house.number(), CF_XDR_SHXYM=each))).json()["review"] for each in slips[:2]]
    await ask(house, document("organisation", "uscc", confirmed))
    assert await known(house, slips) == [False, False, False], "what is held, or looked up, makes nobody known"
    async with house.client(OFFICER) as client:
        (await client.post(f"/v1/reviews/{reviews[0]}/decision", json={"decision": "refuse"})).raise_for_status()
        (await client.post(f"/v1/reviews/{reviews[1]}/decision", json={"decision": "release"})).raise_for_status()
        answer = await client.post("/v1/subjects/confirmations", json=document("organisation", "uscc", confirmed))
        assert answer.status_code == 204, answer.text
    assert await known(house, slips) == [False, True, True]
    kept = [each for each in await house.accesses() if each["purpose"] == "number_confirmed"]
    assert [(each["officer"], each["party"]) for each in kept[-1:]] == [(OFFICER.officer, OFFICER.party)]


async def test_a_number_is_confirmed_by_a_named_officer_and_says_nothing_of_the_kind_of_whom_it_is_accepted(
    house: House,
):
    async with house.client() as client:
        answer = await client.post("/v1/subjects/confirmations", json=document("organisation", "uscc", slip(house)))
        assert (answer.status_code, answer.json()["code"]) == (403, "officer_needed")
    trader = uscc(house.number(), head="92")
    row = penalty(house.number(), CF_XDR_SHXYM=trader, CF_XDR_LB="个体工商户")
    (event,) = await house.events((await house.submit(row)).json()["record"])
    assert await kind_of(house, event.subject) == "sole_trader"
    async with house.client(OFFICER) as client:
        asked = document("organisation", "uscc", trader[8:17])
        assert (await client.post("/v1/subjects/confirmations", json=asked)).status_code == 204
        bad = await client.post("/v1/subjects/confirmations", json=document("organisation", "uscc", "不详"))
        assert (bad.status_code, bad.json()["code"]) == (422, "bad_document")
    assert await kind_of(house, event.subject) == "sole_trader"


async def test_a_confirmation_waits_for_what_is_being_accepted_and_leaves_its_kind(house: House):
    trader = uscc(house.number(), head="92")
    whole = identified("sole_trader", "uscc", trader)
    (subject,) = await house.equipment.vault.resolve([whole])
    accepting = Context(house.equipment)
    await accepting.lock([subject])
    await house.equipment.vault.know(await accepting.session(), {subject: "sole_trader"})
    async with house.client(OFFICER) as client:
        asked = document("organisation", "uscc", trader[8:17])
        confirming = asyncio.create_task(client.post("/v1/subjects/confirmations", json=asked))
        await asyncio.wait([confirming], timeout=1)
        await accepting.commit()
        assert (await confirming).status_code == 204
    assert await kind_of(house, subject) == "sole_trader"


async def test_nothing_that_was_only_sent_says_of_which_kind_somebody_is(house: House):
    row = penalty(house.number(), CF_XDR_SHXYM=slip(house), CF_XDR_LB="个体工商户")
    assert (await house.submit(row)).json()["verdict"] == "held"
    accepted = person_penalty(house.number())
    await house.submit(accepted, dry_run=True)
    (subject,) = await house.equipment.vault.resolve(
        [identified("natural_person", "resident_id", accepted["CF_XDR_ZJHM"])]
    )
    assert await kind_of(house, subject) is None, "a dry run"
    await house.submit(accepted)
    assert await kind_of(house, subject) == "natural_person"


def slip(house: House) -> str:
    number = uscc(house.number())
    return number[:17] + ("0" if number[17] != "0" else "1")


def identified(kind: SubjectKind, form: DocumentType, number: str) -> Identity:
    found = identify(kind, form, number)
    assert isinstance(found, Identity)
    return found


async def known(house: House, numbers: Sequence[str]) -> list[bool]:
    found = await house.equipment.vault.known([identified("organisation", "uscc", number) for number in numbers])
    return [each is not None for each in found]


async def kind_of(house: House, subject: UUID) -> str | None:
    return (await house.equipment.vault.kinds([subject])).get(subject)


async def test_a_number_with_a_wrong_check_digit_is_nobodys_unless_somebody_is_known_by_it(house: House):
    right = resident(house.number())
    wrong = right[:-1] + ("1" if right[-1] != "1" else "2")
    subjects = await house.fetch("select count(*) from vault.subject")
    answer = await ask(house, document("natural_person", "resident_id", wrong))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "doubtful_number")
    assert "row" not in answer.json()["detail"]
    assert await house.fetch("select count(*) from vault.subject") == subjects
    body = document("natural_person", "resident_id", wrong)
    async with house.client(OFFICER) as client:
        assert (await client.post("/v1/subjects/confirmations", json=body)).status_code < 300
    assert (await ask(house, body)).status_code == 200
