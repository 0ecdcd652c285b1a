"""Many at once: uses are counted exactly, revocation holds, and what changes meanwhile is not released."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import asyncpg
import pytest

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Unavailable
from creditmesh.query.operations.queries import answer_query
from creditmesh.query.store import records
from creditmesh.schemas.queries import QueryIn
from tests.query.asking import authorised, by_authorisation, by_matter, penalty, somebody
from tests.query.conftest import House, asked_about, bureau, department, person
from tests.support.eventually import eventually


async def test_of_200_parallel_queries_an_authorisation_of_five_uses_answers_exactly_five(catalogue: House):
    identity, subject = await somebody(catalogue)
    await catalogue.load(penalty(subject))
    authorisation = await authorised(catalogue, subject, max_uses=5)
    queue = asyncio.Semaphore(16)  # more than the pool has, less than what it makes wait for seconds

    async def one():
        async with queue:
            return (await by_authorisation(catalogue, identity, authorisation)).status_code

    answers = await asyncio.gather(*(one() for _ in range(200)))
    assert sorted(set(answers)) == [200, 403]
    assert answers.count(200) == 5
    log = await catalogue.log_of(subject)
    assert [line["outcome"] for line in log].count("released") == 5
    assert len(log) == 200


@pytest.mark.parametrize("uses", [1, 20])
async def test_equal_requests_with_one_idempotency_key_are_one_decision_and_one_use(catalogue: House, uses):
    identity, subject = await somebody(catalogue)
    await catalogue.load(penalty(subject))
    authorisation = await authorised(catalogue, subject, max_uses=uses)
    sent = [by_authorisation(catalogue, identity, authorisation, key=f"same-{subject}") for _ in range(12)]
    answers = await asyncio.gather(*sent)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["decision_id"] for answer in answers}) == 1
    log = await catalogue.log_of(subject)
    assert len(log) == 12
    assert [line["repeats"] for line in log].count(None) == 1
    assert await uses_of(catalogue, authorisation) == 1


async def test_a_use_that_is_being_counted_is_waited_for(catalogue: House):
    identity, subject = await somebody(catalogue)
    authorisation = await authorised(catalogue, subject, max_uses=1)
    async with catalogue.database.session() as session, session.transaction():
        await session.execute("update query.authorisation set uses = 1 where id = $1", UUID(authorisation))
        asking = asyncio.create_task(by_authorisation(catalogue, identity, authorisation))
        await eventually(lambda: session.fetchval(WAITING))
        assert not asking.done()
    assert (await asking).status_code == 403


async def test_no_answer_is_decided_after_a_revocation_was_confirmed(catalogue: House):
    for _ in range(15):
        identity, subject = await somebody(catalogue)
        authorisation = await authorised(catalogue, subject, max_uses=100)
        confirmed = asyncio.Event()
        late: list[int] = []

        async def asks(identity=identity, authorisation=authorisation, confirmed=confirmed, late=late):
            for _ in range(4):
                begun_after = confirmed.is_set()
                status = (await by_authorisation(catalogue, identity, authorisation)).status_code
                if begun_after:
                    late.append(status)

        async def revokes(subject=subject, authorisation=authorisation, confirmed=confirmed):
            async with catalogue.client(person(subject)) as client:
                assert (await client.delete(f"/v1/me/authorisations/{authorisation}")).status_code == 204
            confirmed.set()

        await asyncio.gather(asks(), asks(), revokes())
        assert set(late) <= {403}
        assert (await by_authorisation(catalogue, identity, authorisation)).status_code == 403


async def test_what_is_repaired_while_it_is_being_read_is_not_released(catalogue: House):
    """The reader's transaction is open on the row: the query neither waits for it nor releases the old revision."""
    identity, subject = await somebody(catalogue)
    fine = penalty(subject)
    await catalogue.load(fine)
    repaired = penalty(subject, record=fine.record, rev=2, state="repaired", change="repaired")
    context = catalogue.context()
    session = await context.session()
    newest = records.Newest(context.part(str(subject)), repaired, uuid4(), fresh=False)
    await records.write(session, [newest])
    query = QueryIn(subject=asked_about(identity), purpose="duty", matter="permit", officer="W-17")
    asking = catalogue.context(department())
    with pytest.raises(Unavailable):
        await answer_query(asking, query)
    await asking.rollback()
    await context.commit()
    assert (await by_matter(catalogue, identity)).json()["released"] == []


WAITING = """
    select exists (select from pg_stat_activity
                    where application_name like 'test/query [%' and wait_event_type = 'Lock')
"""


