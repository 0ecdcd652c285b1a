"""Screening: what applies to whom, in one order, with an access of each before the answer."""

from datetime import date, timedelta
from functools import partial
from uuid import UUID, uuid4

import orjson
import pytest

from creditmesh.chassis.bulk import SLICE
from creditmesh.schemas.events import AccessRecorded
from creditmesh.schemas.rules.numbers import organisation_check
from creditmesh.schemas.screenings import ScreeningOut
from tests.matching.catalogue import TODAY, a_record, revised
from tests.matching.conftest import House, a_person, an_organisation, department, given, lines
from tests.support.measuring import bounded_async

GROUND = {"matter": "permit", "officer": "W-17"}


async def screen(house: House, body, caller=None, **ground):
    async with house.client(caller or department()) as client:
        return await client.post("/v1/screenings", json=body, params=GROUND | ground)


async def test_a_listed_organisation_meets_the_measures_of_the_matter_and_no_other(house: House):
    firm = an_organisation()
    change = a_record(await house.subject(firm), mark="disputed")
    await house.load(change)
    answer = await screen(house, given(firm))
    assert answer.status_code == 200, answer.text
    found = answer.json()
    record = str(change.record)
    assert found == {
        "row": 1,
        "certainty": "exact",
        "designations": [
            {
                "list": "black", "record": record, "item": "default", "role": "listed", "origin": "city",
                "mark": "disputed", "since": "2026-01-05", "until": "2027-01-05", "verified": True,
            }
        ],
        "measures": [
            {"measure": "bar", "list": "black", "record": record, "verified": True},
            {"measure": "luxury", "list": "black", "record": record, "verified": True},
        ],
        "rewards": [],
        "marks": [{"record": record, "mark": "disputed"}],
        "decision_id": found["decision_id"],
        "use_until": "2026-06-03",
        "as_of": "2026-05-04",
        "reasons": [],
        "unreadable": [],
        "out_of_reach": [],
    }  # fmt: skip
    assert answer.headers["cache-control"] == "no-store"
    (access,) = await house.accesses_of(change.subject)
    assert str(access.access) == found["decision_id"]
    assert (access.outcome, access.matter, access.officer, access.purpose, access.ground) == (
        "released", "permit", "W-17", "statutory_duty", "statutory",
    )  # fmt: skip
    assert (access.items, access.records, access.use_until) == (("default",), (change.record,), date(2026, 6, 3))


