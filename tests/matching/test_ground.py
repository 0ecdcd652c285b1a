"""In whatever order things happen: no task and no designation without a visible ground, and none missing.

Records, corrections to another representative, repairs, removals, reopenings, days, withdrawn items and measures, items
and measures under other periods, lists and measures that are not verified, and answers, in random order and random
batches, against a model that recomputes everything from what happened.
"""

from datetime import timedelta
from hashlib import sha256
from itertools import islice
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditmesh.chassis.bus.event import part_of
from creditmesh.schemas.events import RecordChanged
from tests.matching.catalogue import BAR, ITEMS, LANE, LUXURY, TODAY, Catalogue, a_list, a_record, revised
from tests.matching.conftest import PARTS, House, a_person, an_organisation, department
from tests.matching.conftest import given as as_given
from tests.matching.model import LISTS, Model, Record

STATES = ("open", "answered", "withdrawn", "closed")
ANSWERS = ("applied", "not_executed", "lifted")
PUBLISHED = {"bar": BAR, "luxury": LUXURY, "lane": LANE}
STEPS = {
    "record": 6, "correct": 4, "repair": 2, "remove": 2, "reopen": 2, "days": 5, "item": 1, "measure": 2, "answer": 6,
    "rule": 5, "period": 4, "doubt": 2,
}  # fmt: skip
step = st.tuples(
    st.sampled_from([name for name, weight in STEPS.items() for _ in range(weight)]),
    st.integers(0, 1000),
    st.integers(0, 1000),
    st.booleans(),
)


