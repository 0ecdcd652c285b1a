"""What a person permits a bureau: given, listed, looked at, used, taken back, and by whom it is read."""

import asyncio
from base64 import urlsafe_b64decode
from datetime import date
from uuid import uuid4

import pytest

from tests.query.asking import authorised, by_authorisation, get, somebody
from tests.query.conftest import (
    ITEMS,
    House,
    a_trader,
    an_organisation,
    bureau,
    person,
    the_same_as_a_company,
)
from tests.query.samples import a_directory, a_record, an_item


async def test_an_authorisation_is_signed_listed_used_and_taken_back(catalogue: House):
    identity, subject = await somebody(catalogue)
    given = await authorised(catalogue, subject)
    await by_authorisation(catalogue, identity, given)
    (mine,) = (await get(catalogue, person(subject), "/v1/me/authorisations")).json()["items"]
    assert (mine["id"], mine["uses"], mine["state"]) == (given, 1, "active")
    held = (await get(catalogue, bureau(), f"/v1/authorisations/{given}")).json()
    assert held == mine
    async with catalogue.client(bureau()) as client:
        assert (await client.post("/v1/authorisations", json={"token": mine["token"]})).json() == mine
    async with catalogue.client(person(subject)) as client:
        await client.delete(f"/v1/me/authorisations/{given}")
    assert (await get(catalogue, bureau(), f"/v1/authorisations/{given}")).json()["state"] == "revoked"


async def test_another_partys_authorisation_reads_like_none(catalogue: House):
    _, subject = await somebody(catalogue)
    _, other = await somebody(catalogue)
    given = await authorised(catalogue, subject)
    token = (await get(catalogue, bureau(), f"/v1/authorisations/{given}")).json()["token"]
    answers = [
        await get(catalogue, bureau("bureau_b"), f"/v1/authorisations/{given}"),
        await get(catalogue, bureau("bureau_b"), f"/v1/authorisations/{uuid4()}"),
    ]
    async with catalogue.client(bureau("bureau_b")) as client:
        answers += [await client.post("/v1/authorisations", json={"token": text}) for text in (token, "a.b.c")]
    async with catalogue.client(person(other)) as client:
        answers += [await client.delete(f"/v1/me/authorisations/{each}") for each in (given, uuid4())]
    assert {(answer.status_code, answer.text) for answer in answers} == {(404, answers[0].text)}


async def test_who_tried_anothers_authorisation_is_in_the_persons_log_and_so_is_who_looked_at_their_own(
    catalogue: House,
):
    _, subject = await somebody(catalogue)
    given = await authorised(catalogue, subject)
    token = (await get(catalogue, bureau(), f"/v1/authorisations/{given}")).json()["token"]
    await get(catalogue, bureau("bureau_b"), f"/v1/authorisations/{given}")
    async with catalogue.client(bureau("bureau_b")) as client:
        await client.post("/v1/authorisations", json={"token": token})
    _, other = await somebody(catalogue)
    async with catalogue.client(person(other)) as client:
        assert (await client.delete(f"/v1/me/authorisations/{given}")).status_code == 404
    lines = await catalogue.log_of(subject)
    assert [(line["party"], line["outcome"], line["reason"], line["authorisation"]) for line in lines] == [
        (None, "refused", "not_found", given),
        ("bureau_b", "refused", "not_found", given),
        ("bureau_b", "refused", "not_found", given),
        ("bureau_a", "released", None, given),
    ]


async def test_looking_at_what_one_permitted_is_in_the_log_too(catalogue: House):
    _, subject = await somebody(catalogue)
    await get(catalogue, person(subject), "/v1/me/authorisations")
    (line,) = await catalogue.log_of(subject)
    assert (line["purpose"], line["ground"], line["caller"]) == ("own_authorisations", "self", "subject")


async def test_two_bureaus_know_the_person_by_two_handles_and_neither_is_the_nodes(catalogue: House):
    _, subject = await somebody(catalogue)
    texts = []
    for party in ("bureau_a", "bureau_b"):
        given = await authorised(catalogue, subject, bureau=party)
        token = (await get(catalogue, bureau(party), f"/v1/authorisations/{given}")).json()["token"]
        texts.append(urlsafe_b64decode(token.split(".")[1] + "==").decode())
    assert str(subject) not in texts[0] + texts[1]
    handles = [text.split('"sub":"')[1].split('"')[0] for text in texts]
    assert handles[0] != handles[1]


