"""Lists, measures and periods hold as the law of the day has them, for what is stored as for what comes."""

from datetime import date

import pytest

from creditmesh.schemas.events import RecordPurged
from tests.matching.catalogue import BAR, EVER, ITEMS, LANE, TODAY, Catalogue, a_list, a_record, revised
from tests.matching.conftest import House, a_person, an_organisation, department, given

GROUND = {"matter": "permit", "officer": "W-17"}


async def screened(house: House, who) -> dict:
    return (await house.post("/v1/screenings", given(who), params=GROUND)).raise_for_status().json()


async def listed(house: House, code: str = "black") -> list[str]:
    answer = await house.get("/v1/designations", list=code, limit=200)
    return [each["record"] for each in answer.json()["items"]] if answer.status_code == 200 else []


async def tasks(house: House, record: str, state: str = "open") -> set[str]:
    page = (await house.get("/v1/tasks", department(), state=state, limit=200)).json()
    return {each["measure"] for each in page["items"] if each["record"] == record}


@pytest.fixture
def anew(house: House) -> House:
    house.follow(Catalogue())
    return house


async def test_a_shorter_period_ends_a_designation_its_tasks_and_what_speaks_against(anew: House):
    firm = an_organisation()
    change = a_record(await anew.subject(firm))
    await anew.load(change)
    shorter = ITEMS["default"].display.model_copy(update={"months": 6})
    anew.catalogue.tell("item", ITEMS["default"].model_copy(update={"display": shorter}), effective=TODAY)
    anew.on(date(2026, 7, 4))
    found = await screened(anew, firm)
    assert [each["until"] for each in found["designations"]] == ["2026-07-05"]
    assert found["use_until"] == "2026-07-05"
    assert str(change.record) in await listed(anew)
    anew.on(date(2026, 7, 5))
    found = await screened(anew, firm)
    assert (found["designations"], found["measures"]) == ([], [])
    assert str(change.record) not in await listed(anew)
    assert await tasks(anew, str(change.record)) == set()
    eligible = (await anew.post("/v1/eligibility", {"subject": given(firm)}, params=GROUND)).json()
    assert (eligible["eligible"], eligible["evidence"]) == (True, [])


async def test_an_item_that_names_its_list_no_more_puts_nobody_on_it_and_stays_adverse(anew: House):
    firm = an_organisation()
    change = a_record(await anew.subject(firm))
    await anew.load(change)
    anew.catalogue.tell("item", ITEMS["default"].model_copy(update={"designates": None}), effective=TODAY)
    assert (await screened(anew, firm))["designations"] == []
    assert str(change.record) not in await listed(anew)
    assert await tasks(anew, str(change.record)) == set()
    judged = (await anew.post("/v1/eligibility", {"subject": given(firm)}, params=GROUND)).json()
    assert [each["record"] for each in judged["evidence"]] == [str(change.record)]


async def test_a_measure_ends_with_its_own_period_and_is_then_to_be_lifted(anew: House):
    firm = an_organisation()
    change = a_record(await anew.subject(firm))
    await anew.load(change)
    anew.catalogue.tell("measure", BAR.model_copy(update={"months": 6}), effective=TODAY)
    (task,) = [
        each for each in (await anew.get("/v1/tasks", department(), limit=200)).json()["items"]
        if (each["record"], each["measure"]) == (str(change.record), "bar")
    ]  # fmt: skip
    answer = {"outcome": "applied", "officer": "W-17"}
    kept = await anew.post(f"/v1/tasks/{task['id']}/feedback", answer, department(), headers={"If-Match": '"0"'})
    assert kept.status_code == 201
    anew.on(date(2026, 7, 4))
    found = await screened(anew, firm)
    assert {each["measure"] for each in found["measures"]} == {"bar", "luxury"}
    assert found["use_until"] == "2026-07-05"
    anew.on(date(2026, 7, 5))
    found = await screened(anew, firm)
    assert {each["measure"] for each in found["measures"]} == {"luxury"}
    assert await tasks(anew, str(change.record), "withdrawn") == {"bar"}