class Interrupted(Context):
    """A context in which a repair is applied between what was read and the first statement that would release it."""

    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def write(self, statement, values):
        applied, Interrupted.meanwhile = Interrupted.meanwhile, None
        if applied is not None:
            await applied()
        return await super().write(statement, values)


@pytest.mark.parametrize("key", [None, "a-key"])
async def test_what_was_repaired_between_the_two_statements_is_noticed_and_counts_no_use(catalogue: House, key):
    identity, subject = await somebody(catalogue)
    fine = penalty(subject)
    await catalogue.load(fine)
    repaired = penalty(subject, record=fine.record, rev=2, state="repaired", change="repaired")
    given = await authorised(catalogue, subject, max_uses=1)
    query = QueryIn(subject=asked_about(identity), purpose="loan", officer="B-3", authorisation=UUID(given))
    Interrupted.meanwhile = lambda: catalogue.load(repaired)
    context = Interrupted(catalogue.equipment, caller=bureau())
    answer, _ = await answer_query(context, query, key=key)
    await context.commit()
    assert Interrupted.meanwhile is None
    assert answer.released == ()
    assert await uses_of(catalogue, given) == 1
    (line,) = [line for line in await catalogue.log_of(subject) if line["purpose"] == "loan"]
    assert (line["access"], line["outcome"], line["records"]) == (str(answer.decision_id), "nothing", [])


async def test_a_refused_use_keeps_no_idempotency_key(catalogue: House):
    identity, subject = await somebody(catalogue)
    given = await authorised(catalogue, subject, max_uses=1)
    assert (await by_authorisation(catalogue, identity, given)).status_code == 200
    key = f"refused-{subject}"
    assert (await by_authorisation(catalogue, identity, given, key=key)).status_code == 403
    async with catalogue.database.session() as session:
        assert await session.fetchval("select count(*) from query.idempotency where key = $1", key) == 0


async def uses_of(house: House, authorisation: str) -> int:
    async with house.database.session() as session:
        return await session.fetchval("select uses from query.authorisation where id = $1", UUID(authorisation))


async def test_the_reader_waits_for_a_query_that_holds_a_record_and_nobody_waits_in_a_circle(catalogue: House):
    identity, subject = await somebody(catalogue)
    fine = penalty(subject)
    await catalogue.load(fine)
    repaired = penalty(subject, record=fine.record, rev=2, state="repaired", change="repaired")

    async def asks():
        answers = [await by_matter(catalogue, identity) for _ in range(10)]
        return [bool(answer.json()["released"]) for answer in answers if answer.status_code == 200]

    found = await asyncio.gather(asks(), asks(), catalogue.load(repaired))
    for seen in found[:2]:
        assert seen == sorted(seen, reverse=True)  # once gone, gone
    assert (await by_matter(catalogue, identity)).json()["released"] == []


async def test_a_commit_that_fails_answers_503_and_releases_nothing(catalogue: House):
    identity, subject = await somebody(catalogue)
    fine = penalty(subject)
    await catalogue.load(fine)
    async with catalogue.database.session() as session:
        await session.execute(
            "create function public.refuse() returns trigger language plpgsql as $$"
            " begin raise exception 'no space is left' using errcode = 'disk_full'; end $$"
        )
        await session.execute(
            "create constraint trigger refuse after insert on query.access deferrable initially deferred"
            " for each row execute function public.refuse()"
        )
        try:
            answer = await by_matter(catalogue, identity)
            async with catalogue.client(person(subject)) as client:
                mine = await client.get("/v1/me/file")
        finally:
            await session.execute("drop trigger refuse on query.access; drop function public.refuse()")
    for refused in (answer, mine):
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        assert str(fine.record) not in refused.text
        assert refused.headers["retry-after"] == "1"
    assert await catalogue.log_of(subject) == []


@pytest.mark.parametrize(
    "statement",
    [
        "update query.access set at = at",
        "delete from query.access",
        "truncate query.access",
        "update query.access_3 set at = at",
        "delete from query.access_3",
        "update query.authorisation set token = token",
        "update query.authorisation set max_uses = 9",
        "delete from query.authorisation",
        "drop table query.access",
        "select * from ingestion.revision",
        "select * from vault.subject",
        "select * from bus.event",
    ],
)
async def test_the_services_role_may_not(catalogue: House, statement):
    async with catalogue.database.session("query") as session:
        refusals = (asyncpg.InsufficientPrivilegeError, asyncpg.InvalidSchemaNameError, asyncpg.UndefinedTableError)
        with pytest.raises(refusals):
            await session.execute(statement)