class World:
    """The service and the model, led through the same steps."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.model = Model(TODAY)
        self.identities: dict[str, Any] = {}
        self.subjects: dict[str, UUID] = {}
        self.newest: dict[int, RecordChanged] = {}
        self.waiting: list[RecordChanged] = []

    async def populate(self) -> None:
        for name, made in (("firm", an_organisation), ("person", a_person)):
            for place in range(3):
                self.identities[f"{name}{place}"] = made()
        self.subjects = {name: await self.house.subject(who) for name, who in self.identities.items()}
        self.names = {subject: name for name, subject in self.subjects.items()}

    async def take(self, name: str, a: int, b: int, *, at_once: bool) -> None:
        await getattr(self, f"_{name}")(a, b)
        if at_once:
            await self.settle()

    async def settle(self) -> None:
        if self.waiting:
            await self.house.load(*self.waiting)
            self.waiting.clear()

    async def _record(self, a: int, b: int) -> None:
        subject = f"firm{a % 3}" if a % 4 else f"person{b % 3}"
        boss = None if b % 4 == 0 else f"person{b % 3}"
        item = list(LISTS)[b % 7 % 4]
        begins, number = self.model.today + timedelta(days=a % 3 - 1), len(self.newest)
        record = Record(subject, item, None if boss == subject else boss, begins, begins + timedelta(days=20 + b % 90))
        self.model.records[number] = record
        self._tell(number, a_record(
            self.subjects[subject],
            boss=None if record.boss is None else self.subjects[record.boss],
            kind="organisation" if subject.startswith("firm") else "natural_person",
            item=item, display_from=record.begins, display_until=record.ends,
        ))  # fmt: skip

    async def _correct(self, a: int, b: int) -> None:
        for number in self._some(a, "published"):
            boss = (None, "person0", "person1", "person2")[b % 4]
            boss = None if boss == self.model.records[number].subject else boss
            self.model.revise(number, boss=boss)
            subject = None if boss is None else self.subjects[boss]
            self._tell(number, revised(self.newest[number], boss=subject))

    async def _repair(self, a: int, _: int) -> None:
        self._end(a, "repaired")

    async def _remove(self, a: int, _: int) -> None:
        self._end(a, "withdrawn")

    async def _reopen(self, a: int, _: int) -> None:
        for number in self._some(a, "repaired", "withdrawn"):
            self.model.revise(number, state="published")
            self._tell(number, revised(self.newest[number], state="published"))

    async def _days(self, a: int, _: int) -> None:
        await self.settle()
        self.model.days_pass(a % 40)
        self.house.on(self.model.today)

    async def _item(self, a: int, _: int) -> None:
        code = list(LISTS)[a % 4]
        if a % 3 == 0 and code not in self.model.withdrawn:
            self.model.withdrawn.add(code)
            self.house.catalogue.withdraw("item", code, on=self.model.today)

    async def _measure(self, a: int, _: int) -> None:
        code = list(PUBLISHED)[a % 3]
        if code in self.model.measures:
            self.house.catalogue.withdraw("measure", code, on=self.model.today)
        else:
            self._publish(code)
        self.model.measures ^= {code}

    async def _rule(self, a: int, b: int) -> None:
        code, months = list(LISTS)[a % 4], (1, 2, 12)[b % 3]
        if code in self.model.withdrawn:
            return
        names = None if a % 5 == 0 else LISTS[code]
        changed = {"display": ITEMS[code].display.model_copy(update={"months": months}), "designates": names}
        self.house.catalogue.tell("item", ITEMS[code].model_copy(update=changed), effective=self.model.today)
        self.model.shown_for[code], self.model.lists[code] = months, names

    async def _period(self, a: int, b: int) -> None:
        code = list(PUBLISHED)[a % 3]
        self.model.lasts[code] = (None, 1, 2)[b % 3]
        if code in self.model.measures:
            self._publish(code)

    async def _doubt(self, a: int, _: int) -> None:
        code = [*PUBLISHED, "black", "grey", "red"][a % 6]
        self.model.in_doubt ^= {code}
        if code in LISTS.values():
            colour = "red" if code == "red" else "black"
            listing = a_list(code, colour).model_copy(update={"verified": code not in self.model.in_doubt})
            self.house.catalogue.tell("list", listing, effective=self.model.today)
        elif code in self.model.measures:
            self._publish(code)

    def _publish(self, code: str) -> None:
        changed = {"months": self.model.lasts.get(code), "verified": code not in self.model.in_doubt}
        measure = PUBLISHED[code].model_copy(update=changed)
        self.house.catalogue.tell("measure", measure, effective=self.model.today)

    async def _answer(self, a: int, b: int) -> None:
        await self.settle()
        tasks = sorted(task for state in STATES for task in self.model.tasks(state))
        if not tasks:
            return
        task, outcome = tasks[a % len(tasks)], ANSWERS[b % 3]
        state = next(state for state in STATES if task in self.model.tasks(state))
        lawful = outcome != "lifted" if state in {"open", "answered"} else (state, outcome) == ("withdrawn", "lifted")
        shown = await self._inbox(state)
        body = {"outcome": outcome, "reason": "as the file says", "officer": "W-17"}
        read = await self.house.get(f"/v1/tasks/{shown[task]}")
        headers = {"If-Match": read.headers["etag"]}
        answer = await self.house.post(f"/v1/tasks/{shown[task]}/feedback", body, headers=headers)
        assert answer.status_code == (201 if lawful else 409), (state, outcome, answer.text)
        if lawful:
            self.model.answers[task] = outcome

    def _end(self, a: int, state: str) -> None:
        for number in self._some(a, "published"):
            self.model.revise(number, state=state)
            self._tell(number, revised(self.newest[number], state=state, reason="removed"))

    def _some(self, a: int, *states: str) -> list[int]:
        found = [number for number, record in self.model.records.items() if record.state in states]
        return list(islice(found, a % len(found), None))[:1] if found else []

    def _tell(self, number: int, change: RecordChanged) -> None:
        self.newest[number] = change
        self.waiting.append(change)

    async def agrees(self) -> None:
        """Whatever the service says of tasks, lists and subjects is what the model says."""
        await self.settle()
        for state in STATES:
            assert set(await self._inbox(state)) == self.model.tasks(state), state
        numbers = {str(change.record): number for number, change in self.newest.items()}
        for code in {code for code in LISTS.values() if code is not None}:
            answer = await self.house.get("/v1/designations", list=code, limit=200)
            assert answer.status_code == (404 if code in self.model.in_doubt else 200)
            page = {"items": []} if code in self.model.in_doubt else answer.json()
            assert {numbers[each["record"]] for each in page["items"]} == self.model.on_list(code), code
        await self._screened(numbers)

    async def _screened(self, numbers: dict[str, int]) -> None:
        rows = [as_given(who) for who in self.identities.values()]
        ground = {"matter": "permit", "officer": "W-17"}
        found = (await self.house.post("/v1/screenings", rows, params=ground)).json()
        applies = self.model.applies()
        for name, each in zip(self.identities, found, strict=True):
            told = {(numbers[one["record"]], one["role"]) for one in each["designations"]}
            assert told == self.model.designations(name), name
            measures = [*each["measures"], *each["rewards"]]
            assert len(measures) == len({(one["record"], one["measure"]) for one in measures})
            told = {(numbers[one["record"]], name, one["measure"]) for one in measures}
            assert told == {task for task in applies if task[1] == name}, name

    async def _inbox(self, state: str) -> dict[tuple[int, str, str], str]:
        """The ids of the tasks in that state, by what they are for."""
        page = (await self.house.get("/v1/tasks", department(), state=state, limit=200)).json()
        assert page["next"] is None
        numbers = {str(change.record): number for number, change in self.newest.items()}
        whom = {
            (str(change.record), handle(change.record, subject)): name
            for change in self.newest.values()
            for subject, name in self.names.items()
        }
        return {
            (numbers[each["record"]], whom[each["record"], each["id"].split(".")[1]], each["measure"]): each["id"]
            for each in page["items"]
        }


def handle(record: UUID, subject: UUID) -> str:
    """Said anew here, not taken from the code that is tested."""
    return sha256(record.bytes + subject.bytes).hexdigest()[:12]


async def emptied(house: House) -> None:
    house.follow(Catalogue())
    house.catalogue.withdraw("measure", "elsewhere")
    async with house.database.session() as session:
        await session.execute("truncate matching.standing, matching.feedback, matching.idempotency, bus.event_queue")


@settings(max_examples=25)
@given(steps=st.lists(step, min_size=5, max_size=40))
async def test_no_task_or_designation_is_without_a_visible_ground_and_none_is_missing(house: House, steps):
    await emptied(house)
    world = World(house)
    await world.populate()
    for place, (name, a, b, at_once) in enumerate(steps):
        await world.take(name, a, b, at_once=at_once)
        if place % 3 == 0:
            await world.agrees()
    await world.agrees()


async def test_a_representative_in_another_part_is_released_and_another_bound_by_a_correction(house: House):
    """The control of the test above: what it leads through crosses parts, and has something in every state."""
    await emptied(house)
    world = World(house)
    await world.populate()
    parts = {name: part_of(str(subject), PARTS) for name, subject in world.subjects.items()}
    while len({parts["firm1"], parts["person1"], parts["person2"]}) < 3:
        await world.populate()
        parts = {name: part_of(str(subject), PARTS) for name, subject in world.subjects.items()}
    await world.take("record", 1, 85, at_once=True)
    assert world.model.records[0].boss == "person1"
    assert world.model.records[0].item == "arrears"
    await world.take("record", 1, 7, at_once=True)
    assert (world.model.records[1].item, world.model.records[1].boss) == ("default", "person1")
    await world.take("answer", 3, 0, at_once=True)
    await world.take("correct", 1, 3, at_once=True)
    await world.agrees()
    assert world.model.tasks("withdrawn") == {(1, "person1", "luxury")}
    assert (1, "person2", "luxury") in world.model.tasks("open")


@pytest.mark.parametrize(
    ("step", "gone"),
    [
        (("rule", 4, 0), {"bar", "luxury"}),
        (("rule", 0, 2), {"bar", "luxury"}),
        (("period", 0, 1), {"bar"}),
        (("doubt", 1, 0), {"luxury"}),
        (("doubt", 3, 0), {"bar", "luxury"}),
    ],
    ids=["a month to be shown", "no list any more", "a month to apply", "a measure in doubt", "a list in doubt"],
)
async def test_what_the_law_of_a_later_day_ends_is_gone_at_every_place(house: House, step, gone):
    """The control of the walk: each of its steps that changes the law has an effect by itself."""
    await emptied(house)
    world = World(house)
    await world.populate()
    await world.take("record", 1, 84, at_once=True)
    applies = {(0, "firm1", "bar"), (0, "firm1", "luxury")}
    assert world.model.applies() == applies
    await world.take(*step, at_once=True)
    await world.take("days", 35, 0, at_once=True)
    assert world.model.applies() == {task for task in applies if task[2] not in gone}
    await world.agrees()
