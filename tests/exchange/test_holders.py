"""Who holds a record: departments that acted on it, bureaus that read it, whichever event is handled first."""

from datetime import date
from uuid import UUID, uuid4

import pytest

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.errors import Transient
from creditmesh.exchange import events, service
from creditmesh.schemas.events import AccessRecorded, DisclosedToBureau, HolderChanged, RecordChanged, TaskChanged
from tests.exchange.conftest import NOW, City, row_of
from tests.support.node import TestNode
from tests.support.statements import sent_by

USE_UNTIL = date(2026, 12, 20)


class Told:
    """Events as their readers get them, and what exchange then tells of one record."""

    def __init__(self, node: TestNode) -> None:
        self.node = node
        self.record, self.subject = uuid4(), uuid4()

    async def hand(self, handler, *given) -> list[str]:
        """Hand over a batch; the statements it took."""
        async with self.node.context("exchange") as ctx, sent_by(await ctx.session()) as sent:
            await handler(ctx, [delivered(event) for event in given])
        return sent

    def end(self, change: str = "repaired", rev: int = 2) -> RecordChanged:
        return RecordChanged(
            subject=self.subject,
            kind="organisation",
            record=self.record,
            revision=uuid4(),
            rev=rev,
            change=change,
            item="administrative_licence",
            item_version=1,
            origin="city",
            state="repaired" if change == "repaired" else "published",
            decided_on=date(2026, 1, 5),
            display_from=date(2026, 1, 5),
            issuer="11990000000000019A",
            party="market_regulation",
            fields={},
        )

    async def ended(self, change: str = "repaired", rev: int = 2) -> None:
        await self.hand(events.on_record_changed, self.end(change, rev))

    def answer(self, outcome: str, *, party: str = "finance", task: UUID | None = None) -> TaskChanged:
        return TaskChanged(
            task=task or uuid4(),
            subject=uuid4(),
            record=self.record,
            rev=1,
            list="judgment_defaulters",
            measure="procurement_bar",
            party=party,
            outcome=outcome,
        )

    async def task(self, outcome: str, *, party: str = "finance", task: UUID | None = None) -> UUID:
        answer = self.answer(outcome, party=party, task=task)
        await self.hand(events.on_task_changed, answer)
        return answer.task

    def given(self, *, party: str = "alpha_credit", use_until: date = USE_UNTIL) -> DisclosedToBureau:
        return DisclosedToBureau(
            access=uuid4(), subject=self.subject, party=party, records=(self.record,), use_until=use_until
        )

    async def access(self, *given: DisclosedToBureau) -> None:
        await self.hand(events.on_disclosed_to_bureau, *(given or [self.given()]))

    async def lines(self, kind: str) -> list[HolderChanged]:
        await self.node.settled()
        query = "select data from bus.event where type = 'holder.changed' order by id"
        async with self.node.database.session() as session:
            found = [HolderChanged.model_validate_json(row["data"]) for row in await session.fetch(query)]
        return [each for each in found if each.record == self.record and each.kind == kind]

    async def order(self) -> list[str]:
        """The holders, as their lines were told."""
        query = (
            "select e.data from bus.event e join bus.event_order o on o.event = e.id and o.part = e.part"
            " where e.type = 'holder.changed' order by o.number"
        )
        async with self.node.database.session() as session:
            found = [HolderChanged.model_validate_json(row["data"]) for row in await session.fetch(query)]
        return [each.holder for each in found if each.record == self.record]


def delivered(event) -> Delivered:
    return Delivered(
        stream="x",
        part=0,
        number=1,
        before=None,
        id=uuid4(),
        type=event.type,
        version=1,
        key=event.key,
        at=NOW,
        legal_date=NOW.date(),
        traceparent=None,
        data=event.model_dump_json().encode(),
    )


@pytest.fixture
def told(city: City) -> Told:
    return Told(city.node)


async def test_a_department_that_applied_is_told_and_acknowledges_by_lifting(told: Told):
    task = await told.task("applied")
    await told.ended()
    await told.task("lifted", task=task)
    lines = await told.lines("department")
    assert [(line.holder, line.outcome, line.rev) for line in lines] == [
        ("finance", "told", 2),
        ("finance", "acknowledged", 2),
    ]
    assert lines[-1].task == task


async def test_a_department_with_two_tasks_acknowledges_with_the_last(told: Told):
    first, second = await told.task("applied"), await told.task("applied")
    await told.ended()
    await told.task("lifted", task=first)
    assert (await told.lines("department"))[-1].outcome == "told"
    await told.task("lifted", task=second)
    assert (await told.lines("department"))[-1].outcome == "acknowledged"


