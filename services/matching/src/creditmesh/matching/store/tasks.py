"""Tasks, computed: who visibly stands on a list, by the ways of a party's measures, beside the party's newest answers.

Nothing of a task is stored but its answers, so none can outlive its ground and none can be missing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from creditmesh.chassis.database.connecting import Row
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.packing import unpack
from creditmesh.chassis.pruning import Retention
from creditmesh.matching.naming import TaskName
from creditmesh.matching.reach import Begun
from creditmesh.matching.store.judging import SAID, Judged, SaidReader, judged
from creditmesh.schemas.events.task import Feedback
from creditmesh.schemas.rules.visibility import Law, stored_sql
from creditmesh.schemas.screenings import Role
from creditmesh.schemas.tasks import TaskState


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer as it is kept: what was answered, and how."""

    part: int
    id: UUID
    party: str
    task: UUID
    record: UUID
    subject: UUID
    handle: str
    measure: str
    list: str
    role: Role
    rev: int
    since: date
    outcome: Feedback
    reason: str | None
    officer: str
    at: datetime
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task as it was computed: its ground, whom it is for, and the party's newest answer if there is one."""

    part: int
    record: UUID
    subject: UUID
    handle: str
    measure: str
    list: str
    role: Role
    rev: int
    since: date
    visible: bool
    data: bytes
    outcome: Feedback | None = None
    reason: str | None = None
    officer: str | None = None
    answered_at: datetime | None = None
    answers: int = 0

    @property
    def name(self) -> TaskName:
        """What callers call it, and its place in a list."""
        return TaskName(self.record, self.handle, self.measure)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """Whose tasks, by which ways of measures and items, under which law."""

    party: str
    ways: Sequence[Begun]
    designating: Collection[tuple[str, str]]
    """The items that put somebody on a list, each with the list."""
    law: Law

    @property
    def given(self) -> dict[str, object]:
        """As the statements' parameters."""
        reaches = [each.reach for each in self.ways]
        return {
            "party": self.party,
            "measures": [each.measure for each in reaches],
            "lists": [each.list for each in reaches],
            "roles": [each.role for each in reaches],
            "kinds": [each.kind for each in reaches],
            "begun": [each.since for each in self.ways],
            "months": [each.months for each in self.ways],
            "designating": [item for item, _ in self.designating],
            "onto": [code for _, code in self.designating],
            "judged": [*self.law.items],
            **self.law.binds,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPage:
    """Which page of a list: after the task `after`, those that stood before the day `before`."""

    after: TaskName | None
    before: date | None
    items: Collection[str] | None
    """Only tasks from records of these items; None: of all."""
    limit: int


_FIRST = TaskName(UUID(int=0), "", "")
_WAYS = """
    unnest(cast(:measures as text[]), cast(:lists as text[]), cast(:roles as text[]), cast(:kinds as text[]),
           cast(:begun as date[]), cast(:months as integer[])) as way(measure, list, role, kind, begun, months)
"""
_BEYOND = """
    {0}.record >= cast(:after as uuid)
    and ({0}.record, {0}.handle, {1} collate "C") > (:after, :after_handle, :after_measure)
"""
_OF_PAGE = """
    (cast(:before as date) is null or {0} < :before) and (cast(:items as text[]) is null or {1} = any(:items))
"""
_ORDER = 'order by {0}.record, {0}.handle, {0}.measure collate "C" limit :limit'
_ANSWERED_ITEM = "convert_from(f.data, 'UTF8')::jsonb ->> 'item'"
_SINCE = "greatest(s.since, s.display_from, way.begun)"
# By one way of a measure, so that each way is read in the order of its list and no further than the page. As it was
# stored: where the rules of its item have changed since, what it says is read and judged (`_stands`).
_GROUND = f"""
    {stored_sql("s")} and (s.item, s.list) in
    (select * from unnest(cast(:designating as text[]), cast(:onto as text[])))
    and (way.months is null or s.display_from + make_interval(months => way.months) > cast(:as_of as date))
"""
_STANDING = f"""
    select s.part, s.record, s.subject, s.handle, way.measure, s.list, s.role, s.rev, {_SINCE} as since,
           true as visible, {SAID} as data, a.outcome, a.reason, a.officer, a.at as answered_at,
           coalesce(a.answers, 0) as answers, cast('{{}}' as bytea[]) as grounds, true as apt
      from matching.standing s
      left join lateral (
           select f.outcome, f.reason, f.officer, f.at, count(*) over () as answers from matching.feedback f
            where f.part = s.part and f.record = s.record and f.subject = s.subject and f.measure = way.measure
              and f.party = :party
            order by f.entry desc limit 1) a on true
     where s.list = way.list and s.role = way.role and s.kind = way.kind and {_GROUND}
"""
_GROUND_OF_ANSWER = f"""
    from {_WAYS} join matching.standing s on s.list = way.list and s.role = way.role and s.kind = way.kind
     where s.part = f.part and s.record = f.record and s.subject = f.subject and way.measure = f.measure and {_GROUND}
"""
# Whoever is looked for among the answers: so many of them are looked at, and whether one is apt is said with each, from
# its own ground and not from a table of all (`offset 0`).
_UNGROUNDED = f"""
    select f.part, f.record, f.subject, f.handle, f.measure, f.list, f.role, f.rev, f.since,
           false as visible, f.data, f.outcome, f.reason, f.officer, f.at as answered_at, f.answers,
           array(select {SAID} {_GROUND_OF_ANSWER} and s.item = any(cast(:judged as text[]))) as grounds,
           {{1}} and not exists (select {_GROUND_OF_ANSWER} and s.item <> all(cast(:judged as text[])) offset 0) as apt
      from (select f.record, f.handle, f.measure, min(f.part) as part from matching.feedback f
             where f.party = :party and {{0}} group by f.record, f.handle, f.measure {{2}}) n
     cross join lateral (
           select f.*, count(*) over () as answers from matching.feedback f
            where f.part = n.part and f.party = :party and f.record = n.record and f.handle = n.handle
              and f.measure = n.measure
            order by f.entry desc limit 1) f
"""


def _standing(answers: str) -> str:
    page = f"{_BEYOND.format('s', 'way.measure')} and {_OF_PAGE.format(_SINCE, 's.item')}"
    way = f"{_STANDING} and {answers} and {page} order by s.record, s.handle limit :limit"
    return f"select task.* from {_WAYS} cross join lateral ({way}) task {_ORDER.format('task')}"


def _ungrounded(outcome: str) -> str:
    some = "order by f.record, f.handle, f.measure limit :limit"
    apt = f"f.outcome = '{outcome}' and {_OF_PAGE.format('f.since', _ANSWERED_ITEM)}"
    return f"{_UNGROUNDED.format(_BEYOND.format('f', 'f.measure'), apt, some)} order by f.record, f.handle, f.measure"


_PAGES = {
    # What was lifted is open again when its ground has come back.
    "open": _standing("(a.outcome is null or a.outcome = 'lifted')"),
    "answered": _standing("a.outcome in ('applied', 'not_applicable', 'not_executed')"),
    "withdrawn": _ungrounded("applied"),
    "closed": _ungrounded("lifted"),
}
_ONE_OF = "{0}.part = any(:parts) and {0}.record = :record and {0}.handle = :handle"
_ONE_ANSWER = f"{_ONE_OF.format('f')} and f.measure = :measure"
_UNLIFTED = "f.outcome in ('applied', 'lifted')"
_ONE = (
    f"select task.* from {_WAYS} cross join lateral ({_STANDING} and {_ONE_OF.format('s')}) task"
    " where task.measure = :measure"
    f" union all {_UNGROUNDED.format(_ONE_ANSWER, _UNLIFTED, '')}"
)
_WHOSE = f"""
    select s.subject, s.item from matching.standing s where {_ONE_OF.format("s")}
    union all select f.subject, {_ANSWERED_ITEM} from matching.feedback f where {_ONE_OF.format("f")} limit 1
"""
_KEPT = tuple(Answered.__slots__)
_LEFT = f"""
    select {", ".join(f"f.{name}" for name in _KEPT)} from matching.feedback f
      join unnest(cast(:parts as integer[]), cast(:records as uuid[]), cast(:subjects as uuid[]))
           as g(part, record, subject) on f.part = g.part and f.record = g.record and f.subject = g.subject
"""
_REDUCE = "select matching.reduce(cast(:parts as integer[]), cast(:ids as uuid[]), cast(:texts as bytea[]))"
LIFTED = Retention(
    name="idempotency",
    of="matching",
    statement="select tasks, oldest from matching.forget_lifted(:before, :most)",
)
"""Answers about deleted records are deleted once the measure was lifted and its answer is replayed no more."""
_FIND = f"select {', '.join(_KEPT)} from matching.feedback where part = any(:parts) and id = :id"


async def page(session: Session, inbox: Inbox, state: TaskState, wanted: TaskPage) -> Judged[Task, TaskName]:
    """Tasks of the inbox that are in that state, in the order of their names."""
    given = inbox.given | {"before": wanted.before, "items": wanted.items}

    async def read(after: TaskName, limit: int) -> Sequence[Row]:
        place = {"after": after.record, "after_handle": after.handle, "after_measure": after.measure}
        return await session.fetch(_PAGES[state], given | place | {"limit": limit})

    return await judged(
        read,
        judge=lambda row, reader: _task(row) if _stands(row, inbox.law, reader) else None,
        place=lambda row: TaskName(row.record, row.handle, row.measure),
        after=wanted.after or _FIRST,
        most=wanted.limit,
    )


async def one(session: Session, inbox: Inbox, name: TaskName, *, parts: range) -> Task | None:
    """The task of that name in the inbox, in whatever state; naming the parts lets each be probed by its keys."""
    given = {"parts": parts, "record": name.record, "handle": name.handle, "measure": name.measure}
    rows = await session.fetch(_ONE, inbox.given | given)
    reader = SaidReader()
    return next((_task(row) for row in rows if _stands(row, inbox.law, reader)), None)


def _task(row: Row) -> Task:
    return Task(
        **{name: value for name, value in row.items() if name not in {"grounds", "apt"}} | {"data": unpack(row.data)}
    )


def _stands(row: Row, law: Law, reader: SaidReader) -> bool:
    """Whether the task is what it was read as, under the law of today: with a ground that is visible, or without.

    What was deleted is no ground, though this service has not read of it yet. What cannot be read is none that is
    shown, and it is not said that there is none: such a task is in no state, and its record is named.
    """
    if not row.apt:
        return False
    if not row.visible:
        grounds = [reader.read(row.record, data) for data in row.grounds if data is not None]
        return not any(event is None or law.shows(event) for event in grounds)
    event = reader.read(row.record, row.data)
    return event is not None and (not law.changed or law.shows(event))


async def whose(session: Session, name: TaskName, *, parts: range) -> tuple[UUID, str] | None:
    """Whom a task of this name is or was for, with the item of its ground; None if there never was one of anybody."""
    row = await session.row(_WHOSE, {"parts": parts, "record": name.record, "handle": name.handle})
    return None if row is None else (row[0], row[1])


async def add(session: Session, answered: Answered) -> None:
    """Keep an answer."""
    await session.copy("matching.feedback", _KEPT, [[getattr(answered, name) for name in _KEPT]])


async def find(session: Session, id: UUID, *, parts: range) -> Answered | None:  # noqa: A002
    """The answer of that id."""
    row = await session.row(_FIND, {"parts": parts, "id": id})
    return None if row is None else Answered(**row)


async def left(session: Session, places: Collection[tuple[int, UUID, UUID]]) -> list[Answered]:
    """The answers that there are of these places (part, record, subject)."""
    parts, records, subjects = zip(*places, strict=True)
    rows = await session.fetch(_LEFT, {"parts": parts, "records": records, "subjects": subjects})
    return [Answered(**row) for row in rows]


async def reduce(session: Session, answers: Sequence[tuple[Answered, bytes]]) -> None:
    """Keep of these answers, whose records are deleted, this event each."""
    if answers:
        parts, ids = [each.part for each, _ in answers], [each.id for each, _ in answers]
        await session.execute(_REDUCE, {"parts": parts, "ids": ids, "texts": [text for _, text in answers]})
