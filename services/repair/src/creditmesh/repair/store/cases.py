"""Cases, their steps, and what their steps do to records."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, Uuid, and_, bindparam, insert, or_, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from creditmesh.repair.clocks import Calendar
from creditmesh.repair.course import OPEN
from creditmesh.repair.tables import case, effect, step
from creditmesh.schemas.cases import EvidenceKind, Remedy, StepAction, Wanted
from creditmesh.schemas.events.case import CaseEffect, CaseKind, CaseState
from creditmesh.schemas.events.record import Change

R = TypeVar("R")


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
    change: Change | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which cases a list shows; None: whichever. `today` is the legal date that closes cases."""

    party: str | None
    items: Collection[str] | None
    state: CaseState | None
    kind: CaseKind | None
    due_before: date | None
    today: date


_BY_ID = text("""
    select c.* from generate_series(0, cast(:parts as integer) - 1) as p(part)
     cross join lateral (
        select i.* from repair.case i where i.part = p.part and i.id = :id offset 0) c
""").bindparams(bindparam("id", type_=Uuid))


async def case_of(connection: AsyncConnection, case_id: UUID, *, parts: int) -> Case | None:
    """One case by its id, whoever it is about."""
    row = (await connection.execute(_BY_ID, {"id": case_id, "parts": parts})).mappings().one_or_none()
    return None if row is None else _row(Case, row)


async def add(connection: AsyncConnection, made: Case) -> None:
    """Keep a new case."""
    await connection.execute(insert(case).values(_values(made)))


async def change(connection: AsyncConnection, changed: Case) -> None:
    """Bring a case to where it stands now."""
    standing = {
        name: value
        for name, value in _values(changed).items()
        if name in {"state", "steps", "due", "calendar", "returned", "missing", "appealed", "final"}
    }
    await connection.execute(update(case).where(case.c.part == changed.part, case.c.id == changed.id).values(standing))


async def add_step(connection: AsyncConnection, taken: Step, *, record: UUID) -> None:
    """Add a step to its case's history, and what it does to the record."""
    await connection.execute(insert(step).values(_values(taken)))
    if taken.effect is not None:
        doing = Effect(part=taken.part, case_id=taken.case_id, number=taken.number, record=record, effect=taken.effect)
        await connection.execute(insert(effect).values(_values(doing)))


async def open_cases(
    connection: AsyncConnection, *, part: int, records: Collection[UUID], kind: CaseKind | None = None
) -> list[Case]:
    """The cases on these records in which somebody still owes something."""
    wanted = [case.c.part == part, case.c.record.in_(records), case.c.state.in_(OPEN)]
    if kind is not None:
        wanted.append(case.c.kind == kind)
    found = await connection.execute(select(case).where(*wanted).order_by(case.c.id))
    return [_row(Case, row) for row in found.mappings()]


async def steps_of(connection: AsyncConnection, of: Case) -> list[Step]:
    """The history of a case, oldest first."""
    wanted = select(step).where(step.c.part == of.part, step.c.case_id == of.id).order_by(step.c.number)
    return [_row(Step, row) for row in (await connection.execute(wanted)).mappings()]


async def effects_of(connection: AsyncConnection, cases: Sequence[Case]) -> Mapping[UUID, list[Effect]]:
    """What the steps of these cases do to their records, in the order of the steps."""
    places = [(each.part, each.id) for each in cases]
    wanted = select(effect).where(tuple_(effect.c.part, effect.c.case_id).in_(places)).order_by(effect.c.number)
    found: dict[UUID, list[Effect]] = {each.id: [] for each in cases}
    for row in (await connection.execute(wanted)).mappings() if places else ():
        each = _row(Effect, row)
        found[each.case_id].append(each)
    return found


async def under_way(connection: AsyncConnection, *, part: int, records: Collection[UUID]) -> list[Effect]:
    """The effects on these records that no revision has done yet, in the order of their steps."""
    wanted = select(effect).where(effect.c.part == part, effect.c.record.in_(records), effect.c.rev.is_(None))
    found = await connection.execute(wanted.order_by(effect.c.case_id, effect.c.number))
    return [_row(Effect, row) for row in found.mappings()]


async def done(connection: AsyncConnection, ended: Effect) -> None:
    """A revision has done it."""
    place = and_(effect.c.part == ended.part, effect.c.case_id == ended.case_id, effect.c.number == ended.number)
    await connection.execute(update(effect).where(place).values(rev=ended.rev, change=ended.change))


async def page(connection: AsyncConnection, wish: Wish, *, after: UUID | None, limit: int) -> list[Case]:
    """The cases of a list, in the order they were filed."""
    wanted = select(case).where(*_fitting(wish))
    if after is not None:
        wanted = wanted.where(case.c.id > after)
    found = await connection.execute(wanted.order_by(case.c.id).limit(limit))
    return [_row(Case, row) for row in found.mappings()]


async def cases_about(
    connection: AsyncConnection, *, part: int, subject: UUID, before: UUID | None, limit: int
) -> list[Case]:
    """A subject's cases, newest first."""
    wanted = select(case).where(case.c.part == part, case.c.subject == subject)
    if before is not None:
        wanted = wanted.where(case.c.id < before)
    found = await connection.execute(wanted.order_by(case.c.id.desc()).limit(limit))
    return [_row(Case, row) for row in found.mappings()]


def _fitting(wish: Wish) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    over = and_(case.c.state == "refused", case.c.due < wish.today)
    if wish.party is not None:
        wanted.append(case.c.party == wish.party)
    if wish.items is not None:
        wanted.append(case.c.item.in_(wish.items))
    if wish.kind is not None:
        wanted.append(case.c.kind == wish.kind)
    if wish.state == "closed":
        wanted.append(or_(case.c.state == "closed", over))
    elif wish.state is not None:
        wanted += [case.c.state == wish.state, or_(case.c.state != "refused", case.c.due.is_(None), ~over)]
    if wish.due_before is not None:
        wanted += [case.c.state.in_(OPEN), case.c.due < wish.due_before]
    return wanted


def _values(row: Case | Step | Effect) -> dict[str, object]:
    return {
        each.name: list(value) if each.name == "missing" else value
        for each in fields(row)
        for value in [getattr(row, each.name)]
    }


def _row(model: type[R], row: RowMapping) -> R:
    values: dict[str, Any] = {
        name: UUID(bytes=value.bytes) if isinstance(value, UUID) else value for name, value in row.items()
    }
    return model(**values)
