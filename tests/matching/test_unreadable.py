"""A record whose body cannot be read costs itself: lists, inboxes and screenings go on, and say which is left out."""

from uuid import UUID

import pytest

from tests.matching.catalogue import ITEMS, TODAY, Catalogue, a_record
from tests.matching.conftest import House, an_organisation, department, given

GROUND = {"matter": "permit", "officer": "W-17"}
SET = """
    update bus.body_ingestion b set data = '\\x28b52ffd00000000' from matching.standing s
     where s.record = $1 and b.part = s.home and b.id = s.body
"""


@pytest.fixture
async def anew(house: House) -> House:
    house.follow(Catalogue())
    return house


async def damage(house: House, record: UUID) -> None:
    async with house.database.session() as session:
        assert await session.execute(SET, record) == "UPDATE 1"


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
