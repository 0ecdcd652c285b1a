"""Who is told that a record is there and cannot be read has learnt of it: the log says so, and a bureau is a reader."""

from uuid import UUID

from creditmesh.schemas.events import AccessRecorded, DisclosedToBureau
from tests.query.asking import authorised, by_authorisation, by_matter, penalty, somebody
from tests.query.conftest import House
from tests.query.test_queries import ACCESSES
from tests.query.test_unreadable import DAMAGED, damage

BUREAUS = f"select data from bus.event where type = '{DisclosedToBureau.type}'"


async def told(house: House, subject: UUID, *, kind=AccessRecorded, asked: str = f"{ACCESSES} order by id"):
    async with house.database.session() as session:
        events = [kind.model_validate_json(row["data"]) for row in await session.fetch(asked)]
    return [each for each in events if each.subject == subject]


async def test_what_is_named_as_unreadable_is_in_the_access_and_told_of_a_bureau(catalogue: House):
    who, subject = await somebody(catalogue)
    broken = penalty(subject)
    await catalogue.load(broken)
    authorisation = await authorised(catalogue, subject)
    await damage(catalogue, broken.record, DAMAGED["damaged"])
    assert (await by_matter(catalogue, who)).json()["unreadable"] == [str(broken.record)]
    assert (await by_authorisation(catalogue, who, authorisation)).json()["unreadable"] == [str(broken.record)]
    queried = [each for each in await told(catalogue, subject) if each.purpose in {"duty", "loan"}]
    assert [(each.outcome, each.records, each.items) for each in queried] == [
        ("released", (broken.record,), (broken.item,))
    ] * 2
    (bureau,) = await told(catalogue, subject, kind=DisclosedToBureau, asked=BUREAUS)
    assert bureau.records == (broken.record,)


async def test_a_repeated_query_names_no_unreadable_record_that_the_first_answer_did_not_give(catalogue: House):
    who, subject = await somebody(catalogue)
    first, later = penalty(subject), penalty(subject)
    await catalogue.load(first)
    authorisation = await authorised(catalogue, subject)
    given = (await by_authorisation(catalogue, who, authorisation, key="a key of one query")).json()
    assert [each["record"] for each in given["released"]] == [str(first.record)]
    await catalogue.load(later)
    for record in (first.record, later.record):
        await damage(catalogue, record, DAMAGED["damaged"])
    again = (await by_authorisation(catalogue, who, authorisation, key="a key of one query")).json()
    assert (again["released"], again["unreadable"]) == ([], [str(first.record)])
