"""For every day: nothing is served by any route whose period had ended or whose item was withdrawn."""

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.query.asking import authorised, by_authorisation, by_matter
from tests.query.conftest import TODAY, House, department, invented_person, person
from tests.query.samples import a_directory, a_record, an_item
from tests.support.letters import letters

ITEMS = tuple(an_item(code, designates="black") for code in ("first", "second", "third"))
CODES = [item.code for item in ITEMS]
DAYS = st.integers(-40, 40).map(lambda days: TODAY + timedelta(days=days))


@st.composite
def revisions(draw):
    begins = draw(DAYS)
    ends = draw(st.none() | st.integers(1, 40).map(lambda days: begins + timedelta(days=days)))
    return {
        "item": draw(st.sampled_from(CODES)),
        "display_from": begins,
        "display_until": ends,
        "state": draw(st.sampled_from(["published", "published", "published", "repaired", "withdrawn"])),
    }


@settings(max_examples=40)
@given(
    drawn=st.lists(revisions(), min_size=1, max_size=6),
    withdrawn=st.dictionaries(st.sampled_from(CODES), DAYS, max_size=2),
    days=st.lists(DAYS, min_size=1, max_size=3),
)
async def test_every_route_serves_exactly_what_is_visible_on_the_day(house: House, drawn, withdrawn, days):
    directory = a_directory(ITEMS, withdrawn=withdrawn)
    identity = invented_person()
    subject = await house.subject(identity)
    name = f"沙盒{letters()}有限公司"
    changes = [
        a_record(subject=subject, kind="natural_person", fields={"DOC": letters(), "NAME": name}, **each)
        for each in drawn
    ]
    house.follow(a_directory(ITEMS))
    authorisation = await authorised(house, subject, items=CODES, max_uses=100, valid_until="2026-12-31")
    house.follow(directory)
    await house.load(*changes)
    for day in days:
        house.on(day)
        expected = {str(each.record) for each in changes if directory.law(day).shows(each)}
        for place, served in (await _served(house, identity, subject, authorisation, day)).items():
            assert {each["record"] for each in served} == expected, (place, day)
        assert not await _strays(house, {str(each.record): each for each in changes}, directory.law(day))


async def _served(house, identity, subject, authorisation, day):
    """What each route that names the subject serves on the day."""
    served = {"matter": (await by_matter(house, identity)).json()}
    if day >= TODAY:
        served["authorisation"] = (await by_authorisation(house, identity, authorisation)).json()
    for answer in served.values():
        ends = [date.fromisoformat(each["display_until"]) for each in answer["released"] if each["display_until"]]
        assert all(day < end and date.fromisoformat(answer["use_until"]) <= end for end in ends)
    found = {place: answer["released"] for place, answer in served.items()}
    async with house.client(person(subject)) as client:
        for route in ("file", "export"):
            found[route] = (await client.get(f"/v1/me/{route}")).raise_for_status().json()["records"]
    return found


async def _strays(house, mine, law):
    """What the public lists show of these records although it is not visible."""
    strays = []
    async with house.client() as client:
        for item in CODES:
            cursor = None
            while True:
                params = {"item": item, "limit": 200} | ({} if cursor is None else {"cursor": cursor})
                answer = await client.get("/v1/public/records", params=params)
                if answer.status_code == 404:
                    assert item in law.withdrawn
                    break
                page = answer.json()
                strays += [
                    each for each in page["items"]
                    if each["record"] in mine and not law.shows(mine[each["record"]])
                ]  # fmt: skip
                if (cursor := page["next"]) is None:
                    break
    return strays


@settings(max_examples=30)
@given(drawn=st.lists(revisions(), min_size=1, max_size=6), day=DAYS, withdrawn=st.none() | st.sampled_from(CODES))
async def test_a_search_finds_exactly_what_is_visible_on_the_day(house: House, drawn, day, withdrawn):
    directory = a_directory(ITEMS, withdrawn={withdrawn: TODAY} if withdrawn else {})
    house.follow(directory)
    name = f"沙盒{letters()}有限公司"
    changes = [a_record(fields={"DOC": letters(), "NAME": name}, **each) for each in drawn]
    await house.load(*changes)
    house.on(day)
    async with house.client() as client:
        found = (await client.post("/v1/public/searches", json={"name": name[:20]})).raise_for_status().json()
    assert {each["record"] for each in found["items"]} == {
        str(each.record) for each in changes if directory.law(day).shows(each)
    }


async def test_what_ended_is_gone_without_any_job_and_back_when_the_day_is(catalogue: House):
    identity = invented_person()
    subject = await catalogue.subject(identity)
    await catalogue.load(a_record(subject=subject, kind="natural_person", display_until=date(2027, 1, 5)))
    counts = []
    for day in (TODAY, date(2027, 1, 4), date(2027, 1, 5), TODAY):
        catalogue.on(day)
        answer = await by_matter(catalogue, identity, caller=department())
        counts.append((len(answer.json()["released"]), answer.json()["use_until"]))
    assert counts == [(1, "2026-06-03"), (1, "2027-01-05"), (0, "2027-02-04"), (1, "2026-06-03")]
