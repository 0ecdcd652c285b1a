"""A number under another name: a slip of copying, or a person who changed it. Nobody's file is mixed unseen."""

from typing import Any
from uuid import uuid4

import orjson
import pytest

from tests.ingestion.conftest import OFFICER, House, department, told
from tests.ingestion.rows import parties, penalty, person_penalty, resident
from tests.ingestion.test_records import correct
from tests.ingestion.test_reviews import decide


def of(house: House, name: str, number: str, **changes: str | None) -> dict[str, str]:
    return person_penalty(house.number(), CF_XDR_MC=name, CF_XDR_ZJHM=number, **changes)


def codes(verdict: dict[str, Any], where: str = "reasons") -> list[tuple[str, str]]:
    return [(each["code"], each["pointer"]) for each in verdict.get(where, ())]


@pytest.mark.parametrize("at_once", [True, False])
async def test_another_persons_name_under_a_known_number_is_held(house: House, at_once: bool):  # noqa: FBT001
    number = resident(house.number())
    rows = [of(house, "韩某巳", number), of(house, "杨某午", number), of(house, "韩某巳", number)]
    if at_once:
        verdicts, _ = told(await house.submit(rows))
    else:
        verdicts = [(await house.submit(row)).json() for row in rows]
    assert [each["verdict"] for each in verdicts] == ["accepted", "held", "accepted"]
    assert codes(verdicts[1]) == [("another_name", "/CF_XDR_MC")]
    again = (await house.submit(rows[1])).json()
    assert (again["verdict"], again["review"]) == ("held", verdicts[1]["review"])
    assert "杨某午" not in str(again)


async def test_who_changed_their_name_is_released_once_and_stands_under_both(house: House):
    number = resident(house.number())
    await house.submit(of(house, "韩某巳", number))
    review = (await house.submit(of(house, "韩某未", number))).json()["review"]
    assert (await decide(house, review, caller=OFFICER)).json()["verdict"] == "accepted"
    for name in ("韩某未", "韩某巳"):
        assert (await house.submit(of(house, name, number))).json()["verdict"] == "accepted"
    refused = (await house.submit(row := of(house, "杨某午", number))).json()["review"]
    assert (await decide(house, refused, "refuse", caller=OFFICER)).status_code == 200
    answer = await house.submit([row])
    assert codes(told(answer)[0][0]) == [("another_name", "/CF_XDR_MC"), ("review_refused", "")]


@pytest.mark.parametrize("order", [("韩某未", "韩某巳"), ("韩某巳", "韩某未")])
async def test_who_stands_under_two_names_may_be_sent_under_both_at_once(house: House, order: tuple[str, str]):
    number = resident(house.number())
    await house.submit(of(house, "韩某巳", number))
    review = (await house.submit(of(house, "韩某未", number))).json()["review"]
    assert (await decide(house, review, caller=OFFICER)).json()["verdict"] == "accepted"
    rows = [of(house, name, number) for name in (*order, "杨某午", *order)]
    said = await house.submit(rows, dry_run="true")
    expected = ["accepted", "accepted", "held", "accepted", "accepted"]
    assert [line["verdict"] for line in map(orjson.loads, said.content.splitlines())] == expected
    assert [each["verdict"] for each in told(await house.submit(rows))[0]] == expected


@pytest.mark.parametrize("spelt", ["阿某•买某", "阿某 买某", "阿某买某", "阿某．买某"])
async def test_how_a_name_is_typed_is_no_other_name(house: House, spelt: str):
    number = resident(house.number())
    for name in ("阿某·买某", spelt):
        assert (await house.submit(of(house, name, number))).json()["verdict"] == "accepted"


async def test_a_slip_in_the_name_of_a_record_is_corrected_without_an_officer(house: House):
    number = resident(house.number())
    first = of(house, "韩某己", number)
    record = (await house.submit(first)).json()["record"]
    assert (await house.submit(first | {"CF_XDR_MC": "韩某已"})).json()["verdict"] == "corrected"
    answer = await correct(house, record, first | {"CF_XDR_MC": "韩某巳"}, rev=2)
    assert (answer.status_code, answer.json()["verdict"]) == (201, "corrected")
    assert (await house.submit(of(house, "韩某巳", number))).json()["verdict"] == "accepted"


async def test_an_organisation_may_change_its_name_and_that_is_told_once(house: House):
    rows = [penalty(house.number()) for _ in range(3)]
    renamed = {"CF_XDR_SHXYM": rows[0]["CF_XDR_SHXYM"], "CF_XDR_MC": "示例更名有限公司"}
    first, second, third = told(await house.submit([rows[0], rows[1] | renamed, rows[2] | renamed]))[0]
    assert [each["verdict"] for each in (first, second, third)] == ["accepted"] * 3
    assert [codes(each, "notices") for each in (first, second, third)] == [[], [("name_changed", "/CF_XDR_MC")], []]
    single = (await house.submit(penalty(house.number(), **renamed | {"CF_XDR_MC": "示例再更名有限公司"}))).json()
    assert codes(single, "notices") == [("name_changed", "/CF_XDR_MC")]


@pytest.mark.parametrize("dry_run", ["true", "false"])
async def test_a_department_learns_by_no_try_whom_others_know_and_under_which_name(house: House, dry_run: str):
    number, transport = resident(house.number()), parties()["transport"].uscc
    await house.submit(of(house, "韩某巳", number))
    row = of(house, "杨某午", number, CF_SJLYDM=transport, CF_CFJGDM=transport)
    answer = await house.submit([row], caller=department("transport"), dry_run=dry_run)
    (verdict, *_) = map(orjson.loads, answer.content.splitlines())
    assert (verdict["verdict"], codes(verdict)) == ("accepted", [])


async def test_a_dry_run_says_that_it_would_be_held(house: House):
    number = resident(house.number())
    rows = [of(house, "韩某巳", number), of(house, "杨某午", number)]
    answer = await house.submit(rows, dry_run="true")
    verdicts = [line["verdict"] for line in map(orjson.loads, answer.content.splitlines())]
    assert verdicts == ["accepted", "held"]
    assert (await house.submit(rows[1])).json()["verdict"] == "accepted", "nothing of a dry run is known"


SENT_BY_OTHERS = """
insert into ingestion.revision (at, legal_date, part, rev, item_version, id, record, subject, natural_key, fingerprint,
                                mac_key, mac_alg, item, party, origin, lane, state, data, name)
select now(), current_date, $1, 1, 1, gen_random_uuid(), gen_random_uuid(), $2, decode(md5(n::text), 'hex'), '\\x02',
       'k', 'a', 'penalty', 'another', 'city', 'live', 'published', '{}', decode(md5(n::text), 'hex')
  from generate_series(1, 3000) n
"""
ASKED = """
explain (analyze, buffers, format json)
select * from ingestion.locked(1, '{}', '{}', '{}', '{}', 'market', '{}', $1, $2, $3)
"""


async def test_what_others_have_sent_under_a_number_costs_a_partys_names_nothing(house: House):
    subject, names = uuid4(), [bytes([n]) for n in range(50)]
    async with house.database.session() as session:
        await session.execute(SENT_BY_OTHERS, 3, subject)
        await session.execute("set enable_seqscan = off")
        for _ in range(2):  # the first call reads what a plan is made of
            plans = await session.fetchval(ASKED, [3] * len(names), [subject] * len(names), names)
        await session.execute("reset enable_seqscan")
        await session.execute("delete from ingestion.revision where subject = $1", subject)
    (found,) = orjson.loads(plans)
    plan = found["Plan"]
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 10 * len(names), "a few for each name"
