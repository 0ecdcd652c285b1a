"""A record whose body cannot be read costs itself: lists, inboxes and screenings go on, and say which is left out."""

from uuid import UUID, uuid4

import pytest

from tests.matching.catalogue import ITEMS, TODAY, Catalogue, a_record
from tests.matching.conftest import House, an_organisation, department, given

GROUND = {"matter": "permit", "officer": "W-17"}
SET = """
    update bus.body_ingestion b set data = $2 from matching.standing s
     where s.record = $1 and b.part = s.home and b.id = s.body
"""


@pytest.fixture
async def anew(house: House) -> House:
    house.follow(Catalogue())
    return house


async def damage(house: House, record: UUID, data: bytes = b"\x28\xb5\x2f\xfd" + bytes(4)) -> None:
    async with house.database.session() as session:
        assert await session.execute(SET, record, data) == "UPDATE 1"


async def test_a_list_an_inbox_and_a_screening_are_answered_without_it_and_say_so(anew: House):
    firm, other = an_organisation(), an_organisation()
    broken, whole = a_record(await anew.subject(firm)), a_record(await anew.subject(other))
    await anew.load(broken, whole)
    await damage(anew, broken.record)
    display = ITEMS["default"].display.model_copy(update={"months": 30})
    anew.catalogue.tell("item", ITEMS["default"].model_copy(update={"display": display}), effective=TODAY)
    for page in (
        await anew.get("/v1/designations", list="black", limit=200),
        await anew.get("/v1/tasks", department(), state="open", limit=200),
    ):
        assert page.status_code == 200, page.text
        records = {each["record"] for each in page.json()["items"]}
        assert str(whole.record) in records
        assert str(broken.record) not in records
        assert (page.json()["partial"], page.json()["unreadable"]) == (True, [str(broken.record)])
    found = (await anew.post("/v1/screenings", given(firm), params=GROUND)).raise_for_status().json()
    assert (found["certainty"], found["designations"], found["unreadable"]) == ("partial", [], [str(broken.record)])
    found = (await anew.post("/v1/screenings", given(other), params=GROUND)).raise_for_status().json()
    assert (found["certainty"], len(found["designations"]), found["unreadable"]) == ("exact", 1, [])
    eligible = (await anew.post("/v1/eligibility", {"subject": given(firm)}, params=GROUND)).json()
    assert (eligible["eligible"], eligible["partial"]) == (False, True), "nobody is clean of what cannot be seen"
    assert eligible["unreadable"] == [str(broken.record)]


async def every(house: House, path: str, **params: object) -> tuple[set[str], set[str]]:
    """The records of all pages of one row, and those that are named as unreadable."""
    records, unreadable, cursor = set[str](), set[str](), None
    while True:
        more = {} if cursor is None else {"cursor": cursor}
        page = (await house.get(path, department(), limit=1, **params, **more)).raise_for_status().json()
        records |= {each["record"] for each in page["items"]}
        unreadable |= {*page["unreadable"]}
        assert page["partial"] is bool(page["unreadable"])
        if (cursor := page["next"]) is None:
            return records, unreadable


async def test_nor_does_one_of_which_a_sealed_text_is_damaged_cost_more(house: House):
    firms = [await house.subject(an_organisation()) for _ in range(4)]
    first, broken, *rest = changes = sorted(map(a_record, firms), key=lambda change: change.record)
    await house.load(*changes)
    tasks = (await house.get("/v1/tasks", department(), state="open", limit=200)).json()["items"]
    shown = await house.accesses_of(broken.subject)
    cipher = (await house.equipment.vault.open([broken.subject]))[broken.subject]
    moved = cipher.seal({"ID": "990000196001010011"}, object=uuid4(), field="subject")
    await damage(house, broken.record, broken.model_copy(update={"sealed": (moved,)}).model_dump_json().encode())
    whole = {str(change.record) for change in (first, *rest)}
    assert await every(house, "/v1/designations", list="black") == (whole, {str(broken.record)})
    assert await every(house, "/v1/tasks", state="open") == (whole, {str(broken.record)})
    assert await house.accesses_of(broken.subject) == shown, "nothing was shown of it since"
    for task in tasks:
        answer = await house.get(f"/v1/tasks/{task['id']}", department())
        assert answer.status_code == (503 if task["record"] == str(broken.record) else 200)
