"""One context for an operation: what it writes and gathers is committed once, by others, or not at all."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest

from creditmesh.chassis.clock import Clock
from creditmesh.chassis.context import Context
from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.database.session import COPY_FROM, Session
from creditmesh.chassis.errors import Unavailable
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import AccessRecorded, ClockChanged
from tests.chassis import toys
from tests.chassis.conftest import DEPARTMENT, Nursery
from tests.support.eventually import eventually
from tests.support.postgres import Postgres
from tests.support.proxy import Proxy
from tests.support.statements import sent_by

MARK = "insert into toy.mark (id) values (:id)"
_EVENTS = (
    "select id, key, type, version, part, at, legal_date, traceparent, data from bus.event where key = $1 order by id"
)


async def test_only_declared_events_are_emitted(nursery: Nursery):
    context = nursery.context()
    with pytest.raises(TypeError, match=r"toy does not declare that it emits clock\.changed"):
        context.emit(ClockChanged(offset_days=1))
    await context.commit()
    assert await nursery.emitted(UUID(int=1)) == 0


async def test_a_kind_of_a_declared_event_is_not_declared_with_it(nursery: Nursery):
    class Widened(AccessRecorded):
        secret: str = "x"

    values = {"access": uuid4(), "subject": uuid4(), "caller": "bureau", "purpose": "p", "ground": "g"}
    with pytest.raises(TypeError):
        nursery.context().emit(Widened(**values, outcome="refused"))


async def test_rows_of_an_outbox_are_for_services_that_declare_one(nursery: Nursery):
    with pytest.raises(TypeError, match="declares no outbox"):
        nursery.context().emit_row(uuid4(), part=0)


async def test_events_are_written_with_the_rows_and_queued_in_the_order_they_were_gathered(nursery: Nursery):
    subject = uuid4()
    async with nursery.committed() as ctx:
        gathered = [toys.disclosed(ctx, subject) for _ in range(5)]
        assert await nursery.emitted(subject) == 0
    async with nursery.database.session() as session:
        queued = await session.fetch(
            "select q.event from bus.event_queue q join bus.event e on e.id = q.event where e.key = $1 order by q.id",
            str(subject),
        )
    assert [row["event"] for row in queued] == gathered


@pytest.mark.parametrize("count", [1, 29, 30, 200])
async def test_few_or_many_events_are_written_alike(nursery: Nursery, count: int):
    subject, moment = uuid4(), datetime(2026, 5, 3, 16, 0, tzinfo=UTC)
    equipment = replace(nursery.equipment, clock=Clock(lambda: 10, real=lambda: moment))
    context = Context(equipment, caller=DEPARTMENT, traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01")
    for _ in range(count):
        toys.disclosed(context, subject)
    await context.commit()
    async with nursery.database.session() as session:
        rows = await session.fetch(_EVENTS, str(subject))
    assert len(rows) == count
    for row in rows:
        assert row["type"] == "access.recorded"
        assert row["version"] == AccessRecorded.version
        assert row["part"] == context.part(str(subject))
        assert row["at"] == moment
        assert row["legal_date"] == date(2026, 5, 14)
        assert row["traceparent"].startswith("00-aaa")
        assert AccessRecorded.model_validate_json(row["data"]).subject == subject
    assert await nursery.emitted(subject) == count


async def test_the_orderer_is_woken_after_the_commit_of_events_and_only_then(nursery: Nursery):
    woken: list[bool] = []
    subject = uuid4()

    def wake() -> None:
        woken.append(True)

    equipment = replace(nursery.equipment, wake=wake)
    context = Context(equipment, caller=DEPARTMENT)
    await (await context.session()).execute(MARK, {"id": uuid4()})
    await context.commit()
    assert woken == []
    toys.disclosed(context, subject)
    await context.rollback()
    await context.commit()
    assert woken == []
    toys.disclosed(context, subject)
    assert woken == []
    await context.commit()
    assert woken == [True]
    assert await nursery.emitted(subject) == 1


async def test_a_batch_is_committed_by_its_reader(nursery: Nursery):
    subject = uuid4()
    async with nursery.equipment.pool.session() as session:
        context = Context(nursery.equipment, _session=session, _owned=False)
        toys.disclosed(context, subject)
        await context.commit()
        assert await nursery.emitted(subject) == 0
        await session.commit()
    assert await nursery.emitted(subject) == 1


async def test_each_chunk_of_a_streamed_body_is_committed_by_itself(nursery: Nursery):
    marks, subject = [uuid4() for _ in range(3)], uuid4()
    context = nursery.context()

    async def chunk(mark: UUID) -> None:
        async with context.transaction() as session:
            await session.execute(MARK, {"id": mark})
            toys.disclosed(context, subject)
            if mark == marks[2]:
                raise RuntimeError

    for mark in marks[:2]:
        await chunk(mark)
        assert await nursery.marked(mark)
    with pytest.raises(RuntimeError):
        await chunk(marks[2])
    assert not await nursery.marked(marks[2])
    assert await nursery.emitted(subject) == 2


async def _cut_off(nursery: Nursery, session: Session) -> None:
    async with nursery.database.session() as admin:
        await admin.execute("select pg_terminate_backend($1, 5000)", session.driver.get_server_pid())


async def _break_a_constraint(_: Nursery, session: Session) -> None:
    await session.execute("insert into toy.child (id, mark) values (:id, :id)", {"id": uuid4()})


@pytest.mark.parametrize(
    ("fault", "error"), [(_cut_off, Unavailable), (_break_a_constraint, DatabaseError)], ids=["lost", "refused"]
)
async def test_a_commit_that_fails_released_nothing_and_the_context_can_go_on(
    nursery: Nursery, fault: Callable[[Nursery, Session], Awaitable[None]], error: type[Exception]
):
    subject, mark = uuid4(), uuid4()
    context = nursery.context()
    await fault(nursery, await context.session())
    toys.disclosed(context, subject)
    with pytest.raises(error):
        await context.commit()
    assert await nursery.emitted(subject) == 0
    await (await context.session()).execute(MARK, {"id": mark})
    await context.commit()
    assert await nursery.marked(mark)
    assert await nursery.emitted(subject) == 0


async def test_a_commit_that_did_not_come_back_says_that_nothing_was_released(nursery: Nursery):
    context = nursery.context()
    await _cut_off(nursery, await context.session())
    with pytest.raises(Unavailable, match=r"(?i)nothing was released") as caught:
        await context.commit()
    assert caught.value.headers == {"Retry-After": "1"}


@pytest.mark.parametrize("begun", [False, True], ids=["one statement", "transaction"])
async def test_a_commit_whose_answer_was_lost_says_that_it_may_be_stored(
    nursery: Nursery, postgres: Postgres, *, begun: bool
):
    subject = uuid4()
    async with Proxy(postgres.port) as between:
        pool = Pool(
            between.through(nursery.database.addresses["toy"]), application_name="test", size=1, seconds_to_answer=0.5
        )
        context = Context(replace(nursery.equipment, pool=pool), caller=DEPARTMENT)
        toys.disclosed(context, uuid4())
        await context.commit()  # its statement is prepared from now on: nothing but its execution is left
        toys.disclosed(context, subject)
        if begun:
            await enqueued(context)
        between.lose_answers()
        with pytest.raises(Unavailable, match=r"not known whether this was stored.*same Idempotency-Key") as caught:
            await context.commit()
        assert "无法确定是否已保存" in str(caught.value.detail_zh)
        await pool.close()
    await eventually(lambda: was_emitted(nursery, subject))


async def test_what_was_lost_before_the_commit_says_that_nothing_is_stored(nursery: Nursery, postgres: Postgres):
    subject = uuid4()
    async with Proxy(postgres.port) as between:
        pool = Pool(
            between.through(nursery.database.addresses["toy"]), application_name="test", size=1, seconds_to_answer=0.5
        )
        context = Context(replace(nursery.equipment, pool=pool), caller=DEPARTMENT)
        await (await context.session()).execute(MARK, {"id": uuid4()})
        toys.disclosed(context, subject)
        between.lose_answers()
        with pytest.raises(Unavailable, match="could not be stored"):
            await context.commit()
        await pool.close()
    assert not await nursery.emitted(subject)


async def enqueued(context: Context) -> None:
    """Write what was gathered, so that nothing but the commit is left."""
    for _ in range(COPY_FROM):
        toys.disclosed(context, uuid4())
    await context.flush()


async def was_emitted(nursery: Nursery, subject: UUID) -> bool:
    return await nursery.emitted(subject) == 1


async def test_a_context_that_began_no_transaction_commits_with_no_statement(nursery: Nursery):
    pool = nursery.database.pool("toy", size=1)
    async with pool.session() as only:
        pass
    context = Context(replace(nursery.equipment, pool=pool), caller=DEPARTMENT)
    async with sent_by(only) as sent:
        assert await (await context.alone()).value("select 1") == 1
        await context.commit()
        async with asyncio.timeout(60), pool.session():
            """It has been given back."""
    assert sent == ["select 1"]


async def test_a_context_that_is_closed_gives_no_session_and_counts_no_body(nursery: Nursery):
    context = nursery.context()
    await context.close()
    for again in (context.alone, context.session, lambda: context.hold(1)):
        with pytest.raises(RuntimeError, match="closed"):
            await again()
    await context.commit()
    await context.rollback()


@pytest.mark.parametrize("trouble", [None, RuntimeError, asyncio.CancelledError])
async def test_what_is_read_after_a_context_was_closed_gives_its_session_back_however_it_ends(
    nursery: Nursery, trouble: type[BaseException] | None
):
    pool = nursery.database.pool("toy", size=1)
    context = Context(replace(nursery.equipment, pool=pool), caller=DEPARTMENT, request_id="r")
    today = context.legal_date
    await context.close()
    with nullcontext() if trouble is None else pytest.raises(trouble):
        async with context.afterwards() as later:
            assert (later.known_caller, later.request_id, later.legal_date) == (DEPARTMENT, "r", today)
            assert (await later.session()).share == DEPARTMENT.share
            if trouble is not None:
                raise trouble
    async with asyncio.timeout(60), pool.session() as session:
        assert not session.in_transaction


async def test_a_transaction_that_was_lost_is_not_begun_again_unnoticed(nursery: Nursery):
    mark, context = uuid4(), nursery.context()
    await (await context.session()).execute(MARK, {"id": mark})
    await _cut_off(nursery, await context.session())
    with pytest.raises(DatabaseError) as caught:
        await (await context.session()).execute(MARK, {"id": uuid4()})
    assert caught.value.lost
    with pytest.raises(Unavailable):
        await context.commit()
    assert not await nursery.marked(mark)


async def test_a_context_that_wrote_nothing_opens_nothing(nursery: Nursery):
    pool = nursery.database.pool("toy", size=1)
    async with pool.session():  # the only one
        context = Context(replace(nursery.equipment, pool=pool), caller=DEPARTMENT)
        async with asyncio.timeout(60):
            await context.commit()
            await context.rollback()


def test_the_legal_date_is_one_throughout_a_context_and_the_instant_is_not(nursery: Nursery):
    moments = iter([datetime(2026, 5, 3, 15, 59, tzinfo=UTC), *[datetime(2026, 5, 3, 16, 1, tzinfo=UTC)] * 3])
    context = Context(replace(nursery.equipment, clock=Clock(real=lambda: next(moments))))
    assert context.legal_date == date(2026, 5, 3)
    assert context.instant == datetime(2026, 5, 3, 16, 1, tzinfo=UTC)
    assert context.legal_date == date(2026, 5, 3)


async def test_a_disclosure_names_the_caller_and_has_its_decision_as_its_id(nursery: Nursery):
    subject, record = uuid4(), uuid4()
    async with nursery.committed() as ctx:
        decision = ctx.disclose(
            subject, purpose="duty", ground="statutory", outcome="released", items=["penalty"], records=[record],
            matter="procurement", officer="W-17",
        )  # fmt: skip
    async with nursery.database.session() as session:
        (row,) = await session.fetch(_EVENTS, str(subject))
    access = AccessRecorded.model_validate_json(row["data"])
    assert row["id"] == access.access == decision
    assert (access.caller, access.party, access.officer) == ("department", "dept.toys", "W-17")
    assert (access.items, access.records, access.outcome) == (("penalty",), (record,), "released")


async def test_a_batch_has_no_caller_and_discloses_nothing(nursery: Nursery):
    context = nursery.context(None)
    with pytest.raises(RuntimeError, match="no caller"):
        context.disclose(uuid4(), purpose="p", ground="g", outcome="refused")


def test_what_is_followed_is_given_as_the_type_it_is(nursery: Nursery):
    class Other(Directory):
        """Another."""

    context = nursery.context()
    assert context.followed(Directory) is nursery.equipment.followed
    with pytest.raises(TypeError, match="follows Directory, not Other"):
        context.followed(Other)


def test_ids_are_of_version_7_and_rise(nursery: Nursery):
    ids = [nursery.context().new_id() for _ in range(1000)]
    assert {made.version for made in ids} == {7}
    assert ids == sorted(ids)
