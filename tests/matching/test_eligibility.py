"""Eligibility for rewards: a red list or clean years, visible records only, with the evidence and an access."""

from datetime import date

import pytest

from creditmesh.schemas.rules.identity import Identity, identify
from creditmesh.schemas.rules.numbers import uscc_check
from tests.matching.catalogue import LANE, TODAY, a_record, revised
from tests.matching.conftest import House, a_person, an_organisation, department, given

GROUND = {"matter": "permit", "officer": "W-17"}


async def ask(house: House, identity, caller=None, *, ground=None, **more):
    body = {"subject": given(identity)} | more
    return await house.post("/v1/eligibility", body, caller, params=GROUND if ground is None else ground)


async def test_who_has_no_adverse_record_for_three_years_is_eligible(house: House):
    firm = an_organisation()
    found = (await ask(house, firm)).json()
    assert found == {
        "decision_id": found["decision_id"],
        "eligible": True,
        "grounds": [{"ground": "clean_years", "measure": "lane", "list": None, "record": None, "years": 3}],
        "rewards": ["lane"],
        "years": 3,
        "evidence": [],
        "partial": False,
        "unreadable": [],
        "out_of_reach": [],
        "use_until": "2026-06-03",
        "as_of": "2026-05-04",
    }
    (access,) = await house.accesses_of(await house.subject(firm))
    assert (str(access.access), access.outcome, access.matter) == (found["decision_id"], "nothing", "permit")


@pytest.mark.parametrize(
    ("decided", "eligible"), [(date(2023, 5, 4), True), (date(2023, 5, 5), False), (date(2025, 9, 1), False)]
)
async def test_an_adverse_record_decided_within_the_years_speaks_against(
    house: House, decided: date, *, eligible: bool
):
    firm = an_organisation()
    bad = a_record(await house.subject(firm), item="penalty", decided_on=decided, display_until=date(2029, 1, 1))
    await house.load(bad)
    found = (await ask(house, firm)).json()
    assert found["eligible"] is eligible
    evidence = {"record": str(bad.record), "item": "penalty", "decided_on": decided.isoformat(), "mark": None}
    assert found["evidence"] == ([] if eligible else [evidence])
    (access,) = await house.accesses_of(bad.subject)
    assert access.records == (() if eligible else (bad.record,))


async def test_more_years_may_be_asked_and_never_fewer(house: House):
    firm = an_organisation()
    four_ago = a_record(
        await house.subject(firm), item="penalty", decided_on=date(2022, 1, 4), display_until=date(2029, 1, 1)
    )
    await house.load(four_ago)
    assert (await ask(house, firm)).json()["eligible"] is True
    assert (await ask(house, firm, years=5)).json()["eligible"] is False
    two_ago = a_record(four_ago.subject, item="penalty", decided_on=date(2024, 1, 4), display_until=date(2029, 1, 1))
    await house.load(two_ago)
    found = (await ask(house, firm, years=1)).json()
    assert (found["eligible"], found["years"]) == (False, 3)


@pytest.mark.parametrize("end", [{"state": "repaired"}, {"state": "withdrawn"}, {"display_until": TODAY}])
async def test_what_was_repaired_or_has_ended_speaks_against_nobody(house: House, end):
    firm = an_organisation()
    bad = a_record(await house.subject(firm), item="penalty")
    await house.load(bad)
    assert (await ask(house, firm)).json()["eligible"] is False
    await house.load(revised(bad, **end))
    assert (await ask(house, firm)).json()["eligible"] is True


async def test_a_red_list_is_a_ground_of_its_own(house: House):
    firm = an_organisation()
    subject = await house.subject(firm)
    good, bad = a_record(subject, item="honour"), a_record(subject, item="penalty")
    await house.load(good, bad)
    found = (await ask(house, firm)).json()
    assert found["grounds"] == [
        {"ground": "red_list", "measure": "lane", "list": "red", "record": str(good.record), "years": None}
    ]
    assert [each["record"] for each in found["evidence"]] == [str(bad.record)]
    (access,) = await house.accesses_of(subject)
    assert set(access.records) == {good.record, bad.record}


async def test_an_organisations_record_does_not_speak_against_its_representative(house: House):
    firm, boss = an_organisation(), a_person()
    await house.load(a_record(await house.subject(firm), boss=await house.subject(boss)))
    assert (await ask(house, boss)).json()["eligible"] is True
    assert (await ask(house, firm)).json()["eligible"] is False


async def test_nobody_is_eligible_where_the_matter_has_no_reward_for_them(house: House):
    firm = an_organisation()
    found = (await ask(house, firm, ground=GROUND | {"matter": "narrow"})).json()
    assert (found["eligible"], found["rewards"], found["years"]) == (False, [], None)
    house.catalogue.tell("measure", LANE.model_copy(update={"kinds": ("natural_person",)}))
    assert (await ask(house, firm)).json()["eligible"] is False
    house.catalogue.withdraw("measure", "lane")
    assert (await ask(house, a_person())).json()["eligible"] is False


