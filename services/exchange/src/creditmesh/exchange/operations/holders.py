"""Who holds a record, and that each is told when it is marked or ends.

Everything about one record is done under its lock: its ending, a department's answer, a bureau's access are events of
different streams, and whichever is handled last finds what the others left.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.context import Context
from creditmesh.exchange.operations.sharing import Change
from creditmesh.exchange.store import feeds, holders
from creditmesh.exchange.store.feeds import Placed
from creditmesh.exchange.store.holders import Applied, Reader, TrackedRevision
from creditmesh.schemas.acknowledgements import Proof
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import DisclosedToBureau, HolderChanged, RecordChanged, TaskChanged
from creditmesh.schemas.events.holder import HolderKind, HolderOutcome
from creditmesh.schemas.exchange import ENDS, TOLD, UP

_POINTED = ("record", "rev", "subject", "change", "item", "party")


async def lock(ctx: Context, changes: Sequence[Change]) -> None:
    """Lock the records that are told of, before a feed's head is held; certificates rest on who is named above then."""
    told = [event.record for _, event in changes if event.change in TOLD]
    if told:
        await ctx.assert_followed()
    await ctx.lock(told)


async def tell(ctx: Context, changes: Sequence[Change]) -> None:
    """Of each revision that marks or ends a record: keep it, and say of every holder that it is on its way there.

    The records are locked, and shared already.
    """
    told = [_told(delivered, event) for delivered, event in changes if event.change in TOLD]
    if not told:
        return
    session = await ctx.session()
    await holders.tell(session, told)
    ended = {each.record: each for each in told if each.change in ENDS}
    await _tell_departments(ctx, ended.values())
    for reader in await holders.readers(session, ended.keys()):
        _tell_bureau(ctx, ended[reader.record], reader)
    await _tell_nodes(ctx, told)


async def note_tasks(ctx: Context, events: Sequence[Delivered]) -> None:
    """Departments that applied a measure hold its ground; one that has lifted all of them has acknowledged the end."""
    changes = ((each.at, each.read(TaskChanged)) for each in events)
    answers = [(at, each) for at, each in changes if each.outcome in {"applied", "lifted"}]
    if not answers:
        return
    records = {each.record for _, each in answers}
    await ctx.lock(records)
    session = await ctx.session()
    ended = {record: told for record, told in (await holders.told(session, records)).items() if told.change in ENDS}
    lifted: dict[tuple[UUID, str], dict[UUID, bool]] = defaultdict(dict)
    for known in await holders.applied(session, records):
        lifted[known.record, known.party][known.task] = known.lifted
    changed: dict[tuple[UUID, UUID], Applied] = {}
    for at, each in answers:
        mine = lifted[each.record, each.party]
        mine[each.task] = each.outcome == "lifted"
        changed[each.record, each.task] = Applied(
            record=each.record, task=each.task, party=each.party, lifted=mine[each.task]
        )
        if each.record in ended:
            outcome: HolderOutcome = "acknowledged" if all(mine.values()) else "told"
            line(ctx, ended[each.record], each.party, kind="department", outcome=outcome, at=at, task=each.task)
    await holders.apply(session, changed.values())


async def note_readers(ctx: Context, given: Sequence[tuple[datetime, DisclosedToBureau]]) -> None:
    """Bureaus that were given a record hold it."""
    found: dict[tuple[UUID, str], Reader] = {}
    for at, each in given:
        for record in each.records:
            reader = Reader(record=record, party=each.party, last_access=at, use_until=each.use_until)
            known = found.get((record, each.party))
            found[record, each.party] = reader if known is None else known.with_later(reader)
    if not found:
        return
    await ctx.lock(record for record, _ in found)
    session = await ctx.session()
    await holders.read(session, found.values())
    ended = await holders.told(session, {record for record, _ in found})
    for reader in found.values():
        if reader.record in ended and ended[reader.record].change in ENDS:
            _tell_bureau(ctx, ended[reader.record], reader)


def tell_answers(
    ctx: Context, entries: Sequence[Placed], *, by: str, refused: Mapping[int, str], proofs: Mapping[int, Proof]
) -> None:
    """Say how a node stands to each revision that is tracked, or that it refused: as of now, by our own clock.

    Of what was fetched back and is not here nobody asks this node.
    """
    at = ctx.instant
    for entry in (each for each in entries if each.subject is not None):
        code, tracked = refused.get(entry.index), entry.change in TOLD
        if tracked or code is not None:
            outcome: HolderOutcome = "acknowledged" if code is None else "refused"
            proof = proofs[entry.index] if tracked else None
            revision = TrackedRevision(**{name: getattr(entry, name) for name in _POINTED}, at=at)
            line(ctx, revision, by, kind="node", outcome=outcome, at=at, code=code, proof=proof)


def line(
    ctx: Context,
    told: TrackedRevision,
    holder: str,
    *,
    kind: HolderKind,
    outcome: HolderOutcome,
    at: datetime,
    code: str | None = None,
    proof: Proof | None = None,
    above: Sequence[str] = (),
    task: UUID | None = None,
    reader: Reader | None = None,
) -> None:
    """Say how one holder stands to one revision."""
    ctx.emit(
        HolderChanged(
            subject=told.subject,
            record=told.record,
            rev=told.rev,
            change=told.change,
            holder=holder,
            kind=kind,
            outcome=outcome,
            at=at,
            item=told.item,
            party=told.party,
            code=code,
            proof=proof,
            above=tuple(above),
            task=task,
            last_access=None if reader is None else reader.last_access,
            use_until=None if reader is None else reader.use_until,
        )
    )


def _tell_bureau(ctx: Context, ended: TrackedRevision, reader: Reader) -> None:
    line(ctx, ended, reader.party, kind="bureau", outcome="unreachable", at=ended.at, reader=reader)


async def _tell_departments(ctx: Context, ended: Iterable[TrackedRevision]) -> None:
    by_record = {each.record: each for each in ended}
    tasks: dict[tuple[UUID, str], UUID] = {}
    for each in await holders.applied(await ctx.session(), by_record.keys()):
        if not each.lifted:
            tasks.setdefault((each.record, each.party), each.task)
    for (record, party), task in tasks.items():
        line(ctx, by_record[record], party, kind="department", outcome="told", at=by_record[record].at, task=task)


async def _tell_nodes(ctx: Context, told: Sequence[TrackedRevision]) -> None:
    """Say that everybody was told: the next nodes above have these as soon as they stand in the feed.

    Who was taken out keeps what it was given. What is not in the feed, or stands there as withheld, nobody has.
    """
    standing = await feeds.placed(await ctx.session(), UP, {(each.record, each.rev, each.change) for each in told})
    enrolled = [peer.code for peer in ctx.followed(Directory).enrolled("above")]
    for each in told:
        shared = (each.record, each.rev) in standing
        outcome: HolderOutcome = "told" if shared else "unshared"
        line(ctx, each, ctx.node.code, kind="node", outcome=outcome, at=each.at, above=enrolled if shared else ())


def _told(delivered: Delivered, event: RecordChanged) -> TrackedRevision:
    return TrackedRevision(
        record=event.record,
        rev=event.rev,
        subject=event.subject,
        change=event.change,
        item=event.item,
        party=event.party,
        at=delivered.at,
    )
