"""Who is told that a record is there and cannot be read has learnt of it: the access names it."""

from tests.matching.catalogue import ITEMS, TODAY, Catalogue, a_record
from tests.matching.conftest import House, an_organisation, given
from tests.matching.test_unreadable import GROUND, damage


async def test_what_a_screening_and_an_eligibility_name_as_unreadable_is_in_the_access(house: House):
    house.follow(Catalogue())
    firm = an_organisation()
    subject = await house.subject(firm)
    broken = a_record(subject)
    await house.load(broken)
    await damage(house, broken.record)
    display = ITEMS["default"].display.model_copy(update={"months": 30})
    house.catalogue.tell("item", ITEMS["default"].model_copy(update={"display": display}), effective=TODAY)
    screened = (await house.post("/v1/screenings", given(firm), params=GROUND)).raise_for_status().json()
    eligible = (await house.post("/v1/eligibility", {"subject": given(firm)}, params=GROUND)).raise_for_status().json()
    assert screened["unreadable"] == eligible["unreadable"] == [str(broken.record)]
    accesses = await house.accesses_of(subject)
    assert [(each.outcome, each.records) for each in accesses[-2:]] == [("released", (broken.record,))] * 2
