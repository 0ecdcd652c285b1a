"""Who holds a record: departments that acted on it, bureaus that read it, whichever event is handled first."""

from datetime import date
from uuid import UUID, uuid4

import pytest

from creditmesh.chassis.bus.event import Delivered
from creditmesh.exchange import events
from creditmesh.schemas.events import AccessRecorded, HolderChanged, RecordChanged, TaskChanged
from tests.exchange.conftest import NOW, City
from tests.support.node import TestNode

USE_UNTIL = date(2026, 12, 20)


class Told:
    """Events as their readers get them, and what exchange then tells of one record."""

    def __init__(self, node: TestNode) -> None:
        self.node = node
        self.record, self.subject = uuid4(), uuid4()

    async def hand(self, handler, event) -> None:
        delivered = Delivered(
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
        async with self.node.context("exchange") as ctx:
            await handler(ctx, [delivered])

    async def ended(self, change: str = "repaired", rev: int = 2) -> None:
        event = RecordChanged(
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
        await self.hand(events.on_record_changed, event)

    async def task(self, outcome: str, *, party: str = "finance", task: UUID | None = None) -> UUID:
        task = task or uuid4()
        event = TaskChanged(
            task=task,
            subject=uuid4(),
            record=self.record,
            rev=1,
            list="judgment_defaulters",
            measure="procurement_bar",
            party=party,
            outcome=outcome,
        )
        await self.hand(events.on_task_changed, event)
        return task

    async def access(self, *, caller: str = "bureau", outcome: str = "released", party: str = "alpha_credit") -> None:
        event = AccessRecorded(
            access=uuid4(),
            subject=self.subject,
            caller=caller,
            party=party,
            purpose="credit_assessment",
            ground="authorisation",
            outcome=outcome,
            records=(self.record,),
            use_until=USE_UNTIL,
        )
        await self.hand(events.on_access_recorded, event)

    async def lines(self, kind: str) -> list[HolderChanged]:
        await self.node.settled()
        query = "select data from bus.event where type = 'holder.changed' order by id"
        async with self.node.database.session() as session:
            found = [HolderChanged.model_validate_json(row["data"]) for row in await session.fetch(query)]
        return [each for each in found if each.record == self.record and each.kind == kind]


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


async def test_who_was_refused_or_read_for_a_duty_is_no_such_holder(told: Told):
    await told.access(outcome="refused")
    await told.access(caller="department", party="housing")
    await told.ended()
    assert not await told.lines("bureau")


async def test_a_mark_tells_nodes_alone(told: Told):
    await told.task("applied")
    await told.access()
    await told.ended(change="marked")
    assert not await told.lines("department")
    assert not await told.lines("bureau")