async def test_a_batch_of_answers_is_noted_as_one_after_the_other_would_be(told: Told):
    await told.ended()
    first, second = uuid4(), uuid4()
    answers = [("applied", first), ("lifted", first), ("applied", second), ("lifted", second)]
    await told.hand(events.on_task_changed, *(told.answer(outcome, task=task) for outcome, task in answers))
    lines = await told.lines("department")
    assert [line.outcome for line in lines] == ["told", "acknowledged", "told", "acknowledged"]
    await told.task("lifted", task=first)
    assert (await told.lines("department"))[-1].outcome == "acknowledged"


@pytest.mark.parametrize(
    ("handler", "given"),
    [(events.on_task_changed, lambda told: told.answer("applied")), (events.on_record_changed, Told.end)],
    ids=["answers", "endings"],
)
async def test_a_batch_about_many_records_takes_no_more_statements_than_one_about_one(city: City, handler, given):
    ended = [Told(city.node) for _ in range(21)]
    for each in ended:
        await each.task("applied")
        await each.ended()
    one, *many = (given(each) for each in ended)
    few = await Told(city.node).hand(handler, one)
    assert len(await Told(city.node).hand(handler, *many)) <= len(few)


async def test_who_stands_above_is_said_by_who_has_followed_the_catalogue(told: Told):
    equipment = told.node.host.equipment["exchange"]
    passed, equipment.followed.passed = equipment.followed.passed, 0
    try:
        with pytest.raises(Transient, match="follow"):
            await told.ended()
    finally:
        equipment.followed.passed = passed
    assert await told.lines("node") == []
    await told.ended()
    assert [line.holder for line in await told.lines("node")] == ["city"]


async def test_a_department_that_applied_nothing_holds_nothing(told: Told):
    await told.task("not_executed")
    await told.task("not_applicable", party="housing")
    await told.ended()
    assert not await told.lines("department")


async def test_what_is_handled_after_the_end_is_told_all_the_same(told: Told):
    await told.ended()
    await told.task("applied")
    await told.access()
    assert [line.outcome for line in await told.lines("department")] == ["told"]
    assert [line.outcome for line in await told.lines("bureau")] == ["unreachable"]


async def test_a_bureau_is_named_with_its_last_access_and_until_when_it_may_use_the_answer(told: Told):
    await told.access()
    await told.ended()
    [line] = await told.lines("bureau")
    assert (line.holder, line.outcome, line.last_access, line.use_until) == (
        "alpha_credit", "unreachable", NOW, USE_UNTIL,
    )  # fmt: skip


async def test_two_accesses_in_one_batch_leave_the_later_day_of_the_two_answers(told: Told):
    await told.access(told.given(use_until=USE_UNTIL), told.given(use_until=date(2026, 12, 1)))
    await told.ended()
    [line] = await told.lines("bureau")
    assert line.use_until == USE_UNTIL


def test_of_accesses_the_exchange_reads_those_of_bureaus_alone():
    assert DisclosedToBureau in service.handles
    assert AccessRecorded not in service.handles


async def test_a_mark_tells_nodes_alone(told: Told):
    await told.task("applied")
    await told.access()
    await told.ended(change="marked")
    assert not await told.lines("department")
    assert not await told.lines("bureau")


@pytest.mark.parametrize("active", [False, True])
async def test_it_is_told_last_and_once_who_above_may_have_it_also_who_was_taken_out(
    city: City, told: Told, *, active: bool
):
    await city.publish("party", row_of("province", city.above.keys, place="above", order=701, active=active))
    await told.task("applied")
    await told.hand(events.on_record_changed, told.end("accepted", 1), told.end())
    [department, node] = [*await told.lines("department"), *await told.lines("node")]
    assert (node.holder, node.outcome, node.above) == ("city", "told", ("province",))
    assert await told.order() == [department.holder, node.holder], "whoever reads this has read the others"


async def test_nobody_is_owed_an_answer_about_what_stands_in_the_feed_as_withheld(city: City, told: Told):
    known = city.node.host.followed.version("item", "administrative_licence", 1).body
    body = known.model_dump(mode="json") | {"code": "closing", "name": "Closing", "name_zh": "不再共享"}
    await city.publish("item", body | {"shared_upwards": True})

    def said(change: str, rev: int, version: int) -> RecordChanged:
        return told.end(change, rev).model_copy(update={"item": "closing", "item_version": version})

    await told.hand(events.on_record_changed, said("accepted", 1, 1))
    await city.publish("item", body | {"shared_upwards": False}, again=True)
    ended = [said("repaired", 2, 2), said("reopened", 3, 2), said("withdrawn", 4, 2)]
    await told.hand(events.on_record_changed, *ended)
    lines = await told.lines("node")
    assert [(line.rev, line.outcome, line.above) for line in lines] == [
        (2, "told", ("province",)),
        (3, "unshared", ()),
        (4, "told", ("province",)),
    ]
