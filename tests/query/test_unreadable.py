"""A record whose body cannot be read costs itself: all others are answered, and it is said which is left out."""

from uuid import UUID, uuid4

import pytest

from tests.query.asking import ask, authorised, by_authorisation, by_matter, get, penalty, somebody
from tests.query.conftest import House, bureau, person
from tests.support.bodies import of_dictionary

DAMAGED = {
    "damaged": b"\x28\xb5\x2f\xfd" + bytes(40),
    "of another dictionary": of_dictionary(40000, b"x"),
    "no JSON": b"{",
}
SET = """
    update bus.body_ingestion b set data = $2 from query.record r
     where r.record = $1 and b.part = r.part and b.id = r.body
"""


async def damage(house: House, record: UUID, data: bytes) -> None:
    async with house.database.session() as session:
        assert await session.execute(SET, record, data) == "UPDATE 1"


@pytest.mark.parametrize("kind", list(DAMAGED))
async def test_a_query_and_a_file_are_answered_without_it_and_say_so(catalogue: House, kind: str):
    who, subject = await somebody(catalogue)
    whole, broken = penalty(subject), penalty(subject)
    await catalogue.load(whole, broken)
    authorisation = await authorised(catalogue, subject)
    await damage(catalogue, broken.record, DAMAGED[kind])
    asked = await by_matter(catalogue, who), await by_authorisation(catalogue, who, authorisation)
    for answer in asked:
        assert answer.status_code == 200, answer.text
        said = answer.json()
        assert [each["record"] for each in said["released"]] == [str(whole.record)]
        assert (said["partial"], said["unreadable"]) == (True, [str(broken.record)])
    file, export = [(await get(catalogue, person(subject), f"/v1/me/{path}")).json() for path in ("file", "export")]
    for said in (file, export):
        assert [each["record"] for each in said["records"]] == [str(whole.record)]
        assert said["unreadable"] == [str(broken.record)]


async def test_what_the_caller_may_not_know_is_not_named_as_unreadable_either(catalogue: House):
    who, subject = await somebody(catalogue)
    broken = penalty(subject, item="licence")
    await catalogue.load(broken)
    authorisation = await authorised(catalogue, subject)
    await damage(catalogue, broken.record, DAMAGED["damaged"])
    said = (await by_authorisation(catalogue, who, authorisation)).json()
    assert (said["released"], said["partial"], said["unreadable"]) == ([], False, [])


async def test_an_operator_is_told_which_record_it_is(catalogue: House, capsys: pytest.CaptureFixture[str]):
    who, subject = await somebody(catalogue)
    broken = penalty(subject)
    await catalogue.load(broken)
    await damage(catalogue, broken.record, DAMAGED["no JSON"])
    await by_matter(catalogue, who)
    captured = capsys.readouterr()
    assert str(broken.record) in captured.out + captured.err


async def test_nor_does_one_of_which_a_sealed_text_is_damaged_cost_more(catalogue: House):
    who, subject = await somebody(catalogue)
    whole, broken = penalty(subject), penalty(subject)
    await catalogue.load(whole, broken)
    authorisation = await authorised(catalogue, subject)
    cipher = (await catalogue.equipment.vault.open([subject]))[subject]
    moved = cipher.seal({"ID": "990000196001010011"}, object=uuid4(), field="subject")
    await damage(catalogue, broken.record, broken.model_copy(update={"sealed": (moved,)}).model_dump_json().encode())
    first, again = [
        await ask(catalogue, bureau(), who, key="once", purpose="loan", authorisation=authorisation, officer="B-3")
        for _ in range(2)
    ]
    for answer in (await by_matter(catalogue, who), first, again):
        assert answer.status_code == 200, answer.text
        said = answer.json()
        assert [each["record"] for each in said["released"]] == [str(whole.record)]
        assert (said["partial"], said["unreadable"]) == (True, [str(broken.record)])
    file, export = [(await get(catalogue, person(subject), f"/v1/me/{path}")).json() for path in ("file", "export")]
    for said in (file, export):
        assert [each["record"] for each in said["records"]] == [str(whole.record)]
        assert said["unreadable"] == [str(broken.record)]
    looks = await catalogue.log_of(subject)
    both = {str(whole.record), str(broken.record)}
    told = [set(each["records"]) for each in looks if each["records"]]
    assert both in told, "that a record exists is told, too"
    assert [each for each in told if not {str(whole.record)} <= each <= both] == []
