"""Every disclosure and every refusal, in whatever service, is found by the person it concerns at their own door."""

from typing import Any

import pytest

from tests.support.cast import BY_MATTER, ITEM, Cast, asked, assembled, penalty, resident, with_belongings
from tests.support.node import TestNode

LOOKED_UP = (None, "resolve_subject", "released", None)
"""The operator's look-up of somebody who is given a token."""


@pytest.fixture(scope="module")
async def everybody(node: TestNode) -> Cast:
    return await with_belongings(await assembled(node))


async def lines(cast: Cast, name: str) -> list[dict[str, Any]]:
    """The person's log, oldest first, without their own looks at it."""
    await cast.node.settled()
    found, cursor = [], None
    while True:
        params = {"limit": 50} | ({} if cursor is None else {"cursor": cursor})
        page = (await cast.door(name).get("/v1/me/accesses", params=params)).json()
        found += page["items"]
        if (cursor := page["next"]) is None:
            return [each for each in reversed(found) if each["purpose"] != "own_accesses"]


def told(found: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(each["party"], each["purpose"], each["outcome"], each["reason"]) for each in found]


async def test_what_departments_do_with_their_own_records_is_in_the_persons_log(everybody: Cast):
    cast, record = everybody, everybody.ids["record"]
    before = len(await lines(cast, "person"))
    await cast.door("owner").get(f"/v1/records/{record}")
    await cast.door("owner").get(f"/v1/records/{record}/revisions")
    await cast.door("other").get(f"/v1/records/{record}")
    await cast.door("other").post(
        f"/v1/records/{record}/withdrawal", json={"reason": "error"}, headers={"If-Match": '"1"'}
    )
    new = (await lines(cast, "person"))[before:]
    assert told(new) == [
        ("market_regulation", "own_record", "released", None),
        ("market_regulation", "own_record", "released", None),
        ("transport", "own_record", "refused", "not_found"),
        ("transport", "own_record", "refused", "not_found"),
    ]
    assert {(tuple(each["items"]), tuple(each["records"])) for each in new} == {((ITEM,), (record,))}


async def test_who_looked_at_a_held_row_is_in_the_log_of_a_person_who_has_no_file(everybody: Cast):
    cast, review = everybody, everybody.ids["review"]
    wrong = resident(3)[:-1] + ("0" if resident(3)[-1] != "0" else "1")
    await cast.door("officer").get(f"/v1/reviews/{review}")
    await cast.door("other officer").get(f"/v1/reviews/{review}")
    await cast.door("other officer").post(f"/v1/reviews/{review}/decision", json={"decision": "refuse"})
    body = {"kind": "natural_person", "document": {"type": "resident_id", "number": wrong}}
    assert (await cast.door("officer").post("/v1/subjects/confirmations", json=body)).status_code == 204
    await cast.person("doubted", wrong)
    found = await lines(cast, "doubted")
    assert told(found) == [
        ("market_regulation", "review", "released", None),
        ("transport", "review", "refused", "not_found"),
        ("transport", "review", "refused", "not_found"),
        ("market_regulation", "number_confirmed", "nothing", None),
        LOOKED_UP,
    ]
    officers = ["Officer Qin", "Officer Wei", "Officer Wei", "Officer Qin", None]
    assert [each["officer"] for each in found] == officers
    assert (await cast.door("doubted").get("/v1/me/file")).json()["records"] == []


async def test_a_person_whom_nobody_has_a_record_of_finds_who_asked_when_they_first_look(everybody: Cast):
    cast, number = everybody, resident(777)
    unlawful = BY_MATTER | {"matter": "consumption_restriction"}
    without = {"purpose": "credit_assessment", "officer": "B-3"}
    another = without | {"authorisation": cast.ids["authorisation"]}
    for name, ground, status in (
        ("asker", BY_MATTER, 200),
        ("asker", unlawful, 403),
        ("bureau", without, 403),
        ("bureau", another, 403),
    ):
        assert (await cast.door(name).post("/v1/queries", json=asked(number, **ground))).status_code == status
    await cast.person("unknown", number)
    assert told(await lines(cast, "unknown")) == [
        ("finance", "statutory_duty", "nothing", None),
        ("finance", "statutory_duty", "refused", "no_ground.duty"),
        ("alpha_credit", "credit_assessment", "refused", "no_authorisation"),
        ("alpha_credit", "credit_assessment", "refused", "no_authorisation"),
        LOOKED_UP,
    ]
    theirs = [each for each in await lines(cast, "person") if each["caller"] == "bureau"]
    refused = [each for each in theirs if each["outcome"] == "refused"]
    assert [(each["party"], each["reason"], each["authorisation"]) for each in refused] == [
        ("alpha_credit", "no_authorisation", cast.ids["authorisation"])
    ], "whose authorisation was tried on somebody else finds that"


async def test_attempts_on_an_authorisation_are_in_its_givers_log(everybody: Cast):
    cast, given = everybody, everybody.ids["authorisation"]
    before = len(await lines(cast, "person"))
    await cast.door("bureau").get(f"/v1/authorisations/{given}")
    await cast.door("other bureau").get(f"/v1/authorisations/{given}")
    await cast.door("other bureau").post("/v1/authorisations", json={"token": cast.ids["authorisation token"]})
    ground = {"purpose": "credit_assessment", "authorisation": given, "officer": "B-3"}
    await cast.door("other bureau").post("/v1/queries", json=asked(**ground))
    new = (await lines(cast, "person"))[before:]
    assert told(new) == [
        ("alpha_credit", "authorisation", "released", None),
        ("beta_credit", "authorisation", "refused", "not_found"),
        ("beta_credit", "authorisation", "refused", "not_found"),
        ("beta_credit", "credit_assessment", "refused", "no_authorisation"),
    ]


async def test_a_representative_finds_who_read_a_record_that_names_them(everybody: Cast):
    cast, today = everybody, everybody.today
    body: dict[str, str | None] = {"CF_XDR_LB": "法人及非法人组织", "CF_XDR_ZJLX": None, "CF_XDR_ZJHM": None}
    body |= {"CF_XDR_SHXYM": "91990000MA0000015Q", "CF_XDR_MC": "示例有限公司", "CF_FRDB": "样丁"}
    body |= {"CF_FR_ZJLX": "身份证", "CF_FR_ZJHM": resident(888)}
    record = (await cast.submit(penalty("示市监罚〔2026〕888号", today=today, **body))).json()["record"]
    await cast.node.settled()
    about = {"kind": "organisation", "document": {"type": "uscc", "number": "91990000MA0000015Q"}}
    answer = await cast.door("asker").post("/v1/queries", json=BY_MATTER | {"subject": about})
    assert [each["record"] for each in answer.json()["released"]] == [record]
    await cast.door("owner").get(f"/v1/records/{record}")
    await cast.person("representative", resident(888))
    assert told(await lines(cast, "representative")) == [
        ("finance", "statutory_duty", "released", None),
        ("market_regulation", "own_record", "released", None),
        LOOKED_UP,
    ]
    (own,) = (await cast.door("representative").get("/v1/me/file")).json()["records"]
    assert (own["record"], own["named_as"]) == (record, "legal_representative")
    assert (own["fields"]["CF_FRDB"], own["fields"]["CF_FR_ZJHM"]) == ("样丁", resident(888))
