"""What events tell repair: where each record stands, what became of what was decided, and who knows of it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.context import Context
from creditmesh.repair.course import Move, resumed
from creditmesh.repair.filing import Record
from creditmesh.repair.operations.remaking import remake_case
from creditmesh.repair.operations.steps import By, Words, take
from creditmesh.repair.store import cases, propagation, records
from creditmesh.repair.store.cases import Effect
from creditmesh.schemas.catalogue import Item
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import HolderChanged, RecordChanged, RecordPurged
from creditmesh.schemas.events.case import CaseEffect
from creditmesh.schemas.events.record import Change
from creditmesh.schemas.rules.visibility import has_ended

_OPENED: frozenset[Change] = frozenset({"reopened", "withheld"})
"""What opens a record that had ended: one whose content is not here is withheld again."""
_MADE: Mapping[CaseEffect, Collection[Change]] = {
    "mark": {"marked"},
    "unmark": {"unmarked"},
    "repair": {"repaired"},
    "withdraw": {"withdrawn"},
    "discharge": {"discharged"},
    "reopen": _OPENED,
}
_END: frozenset[CaseEffect] = frozenset({"repair", "withdraw", "discharge"})
_CORRECTED: frozenset[Change] = frozenset({"corrected", "reopened"})
_Told = tuple[int, RecordChanged]


async def follow_records(ctx: Context, events: Sequence[Delivered]) -> None:
    """Bring the records to their newest revisions; effects that have happened are done, cases without object closed.

    Copies are left out: whoever disputes one files with its origin.
    """
    read = [(each.part, each.read(RecordChanged)) for each in events]
    told = [(part, event) for part, event in read if event.origin == ctx.node.code]
    later = [(part, event) for part, event in told if event.rev > 1]
    await ctx.lock(event.subject for _, event in later)
    await records.write(await ctx.session(), _newest(ctx.followed(Directory), told))
    for part in sorted({part for part, _ in later}):
        await _consequences(ctx, part, [event for of, event in later if of == part])


async def forget_records(ctx: Context, events: Sequence[Delivered]) -> None:
    """Delete what is known of records that are deleted; where there was a case it stays, without what they said.

    Nobody can decide about one any more: it has ended, its open cases are closed, and nothing is left to be done to it.
    """
    told = [(each.part, each.read(RecordPurged)) for each in events]
    await ctx.lock(event.subject for _, event in told)
    session = await ctx.session()
    await records.forget(session, [(part, event.record) for part, event in told])
    for kept in await records.end(session, [(part, event.record) for part, event in told]):
        for each in await cases.under_way(session, part=kept.part, records=[kept.record]):
            await cases.done(session, replace(each, rev=kept.rev, change="deleted"))
        await _close(ctx, kept.part, kept.record, by=By(party=ctx.node.code))


async def follow_holders(ctx: Context, events: Sequence[Delivered]) -> None:
    """Keep how holders stand to revisions; what a node answered is not undone by what was on its way.

    This node itself answers nothing: its own line says whom it told.
    """
    newest: dict[tuple[UUID, int, str], tuple[int, HolderChanged]] = {}
    for each in events:
        event = each.read(HolderChanged)
        if event.holder == ctx.node.code and event.outcome not in {"told", "unshared"}:
            continue
        place = event.record, event.rev, event.holder
        known = newest.get(place)
        if known is None or propagation.stands_over(event, known[1]):
            newest[place] = each.part, event
    await propagation.write(await ctx.session(), list(newest.values()))


def _newest(directory: Directory, told: Iterable[_Told]) -> list[Record]:
    found: dict[UUID, Record] = {}
    for part, event in told:
        known = found.get(event.record)
        corrected = max(event.rev if event.change in _CORRECTED else 0, 0 if known is None else known.corrected)
        discharged = [*(() if known is None else known.discharged), *(() if event.about is None else (event.about,))]
        newest = _record(directory, part, event) if known is None or known.rev < event.rev else known
        newest.corrected, newest.discharged = corrected, discharged
        found[event.record] = newest
    return list(found.values())


def _record(directory: Directory, part: int, event: RecordChanged) -> Record:
    return Record(
        part=part,
        record=event.record,
        rev=event.rev,
        corrected=0,
        subject=event.subject,
        kind=event.kind,
        item=event.item,
        item_version=event.item_version,
        severity=event.severity,
        state=event.state,
        mark=event.mark,
        decided_on=event.decided_on,
        display_from=event.display_from,
        display_until=event.display_until,
        party=event.party,
        change=event.change,
        case_id=event.case,
        named=event.named,
        fields=_judged(directory, event),
        false_material=event.false_material,
    )


def _judged(directory: Directory, event: RecordChanged) -> Mapping[str, object]:
    """The clear fields that the rules read; all where this process does not know the item yet."""
    version = directory.version("item", event.item, event.item_version)
    if version is None or not isinstance(version.body, Item):
        return event.fields
    return {code: event.fields[code] for code in version.body.roles.judged if code in event.fields}


async def _consequences(ctx: Context, part: int, events: Sequence[RecordChanged]) -> None:
    session = await ctx.session()
    about = {event.record for event in events}
    waiting = await cases.under_way(session, part=part, records=about)
    for event in events:
        if await remake_case(ctx, part, event):
            waiting = await cases.under_way(session, part=part, records=about)
        happened = _happened(waiting, event)
        waiting = [each for each in waiting if each not in happened]
        for each in happened:
            await cases.done(session, replace(each, rev=event.rev, change=event.change))
        if has_ended(event.state):
            await _close(ctx, part, event.record, by=_by(event), basis=event.basis)
        elif event.change in _OPENED:
            await _resume(ctx, part, event)


def _happened(waiting: Sequence[Effect], event: RecordChanged) -> list[Effect]:
    """What this revision has done: the first such step of its case, or all that an ended record leaves to be done.

    What its party has withdrawn a case still ends: the party could open it again.
    """
    mine = [each for each in waiting if each.record == event.record]
    if has_ended(event.state):
        return [each for each in mine if event.case is not None or each.effect not in _END]
    return [each for each in mine if each.case_id == event.case and event.change in _MADE[each.effect]][:1]


async def _close(ctx: Context, part: int, record: UUID, *, by: By, basis: str | None = None) -> None:
    for case in await cases.open_cases(await ctx.session(), part=part, records=[record]):
        await take(ctx, case, "record_ended", Move(state="closed"), by=by, words=Words(basis=basis))


async def _resume(ctx: Context, part: int, event: RecordChanged) -> None:
    """What the record's end had closed undecided goes on: nobody ends a case by ending its record for a while."""
    session = await ctx.session()
    for case in await cases.closed_cases(session, part=part, record=event.record):
        *_, before, _ = await cases.steps_of(session, case)
        procedure = ctx.followed(Directory).procedure(case.kind, on=ctx.legal_date)
        move = resumed(before.state, case.kind, procedure, marked=event.mark is not None, today=ctx.legal_date)
        words = Words(basis=event.basis, missing=before.missing if move.state == "returned" else ())
        await take(ctx, case, "record_reopened", move, by=_by(event), words=words)


def _by(event: RecordChanged) -> By:
    return By(party=event.party, officer=event.officer)