async def test_refusals_are_kept_for_the_subject(house: House):
    firm = an_organisation()
    subject = await house.subject(firm)
    answer = await ask(house, firm, department("library"))
    assert (answer.status_code, answer.json()["code"]) == (403, "no_ground")
    (access,) = await house.accesses_of(subject)
    assert (access.outcome, access.reason) == ("refused", "no_ground.duty")


async def test_a_number_that_is_none_is_refused_without_being_echoed(house: House):
    body = {"subject": {"kind": "natural_person", "document": {"type": "resident_id", "number": "9900001985"}}}
    answer = await house.post("/v1/eligibility", body, params=GROUND)
    assert (answer.status_code, answer.json()["code"]) == (422, "unusable_identity")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/subject/document/number"]
    assert "9900001985" not in answer.text


@pytest.mark.parametrize("years", [0, 11, "x"])
async def test_years_are_one_to_ten(house: House, years):
    answer = await ask(house, an_organisation(), years=years)
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/years"]


async def test_a_credential_that_does_not_reach_all_items_of_the_matter_proves_nobody_clean(house: House):
    firm = an_organisation()
    bad = a_record(await house.subject(firm), item="penalty")
    await house.load(bad)
    narrow = department(items=frozenset({"honour"}))
    found = (await ask(house, firm, narrow)).json()
    assert (found["eligible"], found["grounds"], found["years"]) == (False, [], None)
    assert (found["partial"], found["out_of_reach"]) == (True, ["default", "arrears", "penalty"])
    await house.load(a_record(bad.subject, item="honour"))
    assert [each["ground"] for each in (await ask(house, firm, narrow)).json()["grounds"]] == ["red_list"]


async def test_nobody_gets_a_green_channel_under_a_wrong_kind(house: House):
    """The reward is for organisations with clean years; the trader was fined."""
    trader = "92990000MA0000027"
    trader += uscc_check(trader)
    known = await house.subject(identified("sole_trader", "uscc", trader))
    await house.load(a_record(known, item="penalty", kind="sole_trader", decided_on=date(2025, 9, 1)))
    body = {"subject": {"kind": "organisation", "document": {"type": "uscc", "number": trader}}}
    answer = await house.post("/v1/eligibility", body, params=GROUND)
    assert (answer.status_code, answer.json()["code"]) == (422, "unusable_identity")
    assert [each["code"] for each in answer.json()["errors"]] == ["kind_number_mismatch"]
    body["subject"]["document"]["number"] = trader[8:17]
    answer = await house.post("/v1/eligibility", body, params=GROUND)
    assert [each["code"] for each in answer.json()["errors"]] == ["whole_code_needed"]


async def test_a_trader_gets_no_companys_green_channel_by_writing_its_code_as_one(house: House):
    """Two codes of 18 characters, each without a fault, have the same nine: what was accepted says of which kind."""
    trader = "92990000MA1000027"
    trader += uscc_check(trader)
    asked = f"91{trader[2:17]}"
    company = identified("organisation", "uscc", asked + uscc_check(asked))
    assert not company.doubts
    known = await house.subject(identified("sole_trader", "uscc", trader))
    assert known == await house.subject(company)
    assert (await ask(house, company)).json()["eligible"] is True, "nothing is known of it"
    await house.know(known, "sole_trader")
    found = (await ask(house, company)).json()
    assert (found["eligible"], found["grounds"], found["years"]) == (False, [], None)


async def test_nobody_gets_a_green_channel_under_a_mistyped_number(house: House):
    """The firm was fined; a slip of one character is nobody, however often and wherever it is asked about."""
    firm = an_organisation()
    await house.load(a_record(await house.subject(firm), item="penalty", decided_on=date(2025, 9, 1)))
    number = firm.number.reveal()
    slip = identified("organisation", "uscc", f"{number[:10]}{(int(number[10]) + 1) % 10}{number[11:]}")
    for _ in range(2):
        answer = await ask(house, slip)
        assert (answer.status_code, answer.json()["code"]) == (422, "unusable_identity")
        (error,) = answer.json()["errors"]
        assert (error["code"], error["pointer"]) == ("doubtful_number", "/subject/document/number")
        (screened,) = (await house.post("/v1/screenings", [given(slip)], params=GROUND)).json()
        assert (screened["certainty"], screened["reasons"][0]["code"]) == ("invalid", "doubtful_number")
        assert (screened["decision_id"], screened["measures"], screened["rewards"]) == (None, [], [])
    genuine = await house.subject(slip)
    assert (await ask(house, slip)).status_code == 422, "a row with that number was held, or somebody asked"
    await house.know(genuine, "organisation")
    assert (await ask(house, slip)).json()["eligible"] is True, "an officer released a row with that number"
    (screened,) = (await house.post("/v1/screenings", [given(slip)], params=GROUND)).json()
    assert screened["certainty"] == "exact"
    await house.load(a_record(genuine, item="penalty", decided_on=date(2025, 9, 1)))
    assert (await ask(house, slip)).json()["eligible"] is False


def identified(kind, document, number) -> Identity:
    found = identify(kind, document, number)
    assert isinstance(found, Identity)
    return found