async def test_a_reward_with_a_period_of_its_own_ends_with_it(anew: House):
    firm = an_organisation()
    subject = await anew.subject(firm)
    await anew.load(a_record(subject, item="penalty"), a_record(subject, item="honour"))
    anew.catalogue.tell("measure", LANE.model_copy(update={"months": 6}), effective=TODAY)
    for day, eligible in ((date(2026, 7, 4), True), (date(2026, 7, 5), False)):
        anew.on(day)
        found = (await anew.post("/v1/eligibility", {"subject": given(firm)}, params=GROUND)).json()
        assert found["eligible"] is eligible
        assert not eligible or found["use_until"] == "2026-07-05"


@pytest.mark.parametrize(
    ("kind", "body"),
    [("measure", BAR), ("list", a_list("black"))],
    ids=["a measure", "a black list"],
)
async def test_what_nobody_confirmed_restricts_nobody_outside_a_sandbox(anew: House, kind: str, body):
    firm = an_organisation()
    change = a_record(await anew.subject(firm))
    await anew.load(change)
    anew.catalogue.tell(kind, body.model_copy(update={"verified": False}))
    assert "bar" not in {each["measure"] for each in (await screened(anew, firm))["measures"]}
    assert "bar" not in await tasks(anew, str(change.record))
    assert (str(change.record) in await listed(anew)) == (kind == "measure")
    anew.catalogue.tell(kind, body, effective=TODAY)
    assert "bar" in {each["measure"] for each in (await screened(anew, firm))["measures"]}
    assert "bar" in await tasks(anew, str(change.record))


async def test_in_a_sandbox_it_acts_and_says_that_nobody_confirmed_it(anew: House):
    firm = an_organisation()
    change = a_record(await anew.subject(firm))
    await anew.load(change)
    anew.catalogue.sandbox = True
    anew.catalogue.tell("measure", BAR.model_copy(update={"verified": False}))
    found = await screened(anew, firm)
    assert {each["measure"]: each["verified"] for each in found["measures"]} == {"bar": False, "luxury": True}
    page = (await anew.get("/v1/tasks", department(), limit=200)).json()["items"]
    told = {each["measure"]: each["verified"] for each in page if each["record"] == str(change.record)}
    assert told == {"bar": False, "luxury": True}
    anew.catalogue.tell("list", a_list("black").model_copy(update={"verified": False}), effective=EVER)
    assert [each["verified"] for each in (await screened(anew, firm))["designations"]] == [False]


@pytest.mark.parametrize(("kind", "body"), [("measure", LANE), ("list", a_list("red", "red"))], ids=["it", "its list"])
async def test_a_reward_that_nobody_confirmed_rewards_nobody_either(anew: House, kind: str, body):
    firm = an_organisation()
    await anew.load(a_record(await anew.subject(firm), item="honour"))
    assert [each["measure"] for each in (await screened(anew, firm))["rewards"]] == ["lane"]
    anew.catalogue.tell(kind, body.model_copy(update={"verified": False}))
    assert (await screened(anew, firm))["rewards"] == []
    anew.catalogue.tell(kind, body, effective=TODAY)
    assert [each["measure"] for each in (await screened(anew, firm))["rewards"]] == ["lane"]


@pytest.mark.parametrize("role", ["penalty", "default"])
async def test_what_rests_on_nothing_that_somebody_confirmed_costs_nobody_a_reward(anew: House, role: str):
    """Neither an item without a confirmed basis nor one whose list does not hold."""
    firm = an_organisation()
    change = a_record(await anew.subject(firm), item=role)
    await anew.load(change)

    async def adverse() -> list[str]:
        answer = await anew.post("/v1/eligibility", {"subject": given(firm), "years": 3}, params=GROUND)
        return [each["record"] for each in answer.json()["evidence"]]

    item = anew.catalogue.item(role, on=TODAY)
    assert item is not None
    assert await adverse() == [str(change.record)]
    doubted = tuple(each.model_copy(update={"verified": False}) for each in item.basis)
    if role == "penalty":
        anew.catalogue.tell("item", item.model_copy(update={"basis": doubted, "verified": False}))
    else:
        anew.catalogue.tell("list", a_list("black").model_copy(update={"verified": False}))
    assert await adverse() == []


