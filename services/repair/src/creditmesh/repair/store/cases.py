"""Cases, their steps, and what their steps do to records."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import cache
from uuid import UUID

from creditmesh.chassis.database.session import Session
from creditmesh.repair.clocks import Calendar
from creditmesh.repair.course import OPEN
from creditmesh.schemas.cases import EffectChange, EvidenceKind, Remedy, StepAction, Wanted
from creditmesh.schemas.events.case import CaseEffect, CaseKind, CaseState


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case as it stands. `sealed` is the JSON of its sealed statement, `rev` the revision it was filed about.

    `steps` counts its steps, `returned` is the one that returned it (0: none did).
    """

    part: int
    id: UUID
    kind: CaseKind
    subject: UUID
    record: UUID
    rev: int
    item: str
    party: str
    outcome_wanted: Wanted | None
    filed_on: date
    sealed: bytes
    state: CaseState
    steps: int
    due: date | None
    calendar: Calendar
    returned: int = 0
    missing: Sequence[EvidenceKind] = ()
    appealed: bool = False
    final: bool = False
    days_left: int | None = None
    """Of the time for an appeal, in working days, while its clock is stopped."""
    false_material_on: date | None = None
    """The day on which its approval was revoked because it was obtained by false material."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step; `sealed` is the JSON of its sealed reason."""

    part: int
    case_id: UUID
    number: int
    action: StepAction
    state: CaseState
    at: datetime
    legal_date: date
    party: str | None = None
    officer: str | None = None
    basis: str | None = None
    missing: Sequence[EvidenceKind] = ()
    remedy: Remedy | None = None
    effect: CaseEffect | None = None
    sealed: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a step does to the record: `rev` and `change` of the revision that did it, None while it is under way."""

    part: int
    case_id: UUID
    number: int
    record: UUID
    effect: CaseEffect
    rev: int | None = None
    change: EffectChange | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which cases a list shows; None: whichever. `today` is the legal date that closes cases."""

    party: str | None
    items: Collection[str] | None
    state: CaseState | None
    kind: CaseKind | None
    due_before: date | None
    today: date


_CASE = tuple(Case.__dataclass_fields__)
_OF = f"select {', '.join(_CASE)} from repair.case"
# An id alone says nothing of its part: one probe of the primary key in each.
_BY_ID = f"""
    select {", ".join(f"c.{name}" for name in _CASE)}
      from generate_series(0, cast(:parts as integer) - 1) as p(part)
     cross join lateral (
        select i.* from repair.case i where i.part = p.part and i.id = :id offset 0) c
"""
_ENDED_BY = f"""
    select {", ".join(f"c.{name}" for name in _CASE)}
      from repair.case c join repair.effect e on e.part = c.part and e.case_id = c.id
     where c.part = :part and c.record = :record and e.rev < :before
       and (e.effect, e.change) in (('repair', 'repaired'), ('withdraw', 'withdrawn'))
     order by e.rev desc limit 1
"""
_CHANGE = """
    update repair.case
       set state = :state, steps = :steps, due = :due, calendar = :calendar, returned = :returned, missing = :missing,
           appealed = :appealed, final = :final, days_left = :days_left, false_material_on = :false_material_on
     where part = :part and id = :id
"""
_ON = f"""
    {_OF} where part = :part and record = any(:records) and state = any(:states)
       and (cast(:kind as text) is null or kind = :kind)
     order by id
"""

_REFUSED = f"""
    {_OF} where part = :part and record = :record and kind = :kind and state = 'refused' and not final order by id
"""


def _insert(table: str, row: type[Case | Step | Effect]) -> str:
    names = row.__dataclass_fields__
    return f"insert into repair.{table} ({', '.join(names)}) values ({', '.join(f':{name}' for name in names)})"


_ADD, _ADD_STEP, _ADD_EFFECT = _insert("case", Case), _insert("step", Step), _insert("effect", Effect)


async def case_of(session: Session, case_id: UUID, *, parts: int) -> Case | None:
    """One case by its id, whoever it is about."""
    row = await session.row(_BY_ID, {"id": case_id, "parts": parts})
    return None if row is None else Case(**row)


async def ended_by(session: Session, *, part: int, record: UUID, before: int) -> Case | None:
    """The case by which the record ended last before that revision; None if none has ended it."""
    row = await session.row(_ENDED_BY, {"part": part, "record": record, "before": before})
    return None if row is None else Case(**row)


async def add(session: Session, made: Case) -> None:
    """Keep a new case."""
    await session.execute(_ADD, asdict(made))


async def change(session: Session, changed: Case) -> None:
    """Bring a case to where it stands now."""
    await session.execute(_CHANGE, asdict(changed))


async def add_step(session: Session, taken: Step, *, record: UUID) -> None:
    """Add a step to its case's history, and what it does to the record."""
    await session.execute(_ADD_STEP, asdict(taken))
    if taken.effect is not None:
        doing = Effect(part=taken.part, case_id=taken.case_id, number=taken.number, record=record, effect=taken.effect)
        await session.execute(_ADD_EFFECT, asdict(doing))