async def test_giving_twice_with_one_key_gives_once(catalogue: House):
    _, subject = await somebody(catalogue)
    body = {"bureau": "bureau_a", "purpose": "loan", "items": ["penalty"], "valid_until": "2026-06-01"}
    async with catalogue.client(person(subject)) as client:
        sent = [
            client.post("/v1/me/authorisations", json=body, headers={"Idempotency-Key": f"g-{subject}"})
            for _ in range(4)
        ]
        answers = await asyncio.gather(*sent)
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["id"] for answer in answers}) == 1
        assert len((await client.get("/v1/me/authorisations")).json()["items"]) == 1
        other = await client.post(
            "/v1/me/authorisations", json=body | {"max_uses": 2}, headers={"Idempotency-Key": f"g-{subject}"}
        )
    assert other.status_code == 422


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"bureau": "nobody"}, "/bureau"),
        ({"bureau": "library"}, "/purpose"),
        ({"purpose": "duty"}, "/purpose"),
        ({"purpose": "curiosity"}, "/purpose"),
        ({"items": ["penalty", "weather"]}, "/items/1"),
        ({"items": []}, "/items"),
        ({"valid_from": "2026-05-03"}, "/valid_from"),
        ({"valid_until": "2026-05-04"}, "/valid_until"),
        ({"valid_until": "2028-05-04"}, "/valid_until"),
        ({"max_uses": 0}, "/max_uses"),
        ({"subject": "x"}, "/subject"),
    ],
)
async def test_what_cannot_be_authorised_names_the_field(catalogue: House, change, pointer):
    _, subject = await somebody(catalogue)
    body = {"bureau": "bureau_a", "purpose": "loan", "items": ["penalty"], "valid_until": "2026-06-01"} | change
    async with catalogue.client(person(subject)) as client:
        answer = await client.post("/v1/me/authorisations", json=body)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert error["detail"]
    assert error["detail_zh"]


async def test_what_is_never_released_on_an_authorisation_cannot_be_authorised(catalogue: House):
    kept_in = an_item("internal", disclosure="sharing", by_kind={"sole_trader": "sharing"})
    catalogue.follow(a_directory((*ITEMS, kept_in)))
    _, subject = await somebody(catalogue)
    body = {"bureau": "bureau_a", "purpose": "loan", "items": ["penalty", "internal"], "valid_until": "2026-06-01"}
    async with catalogue.client(person(subject)) as client:
        answer = await client.post("/v1/me/authorisations", json=body)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"], bool(error["detail_zh"])) == ("/items/1", "not_disclosed", True)


async def test_what_may_be_authorised_is_judged_by_the_subjects_own_kind(catalogue: House):
    """Open for bodies and shared within government of people: a person's authorisation of it would release nothing."""
    mixed = an_item("internal", disclosure="public", by_kind={"natural_person": "sharing"})
    bodies = an_item("of_bodies").model_copy(update={"kinds": ("organisation",)})
    catalogue.follow(a_directory((*ITEMS, mixed, bodies)))
    _, somebody_known = await somebody(catalogue)
    await catalogue.know(somebody_known, "natural_person")
    body = {"bureau": "bureau_a", "purpose": "loan", "items": ["internal", "of_bodies"], "valid_until": "2026-06-01"}
    async with catalogue.client(person(somebody_known)) as client:
        answer = await client.post("/v1/me/authorisations", json=body)
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [
        ("/items/0", "not_disclosed"), ("/items/1", "not_disclosed"),
    ]  # fmt: skip
    async with catalogue.client(person(await catalogue.subject(an_organisation()))) as client:
        assert (await client.post("/v1/me/authorisations", json=body)).status_code == 201


async def test_whoever_asks_first_does_not_say_what_a_company_may_authorise(catalogue: House):
    """Its code reads as a sole trader's with another second character and check character: one of one body."""
    trader = a_trader()
    assert (await by_authorisation(catalogue, trader, None)).status_code == 403
    company = await catalogue.subject(the_same_as_a_company(trader))
    catalogue.follow(a_directory((*ITEMS, an_item("internal", by_kind={"sole_trader": "sharing"}))))
    body = {"bureau": "bureau_a", "purpose": "loan", "items": ["internal"], "valid_until": "2026-06-01"}
    for known in (False, True):
        if known:
            await catalogue.know(company, "organisation")
        async with catalogue.client(person(company)) as client:
            assert (await client.post("/v1/me/authorisations", json=body)).status_code == 201


async def test_a_tampered_authorisation_row_gives_nothing(catalogue: House):
    identity, subject = await somebody(catalogue)
    given = await authorised(catalogue, subject)
    async with catalogue.database.session() as session:
        await session.execute("update query.authorisation set bureau = 'bureau_b' where id = $1", given)
    answer = await by_authorisation(catalogue, identity, given, caller=bureau("bureau_b"))
    assert answer.status_code == 403


async def test_a_day_is_a_day_of_the_law(catalogue: House):
    identity, subject = await somebody(catalogue)
    given = await authorised(catalogue, subject, valid_until="2026-05-10")
    await catalogue.load(a_record(subject=subject, kind="natural_person"))
    for day, status in ((date(2026, 5, 9), 200), (date(2026, 5, 10), 403)):
        catalogue.on(day)
        assert (await by_authorisation(catalogue, identity, given)).status_code == status