async def test_a_matter_that_nobody_confirmed_is_no_ground(anew: House):
    firm = an_organisation()
    await anew.load(a_record(await anew.subject(firm)))
    matter = anew.catalogue.matter(GROUND["matter"], on=TODAY)
    assert matter is not None
    anew.catalogue.tell("matter", matter.model_copy(update={"verified": False}))
    answer = await anew.post("/v1/eligibility", {"subject": given(firm)}, params=GROUND)
    assert (answer.status_code, answer.json()["code"]) == (403, "no_ground")
    assert "verified" in answer.json()["detail"]
    assert "核实" in answer.json()["detail_zh"]


async def test_nothing_stays_of_a_record_that_was_kept_for_its_term_but_whom_it_was_ended_for(anew: House):
    firm, boss = an_organisation(), a_person()
    subject, named = await anew.subject(firm), await anew.subject(boss)
    change = a_record(subject, boss=named)
    await anew.load(change)
    page = (await anew.get("/v1/tasks", department(), limit=200)).json()["items"]
    for task in (each for each in page if each["record"] == str(change.record)):
        answer = {"outcome": "not_executed", "reason": "closed before", "officer": "W-17"}
        await anew.post(f"/v1/tasks/{task['id']}/feedback", answer, department(), headers={"If-Match": '"0"'})
    await anew.load(revised(change, change="discharged", about=named))
    tables = ("standing", "feedback", "discharged")
    counts = [f"select from matching.{table} where record = $1" for table in tables]
    assert all([await anew.fetch(count, change.record) for count in counts])
    await anew.purge(RecordPurged(record=change.record, subject=subject, item="default", named=(named,)))
    assert [len(await anew.fetch(count, change.record)) for count in counts] == [0, 0, 1]


async def paged(house: House, path: str, caller=None, **params: str) -> list[dict]:
    """All of a list, two at a time."""
    found, after = [], None
    while True:
        page = (await house.get(path, caller, limit=2, **params, **({"cursor": after} if after else {}))).json()
        found += page["items"]
        if (after := page["next"]) is None:
            return found


async def test_pages_are_full_though_what_the_law_of_today_ended_stands_between(anew: House):
    """What ended is judged as it is read: a page reads on for it, and none is the last before the last."""
    shorter = ITEMS["default"].display.model_copy(update={"months": 6})
    changes = []
    for n in range(6):
        decided = {} if n in (1, 4) else {"decided_on": EVER, "display_from": EVER, "display_until": None}
        changes.append(a_record(await anew.subject(an_organisation()), **decided))
    await anew.load(*changes)
    mine = {str(change.record) for change in changes}
    anew.on(TODAY)

    async def shown() -> tuple[set[str], set[str]]:
        lists = await paged(anew, "/v1/designations", list="black")
        inbox = await paged(anew, "/v1/tasks", department(), state="open")
        return {each["record"] for each in lists} & mine, {each["record"] for each in inbox} & mine

    assert await shown() == (mine, mine)
    anew.catalogue.tell("item", ITEMS["default"].model_copy(update={"display": shorter}), effective=TODAY)
    left = {str(changes[n].record) for n in (1, 4)}
    assert await shown() == (left, left)


@pytest.mark.parametrize("months", [None, 1])
async def test_what_was_deleted_is_in_no_list_before_this_service_reads_of_it(anew: House, months: int | None):
    """Under the rules by which it was accepted, and under others."""
    changes = [a_record(await anew.subject(an_organisation()), decided_on=TODAY) for _ in range(3)]
    await anew.load(*changes)
    gone, *left = sorted(changes, key=lambda change: change.record)
    if months is not None:
        display = ITEMS["default"].display.model_copy(update={"months": months})
        anew.catalogue.tell("item", ITEMS["default"].model_copy(update={"display": display}), effective=TODAY)
    [task, *_] = (await anew.get("/v1/tasks", department(), limit=1)).json()["items"]
    async with anew.database.session() as session:
        await session.execute(
            "delete from bus.body_ingestion b using matching.standing s where b.id = s.body and s.record = $1",
            gone.record,
        )
    assert {each["record"] for each in await paged(anew, "/v1/tasks", department())} == {str(c.record) for c in left}
    assert {each["record"] for each in await paged(anew, "/v1/designations", list="black")} == {
        str(c.record) for c in left
    }
    assert task["record"] == str(gone.record)
    assert (await anew.get(f"/v1/tasks/{task['id']}", department())).status_code == 404
