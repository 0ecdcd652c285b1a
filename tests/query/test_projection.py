"""The read models from events: the newest revision stands, whatever order batches are cut in."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditmesh.chassis.bus.event import part_of
from creditmesh.chassis.errors import Transient
from creditmesh.chassis.service import Declaration
from creditmesh.query import service
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import AccessRecorded
from tests.query.conftest import ITEMS, PARTS, TODAY, House, invented_person, person
from tests.query.samples import a_directory, a_record, an_item


async def rows(house: House, table: str, record):
    async with house.database.session("query") as session:
        return await session.fetch(f"select * from query.{table} where record = $1", record)


def history(states, **more):
    record, subject = uuid4(), uuid4()
    return [
        a_record(
            record=record,
            subject=subject,
            rev=rev,
            state=state,
            fields={"DOC": str(rev), "NAME": f"沙盒{record}"},
            **more,
        )
        for rev, state in enumerate(states, 1)
    ]


@settings(max_examples=40)
@given(
    states=st.lists(st.sampled_from(["published", "repaired", "withdrawn"]), min_size=1, max_size=6),
    cuts=st.sets(st.integers(1, 5)),
    repeats=st.sets(st.integers(1, 5)),
)
async def test_both_read_models_hold_the_newest_revision_however_it_came(house: House, states, cuts, repeats):
    house.follow(a_directory(ITEMS))
    changes = history(states)
    batch = []
    for place, change in enumerate(changes):
        if place in cuts and batch:
            await house.load(*batch)
            batch = []
        batch.append(change)
    await house.load(*batch)
    for place in repeats & set(range(1, len(changes))):
        await house.load(changes[place])  # an older revision again: nothing goes back
    (row,) = await rows(house, "record", changes[0].record)
    assert (row["rev"], row["state"]) == (len(changes), states[-1])
    public = await rows(house, "public_record", changes[0].record)
    assert [each["rev"] for each in public] == ([len(changes)] if states[-1] == "published" else [])


async def test_a_record_whose_first_revision_was_dropped_comes_with_the_next(catalogue: House):
    _, second = history(["published", "published"])
    await catalogue.load(second)
    (row,) = await rows(catalogue, "record", second.record)
    assert row["rev"] == 2


async def test_the_public_read_model_has_no_originals_and_nothing_that_is_not_public(catalogue: House):
    boss = await catalogue.subject(invented_person())
    cipher = (await catalogue.equipment.vault.open([boss]))[boss]
    record = uuid4()
    sealed = cipher.seal({"BOSS": "殷沙盒"}, object=record, field="representative").model_dump()
    organisation = a_record(record=record, sealed=[sealed])
    await catalogue.load(organisation, nobody := a_record(kind="natural_person", fields={"DOC": "x"}))
    assert await rows(catalogue, "public_record", nobody.record) == []
    (row,) = await rows(catalogue, "public_record", record)
    text = bytes(row["data"]).decode()
    assert '"BOSS":"殷**"' in text
    assert "殷沙盒" not in text
    assert str(organisation.subject) not in text
    assert "sealed" not in text


async def test_a_repaired_record_leaves_nothing_in_the_public_read_model(catalogue: House):
    first, second = history(["published", "repaired"])
    await catalogue.load(first)
    assert len(await rows(catalogue, "public_record", first.record)) == 1
    await catalogue.load(second)
    assert await rows(catalogue, "public_record", first.record) == []


async def test_a_record_of_an_item_this_process_has_not_followed_yet_waits(catalogue: House):
    change = a_record(item="tomorrow")
    with pytest.raises(Transient):
        await catalogue.load(change)
    assert await rows(catalogue, "record", change.record) == []
    catalogue.follow(a_directory([*ITEMS, an_item("tomorrow")]))
    await catalogue.load(change)
    assert len(await rows(catalogue, "record", change.record)) == 1


async def test_the_log_has_this_services_accesses_as_they_were_committed_and_those_of_others_as_they_arrive(
    catalogue: House,
):
    subject = await catalogue.subject(invented_person())
    async with catalogue.client(person(subject)) as client:
        own = (await client.get("/v1/me/file")).json()["decision_id"]
    theirs = AccessRecorded(
        access=uuid4(), subject=subject, caller="department", party="market", purpose="case", ground="statutory",
        outcome="released",
    )  # fmt: skip
    await catalogue.hear(theirs)
    assert [line["access"] for line in await catalogue.log_of(subject)] == [str(theirs.access), own]


async def test_a_look_at_a_node_above_is_one_line_however_often_it_is_handed_down(catalogue: House):
    """A node between that was restored hands it down again; of many records it is told in several statements."""
    subject, other, access = await catalogue.subject(invented_person()), uuid4(), uuid4()
    records = [uuid4() for _ in range(2)]
    looks = [
        AccessRecorded(
            access=access, subject=who, caller="department", party="market", purpose="case", ground="statutory",
            outcome="released", records=(record,), node=node,
        )
        for who, node, record in (
            (subject, "nation", records[0]), (subject, "nation", records[1]), (other, "nation", records[0]),
            (subject, "province", records[0]),
        )
    ]  # fmt: skip
    for each in looks * 2:
        await catalogue.hear(each, stream="ingestion")
    async with catalogue.database.session() as session:
        lines = await session.fetch(
            "select data from query.access where key = any($1) order by entry", [subject, other]
        )
    assert [AccessRecorded.model_validate_json(line["data"]) for line in lines] == looks


async def test_an_own_access_is_written_once_and_read_from_the_log_itself(catalogue: House):
    subject = await catalogue.subject(invented_person())
    async with catalogue.client(person(subject)) as client:
        decision = UUID((await client.get("/v1/me/file")).json()["decision_id"])
    async with catalogue.database.session() as session:
        assert await session.fetchval("select count(*) from bus.event where id = $1", decision) == 0
        queued = await session.fetchrow("select stream, part, type from bus.event_queue where event = $1", decision)
        line = await session.fetchrow("select part, key, legal_date from query.access where id = $1", decision)
    assert tuple(queued) == ("query", part_of(str(subject), PARTS), "access.recorded")
    assert tuple(line) == (queued["part"], subject, TODAY)
    alone = Declaration(services=(service,), follow="query", followed=Directory)
    assert alone.streams_of(service) == {}


@pytest.mark.parametrize("count", [1, 29, 30, 70])
async def test_few_or_many_own_accesses_are_written_into_the_log_alike(catalogue: House, count):
    subject = await catalogue.subject(invented_person())
    context = catalogue.context(person(subject))
    given = [context.disclose(subject, purpose="own_file", ground="self", outcome="released") for _ in range(count)]
    await context.commit()
    async with catalogue.database.session() as session:
        lines = await session.fetch("select id from query.access where key = $1 order by entry", subject)
        queued = await session.fetch("select event from bus.event_queue where event = any($1) order by id", given)
        assert await session.fetchval("select count(*) from bus.event where id = any($1)", given) == 0
    assert [line["id"] for line in lines] == [row["event"] for row in queued] == given