async def test_nine_characters_that_a_node_of_before_does_not_know_are_asked_for_whole(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    firm, unknown = an_organisation(), an_organisation()
    change = a_record(await house.subject(firm))
    await house.load(change)
    monkeypatch.setattr(house.equipment.vault, "upgraded", True)
    asked = [given(firm), given(unknown), given(firm)]
    asked[0]["document"]["number"] = asked[0]["document"]["number"][8:17]
    asked[1]["document"]["number"] = f"MA7K2Q9X{organisation_check('MA7K2Q9X')}"
    found = (await screen(house, asked)).json()
    assert [each["certainty"] for each in found] == ["exact", "invalid", "exact"]
    assert [len(each["designations"]) for each in found] == [1, 0, 1]
    assert [(each["code"], each["pointer"]) for each in found[1]["reasons"]] == [
        ("whole_code_needed", "/document/number")
    ]


async def test_a_responsible_person_in_another_part_meets_only_what_reaches_them(house: House):
    firm, boss = an_organisation(), a_person()
    change = a_record(await house.subject(firm), boss=await house.subject(boss))
    await house.load(change)
    found = (await screen(house, given(boss))).json()
    assert [(each["list"], each["role"]) for each in found["designations"]] == [("black", "responsible")]
    assert [each["measure"] for each in found["measures"]] == ["luxury"]


async def test_a_red_list_rewards_and_reaches_nobody_beside_the_listed(house: House):
    firm, boss = an_organisation(), a_person()
    await house.load(a_record(await house.subject(firm), item="honour", boss=await house.subject(boss)))
    found = (await screen(house, [given(firm), given(boss)])).json()
    assert [each["measure"] for each in found[0]["rewards"]] == ["lane"]
    assert found[0]["measures"] == []
    assert found[1]["designations"] == found[1]["rewards"] == []


@pytest.mark.parametrize(
    "kind", ["adverse without a list", "outside the matter", "outside the credential", "of a kind"]
)
async def test_nothing_applies_outside_list_matter_credential_and_kind(house: House, kind: str):
    firm, caller, ground = an_organisation(), None, {}
    subject, change = await house.subject(firm), {}
    if kind == "adverse without a list":
        change = {"item": "penalty"}
    elif kind == "outside the matter":
        change, ground = {"item": "arrears"}, {"matter": "narrow"}
    elif kind == "outside the credential":
        caller = department(items=frozenset({"honour"}))
    else:
        change = {"kind": "sole_trader"}
    await house.load(a_record(subject, **change))
    found = (await screen(house, given(firm), caller, **ground)).json()
    assert (found["measures"], found["rewards"]) == ([], [])
    assert len(found["designations"]) == (kind == "of a kind")
    (access,) = await house.accesses_of(subject)
    assert access.outcome == ("released" if kind == "of a kind" else "nothing")


async def test_a_screening_says_which_items_its_credential_does_not_reach(house: House):
    firm = an_organisation()
    await house.load(a_record(await house.subject(firm)))
    caller = department(items=frozenset({"honour"}))
    found = (await screen(house, given(firm), caller)).json()
    assert (found["certainty"], found["measures"]) == ("partial", [])
    assert "default" in found["out_of_reach"]
    assert "honour" not in found["out_of_reach"]
    whole = (await screen(house, given(firm))).json()
    assert (whole["certainty"], whole["out_of_reach"]) == ("exact", [])


async def test_a_name_without_a_number_identifies_nobody_and_makes_no_measure(house: House):
    firm = an_organisation()
    await house.load(a_record(await house.subject(firm)))
    before = len(await house.told())
    found = (await screen(house, {"kind": "organisation", "name": "沙盒一号有限公司"})).json()
    assert (found["certainty"], found["decision_id"]) == ("number_needed", None)
    assert found["designations"] == found["measures"] == found["rewards"] == []
    assert [each["code"] for each in found["reasons"]] == ["number_needed"]
    assert len(await house.told()) == before


async def test_a_number_that_is_none_is_said_so_and_not_echoed(house: House):
    firm, wrong = an_organisation(), "9900001985041200"
    unusable = {"kind": "natural_person", "document": {"type": "resident_id", "number": wrong}}
    answer = await screen(house, [unusable, given(firm)])
    bad, good = answer.json()
    assert (bad["row"], bad["certainty"], good["row"], good["certainty"]) == (1, "invalid", 2, "exact")
    assert bad["reasons"][0]["code"] == "number_shape"
    assert not bad["reasons"][0]["detail_zh"].isascii()
    assert wrong not in answer.text


async def test_a_batch_is_answered_in_its_order_and_shape_with_one_access_a_subject(house: House):
    firms = [an_organisation() for _ in range(30)]
    subjects = [await house.subject(each) for each in firms]
    await house.load(*(a_record(subject) for subject in subjects[::3]))
    rows = [*map(given, firms), given(firms[0]), {"kind": "natural_person", "name": "样某"}]
    body = b"\n".join(map(orjson.dumps, rows))
    async with house.client(department()) as client:
        answer = await client.post(
            "/v1/screenings", content=body, params=GROUND, headers={"Content-Type": "application/x-ndjson"}
        )
    assert answer.headers["content-type"] == "application/x-ndjson"
    found = lines(answer)
    assert [each["row"] for each in found] == list(range(1, 33))
    assert [bool(each["measures"]) for each in found[:30]] == [place % 3 == 0 for place in range(30)]
    assert found[30] == found[0] | {"row": 31}
    array = (await screen(house, rows)).json()
    assert [each["measures"] for each in array] == [each["measures"] for each in found]
    for subject, each in zip(subjects, found[:30], strict=True):
        first, _ = await house.accesses_of(subject)
        assert str(first.access) == each["decision_id"]
        assert first.outcome == ("released" if each["designations"] else "nothing")


@pytest.mark.parametrize(
    ("caller", "ground", "reason"),
    [
        (None, {"matter": ""}, None),
        (None, {"matter": "unheard_of"}, "no_ground.matter"),
        (None, {"officer": None}, "no_ground.officer"),
        ("library", {}, "no_ground.duty"),
    ],
)
async def test_without_a_ground_everybody_asked_about_sees_the_refusal(house: House, caller, ground, reason):
    firm, boss = an_organisation(), a_person()
    subjects = [await house.subject(firm), await house.subject(boss)]
    await house.load(a_record(subjects[0]))
    params = {name: value for name, value in (GROUND | ground).items() if value is not None}
    async with house.client(department(caller or "permits_office")) as client:
        answer = await client.post("/v1/screenings", json=[given(firm), given(boss)], params=params)
    if reason is None:
        assert answer.status_code == 422
        return
    assert (answer.status_code, answer.json()["code"]) == (403, "no_ground")
    assert answer.json()["detail_zh"]
    for subject in subjects:
        (access,) = await house.accesses_of(subject)
        assert (access.outcome, access.reason, access.records) == ("refused", reason, ())


async def test_a_question_without_a_ground_makes_nobody_known(house: House):
    count = "select count(*) as subjects from vault.subject"
    (before,) = await house.fetch(count)
    strangers = [a_person() for _ in range(20)]
    answer = await screen(house, [*map(given, strangers)], matter="unheard_of")
    assert (answer.status_code, answer.json()["code"]) == (403, "no_ground")
    async with house.client(department()) as client:
        body = {"subject": given(strangers[0])}
        answer = await client.post("/v1/eligibility", json=body, params=GROUND | {"matter": "unheard_of"})
    assert answer.status_code == 403
    assert [before] == await house.fetch(count)
    await screen(house, given(strangers[0]))
    (after,) = await house.fetch(count)
    assert after["subjects"] == before["subjects"] + 1  # the control: who is asked about with a ground is


async def test_an_officers_own_token_says_who_asks(house: House):
    firm = an_organisation()
    await screen(house, given(firm), department(officer="officer-9"), officer="somebody else")
    (access,) = await house.accesses_of(await house.subject(firm))
    assert access.officer == "officer-9"


async def test_an_answer_is_used_no_longer_than_the_first_end_of_what_carries_it(house: House):
    firm = an_organisation()
    subject = await house.subject(firm)
    await house.load(a_record(subject, display_until=TODAY + timedelta(days=9)))
    assert (await screen(house, given(firm))).json()["use_until"] == "2026-05-13"
    house.catalogue.withdraw("item", "default", on=date(2026, 5, 10))
    assert (await screen(house, given(firm))).json()["use_until"] == "2026-05-10"
    house.on(date(2026, 5, 10))
    assert (await screen(house, given(firm))).json()["designations"] == []


async def test_what_ended_in_any_way_is_not_there(house: House):
    firm = an_organisation()
    change = a_record(await house.subject(firm))
    await house.load(change)
    for end in ({"state": "repaired"}, {"state": "withdrawn", "reason": "removed"}, {"display_until": TODAY}):
        assert (await screen(house, given(firm))).json()["measures"]
        ended = revised(change, **end)
        await house.load(ended)
        assert (await screen(house, given(firm))).json()["designations"] == []
        change = revised(ended, state="published", display_until=date(2027, 1, 5), change="reopened")
        await house.load(change)


async def test_what_changes_while_it_is_read_is_not_released(house: House):
    firm = an_organisation()
    change = a_record(await house.subject(firm))
    await house.load(change)
    async with house.database.session() as session:
        transaction = session.transaction()
        await transaction.start()
        await session.execute("update matching.standing set state = 'repaired', rev = 2")
        answer = await screen(house, given(firm))
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        await transaction.commit()
    assert await house.accesses_of(change.subject) == []
    assert (await screen(house, given(firm))).json()["designations"] == []


async def test_answers_and_accesses_are_what_their_models_would_write(house: House):
    firm, boss = an_organisation(), a_person()
    await house.load(
        a_record(await house.subject(firm), boss=await house.subject(boss), mark="disputed"),
        a_record(await house.subject(firm), item="honour"),
    )
    body = [given(firm), given(a_person()), given(boss), {"kind": "natural_person", "name": "样某"}]
    async with house.client(department()) as client:
        headers = {"Content-Type": "application/x-ndjson"}
        answer = await client.post(
            "/v1/screenings", content=b"\n".join(map(orjson.dumps, body)), params=GROUND, headers=headers
        )
    for line in answer.content.splitlines():
        assert ScreeningOut.model_validate_json(line).model_dump_json().encode() == line
    await screen(house, body, matter="unheard_of")
    told = await house.fetch("select data from bus.event where type = 'access.recorded'")
    assert {orjson.loads(each["data"])["outcome"] for each in told} == {"released", "nothing", "refused"}
    for each in told:
        access = AccessRecorded.model_validate_json(each["data"])
        assert access.model_dump_json().encode() == each["data"]


async def test_the_rows_of_a_large_batch_are_numbered_and_answered_across_its_slices(house: House):
    firms = [an_organisation() for _ in range(SLICE + 3)]
    await house.load(a_record(await house.subject(firms[SLICE + 1])))
    found = (await screen(house, [*map(given, firms), given(firms[0])])).json()
    assert [each["row"] for each in found] == list(range(1, SLICE + 5))
    assert [each["row"] for each in found if each["designations"]] == [SLICE + 2]
    assert found[-1] == found[0] | {"row": SLICE + 4}
    bad = [*map(given, firms[: SLICE + 1]), {"kind": "robot", "name": "x"}]
    errors = (await screen(house, bad)).json()["errors"]
    assert [each["pointer"] for each in errors] == [f"/{SLICE + 1}/kind"]


async def test_ten_thousand_and_no_more(house: House):
    row = {"kind": "natural_person", "name": "样某"}
    assert len((await screen(house, [row] * 10_000)).json()) == 10_000
    assert (await screen(house, [row] * 10_001)).status_code == 413


@pytest.mark.parametrize("kind", ["application/json", "application/x-ndjson"])
@pytest.mark.parametrize("entry", [b"[[[[[[]]]]]],", b'{"a":1,"b":[]},', b"[],"])
async def test_what_cannot_be_a_screening_is_refused_before_it_is_parsed(house: House, entry: bytes, kind: str):
    body = b"[" + entry * (4_900_000 // len(entry)) + b"1]"
    async with house.client(department()) as client:
        asking = partial(client.post, "/v1/screenings", content=body, params=GROUND, headers={"Content-Type": kind})
        answer = await bounded_async(0.15, asking)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("body", "kind", "status", "pointer"),
    [
        (b"", "application/json", 400, None),
        (b"[]", "application/json", 400, None),
        (b"17", "application/json", 400, None),
        (b"{}\n{", "application/x-ndjson", 400, None),
        (b"\n\n", "application/x-ndjson", 400, None),
        (b'{"kind": "natural_person"}', "application/json", 422, ""),
        (b'{"kind": "robot", "name": "x"}', "application/json", 422, "/kind"),
        (b'[{"kind": "natural_person", "name": "x", "age": 3}]', "application/json", 422, "/0/age"),
        (rb'[{"kind": "natural_person", "name": "\u0000"}]', "application/json", 422, "/0/name"),
        (b"{}", "text/csv", 415, None),
        (b"{}", "application/json; charset=gbk", 415, None),
    ],
)
async def test_a_body_that_is_none_is_refused_with_its_place(house: House, body, kind, status, pointer):
    async with house.client(department()) as client:
        answer = await client.post("/v1/screenings", content=body, params=GROUND, headers={"Content-Type": kind})
    assert answer.status_code == status, answer.text
    assert answer.json()["detail_zh"]
    if pointer is not None:
        assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


async def test_every_row_that_answers_has_a_decision_its_subject_can_find(house: House):
    firm = an_organisation()
    found = (await screen(house, given(firm))).json()
    (access,) = await house.accesses_of(await house.subject(firm))
    assert UUID(found["decision_id"]) == access.access != uuid4()


async def test_a_slip_of_the_kind_is_said_so_and_another_spelling_finds_the_same(house: House):
    firm = an_organisation()
    code = firm.number.reveal()
    await house.load(a_record(await house.subject(firm)))
    spelled = {"kind": "organisation", "document": {"type": "uscc", "number": f'="{code.lower()}"'}}
    inner = {"kind": "organisation", "document": {"type": "uscc", "number": code[8:17]}}
    slip = {"kind": "sole_trader", "document": {"type": "uscc", "number": code}}
    own, wide, short, wrong = (await screen(house, [given(firm), spelled, inner, slip])).json()
    assert own["designations"] == wide["designations"] == short["designations"] != []
    assert (wrong["certainty"], [each["code"] for each in wrong["reasons"]]) == ("invalid", ["kind_number_mismatch"])