async def open_cases(
    session: Session, *, part: int, records: Collection[UUID], kind: CaseKind | None = None
) -> list[Case]:
    """The cases on these records in which somebody still owes something."""
    return await _cases_on(session, part, records, OPEN, kind)


async def closed_cases(session: Session, *, part: int, record: UUID) -> list[Case]:
    """The cases on this record that its end closed undecided."""
    return await _cases_on(session, part, [record], ["closed"], None)


async def _cases_on(
    session: Session, part: int, records: Collection[UUID], states: Collection[CaseState], kind: CaseKind | None
) -> list[Case]:
    values = {"part": part, "records": list(records), "states": list(states), "kind": kind}
    return [Case(**row) for row in await session.fetch(_ON, values)]


async def refused(session: Session, *, part: int, record: UUID, kind: CaseKind) -> list[Case]:
    """The cases of this kind on the record that were refused and may be appealed, or might have been."""
    found = await session.fetch(_REFUSED, {"part": part, "record": record, "kind": kind})
    return [Case(**row) for row in found]


_STEPS = f"""
    select {", ".join(Step.__dataclass_fields__)} from repair.step
     where part = :part and case_id = :case_id order by number
"""
_EFFECT = f"select {', '.join(Effect.__dataclass_fields__)} from repair.effect"
_EFFECTS = f"""
    {_EFFECT} where (part, case_id) in (select * from unnest(cast(:parts as integer[]), cast(:cases as uuid[])))
     order by number
"""
_UNDER_WAY = f"""
    {_EFFECT} where part = :part and record = any(:records) and rev is null order by case_id, number
"""
_DONE = """
    update repair.effect set rev = :rev, change = :change
     where part = :part and case_id = :case_id and number = :number
"""


async def steps_of(session: Session, of: Case) -> list[Step]:
    """The history of a case, oldest first."""
    return [Step(**row) for row in await session.fetch(_STEPS, {"part": of.part, "case_id": of.id})]


async def effects_of(session: Session, cases: Sequence[Case]) -> Mapping[UUID, list[Effect]]:
    """What the steps of these cases do to their records, in the order of the steps."""
    found: dict[UUID, list[Effect]] = {each.id: [] for each in cases}
    if cases:
        values = {"parts": [each.part for each in cases], "cases": [each.id for each in cases]}
        for row in await session.fetch(_EFFECTS, values):
            found[row.case_id].append(Effect(**row))
    return found


async def under_way(session: Session, *, part: int, records: Collection[UUID]) -> list[Effect]:
    """The effects on these records that no revision has done yet, in the order of their steps."""
    found = await session.fetch(_UNDER_WAY, {"part": part, "records": list(records)})
    return [Effect(**row) for row in found]


async def done(session: Session, ended: Effect) -> None:
    """A revision has done it."""
    await session.execute(_DONE, asdict(ended))


# The index that serves a list depends on what is asked of it, and one plan is made of each text.
_CONDITIONS: Mapping[str, str] = {
    "party": "party = :party",
    "items": "item = any(:items)",
    "kind": "kind = :kind",
    "closed": "(state = 'closed' or (state = 'refused' and due < :today))",
    "state": "state = :state and (state <> 'refused' or due is null or due >= :today)",
    "due_before": "state = any(:open) and due < :due_before",
    "after": "id > :after",
}


@cache
def _list(asked: frozenset[str]) -> str:
    conditions = [condition for name, condition in _CONDITIONS.items() if name in asked]
    return f"{_OF} where {' and '.join(conditions) or 'true'} order by id limit :limit"


async def page(session: Session, wish: Wish, *, after: UUID | None, limit: int) -> list[Case]:
    """The cases of a list, in the order they were filed."""
    values: dict[str, object] = {
        "party": wish.party,
        "items": None if wish.items is None else list(wish.items),
        "kind": wish.kind,
        "state": wish.state,
        "due_before": wish.due_before,
        "after": after,
    }
    asked = {name for name, value in values.items() if value is not None}
    if wish.state == "closed":
        asked = asked - {"state"} | {"closed"}
    values |= {"open": list(OPEN), "today": wish.today, "limit": limit}
    return [Case(**row) for row in await session.fetch(_list(frozenset(asked)), values)]


_ABOUT = f"""
    {_OF} where subject = :subject
       and id < coalesce(cast(:before as uuid), 'ffffffff-ffff-ffff-ffff-ffffffffffff')
     order by id desc limit :limit
"""


_FALSE_MATERIAL = "select max(false_material_on) from repair.case where subject = :subject"


async def false_material_on(session: Session, subject: UUID) -> date | None:
    """The last day on which a repair of theirs was revoked that they had obtained by false material; None: never."""
    found: date | None = await session.value(_FALSE_MATERIAL, {"subject": subject})
    return found


async def cases_of(session: Session, subject: UUID, *, before: UUID | None, limit: int) -> list[Case]:
    """The cases that a subject filed, newest first; each stands in the part of its record."""
    values = {"subject": subject, "before": before, "limit": limit}
    return [Case(**row) for row in await session.fetch(_ABOUT, values)]
