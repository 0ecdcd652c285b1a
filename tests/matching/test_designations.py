"""Who is on a list: organisations named, persons masked, everybody shown told."""

from datetime import date
from uuid import uuid4

from creditmesh.chassis.context import Context
from creditmesh.matching.operations.designations import on_list
from tests.matching.catalogue import TODAY, a_record
from tests.matching.conftest import PARTS, House, a_person, an_organisation, department


async def listed(house: House, code: str = "black", caller=None, **more):
    found, cursor = [], None
    while True:
        params = {"list": code, "limit": 2} | more | ({} if cursor is None else {"cursor": cursor})
        answer = await house.get("/v1/designations", caller, **params)
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        if (cursor := answer.json()["next"]) is None:
            return found


async def test_organisations_are_named_and_persons_masked_and_all_find_it_in_their_log(house: House):
    firm, person, boss = [await house.subject(each) for each in (an_organisation(), a_person(), a_person())]
    record = uuid4()
    cipher = (await house.equipment.vault.open([person]))[person]
    texts = [cipher.seal({"NAME": "沈沙盒", "ID": "990000196001010011"}, object=record, field="subject").model_dump()]
    change = a_record(firm, boss=boss)
    await house.load(change, a_record(person, kind="natural_person", record=record, sealed=texts, fields={"DOC": "x"}))
    found = {each["kind"]: each for each in await listed(house)}
    assert (found["organisation"]["name"], found["organisation"]["number"]) == (
        "沙盒一号有限公司", "91990000MA0000001R",
    )  # fmt: skip
    assert (found["natural_person"]["name"], found["natural_person"]["number"]) == ("沈**", "990000************")
    assert (found["organisation"]["since"], found["organisation"]["until"]) == ("2026-01-05", "2027-01-05")
    for subject in (firm, person):
        (access,) = await house.accesses_of(subject)
        assert (access.purpose, access.outcome, len(access.records)) == ("designations", "released", 1)
    assert await house.accesses_of(boss) == []


async def test_a_list_has_who_is_visibly_on_it_today_page_by_page(house: House):
    changes = [a_record(await house.subject(an_organisation()), display_until=date(2026, 5, 5 + n)) for n in range(5)]
    await house.load(*changes, a_record(changes[0].subject, item="arrears"), a_record(uuid4(), item="penalty"))
    assert [each["record"] for each in await listed(house)] == sorted(str(change.record) for change in changes)
    house.on(date(2026, 5, 7))
    assert {each["record"] for each in await listed(house)} == {str(change.record) for change in changes[3:]}
    house.catalogue.withdraw("item", "default", on=TODAY)
    assert await listed(house) == []


async def test_what_needs_a_matter_or_another_credential_is_not_on_it(house: House):
    await house.load(a_record(await house.subject(an_organisation()), item="secret"))
    assert await listed(house) == []
    await house.load(a_record(await house.subject(an_organisation())))
    assert len(await listed(house)) == 1
    narrow = department(items=frozenset({"honour"}))
    assert await listed(house, caller=narrow) == []
    partial = [
        (await house.get("/v1/designations", caller, list="black")).json()["partial"] for caller in (None, narrow)
    ]
    assert partial == [False, True]


async def test_a_list_that_is_none_is_said_so(house: House):
    assert (await house.get("/v1/designations", list="unheard_of")).status_code == 404
    house.catalogue.withdraw("list", "black")
    assert (await house.get("/v1/designations", list="black")).status_code == 404
    answer = await house.get("/v1/designations")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/query/list"]


_FILL = f"""
    insert into matching.standing
    select n % {PARTS}, gen_random_uuid(), gen_random_uuid(), rev, role, handle, kind, item, list, nature, origin,
           state, mark, decided_on, display_from, display_until, since, at, home, body, responsible
      from matching.standing, generate_series(1, 12000) n where record = $1 and role = 'listed'
"""
_READ = """
    select coalesce(sum(idx_tup_fetch + seq_tup_read), 0)
      from pg_stat_xact_user_tables where relname like 'standing\\_%'
"""


async def test_a_page_of_a_long_list_reads_its_own_rows(house: House):
    change = a_record(await house.subject(an_organisation()))
    await house.load(change)
    async with house.database.session() as session:
        await session.execute(_FILL, change.record)
        await session.execute("analyze matching.standing")
    context, after = Context(house.equipment, caller=department()), None
    try:
        session = await context.session()
        for _ in range(4):
            before = await session.value(_READ)
            page = await on_list(context, "black", after=after, limit=50)
            read, after = await session.value(_READ) - before, page.next
            assert len(page.items) == 50
            assert read < 50 + 2 * PARTS, f"{read} rows were read for a page of 50"
    finally:
        await context.rollback()
