"""Who looked at copies: said to the node whose records they are, and there, and on the way, in each person's log."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.ingestion.store import copies, revisions
from creditmesh.schemas.accesses import MOST_ABOUT, SUBJECT, AboutRecord, AccessStatement
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import AccessReceived, AccessRecorded, AccessToPass, CopiesDisclosed, RecordChanged
from creditmesh.schemas.signed import SignedText, said, sign

_TOLD = frozenset({"access", "caller", "party", "officer", "purpose", "matter", "ground", "use_until"})
"""What is told of an access; authorisations, items and subjects are the node's own."""


async def tell_origins(ctx: Context, given: Sequence[tuple[datetime, CopiesDisclosed]]) -> None:
    """Sign for each node whose records were among these who looked at them, and as what they name whom."""
    known = await _copies(ctx, {record for _, each in given for record in each.records})
    for at, each in given:
        about: dict[str, list[AboutRecord]] = defaultdict(list)
        for event in (known[record] for record in each.records if record in known):
            about[event.origin].append(AboutRecord(record=event.record, role=_role(event, each.subject)))
        for origin, records in about.items():
            for first in range(0, len(records), MOST_ABOUT):
                some = records[first : first + MOST_ABOUT]
                await _pass(ctx, origin, _signed(ctx, each, at=at, origin=origin, about=some))


async def log_from_above(ctx: Context, given: Sequence[AccessReceived]) -> None:
    """Write each into the logs of the persons concerned, and pass it on where the records are another node's.

    A node between does so whether it has them or not: the origin is the one that knows.
    """
    statements = [(each.statement, said(AccessStatement, each.statement)) for each in given]
    records = {about.record for _, statement in statements for about in statement.about}
    known = {**await _copies(ctx, records), **await _own(ctx, records)}
    for text, statement in statements:
        looked: dict[UUID, list[RecordChanged]] = defaultdict(list)
        for about in statement.about:
            event = known.get(about.record)
            if event is not None and event.origin == statement.origin:
                looked[_person(event, about.role)].append(event)
        for subject, events in looked.items():
            ctx.emit(_access(ctx, statement, subject, events))
        if statement.origin != ctx.node.code:
            await _pass(ctx, statement.origin, text)


async def _copies(ctx: Context, records: Collection[UUID]) -> Mapping[UUID, RecordChanged]:
    """The newest of what other nodes say of those of these records that are theirs."""
    session = await ctx.session()
    places = await copies.held(session, {record: ctx.part(str(record)) for record in records})
    newest = await revisions.newest(session, places.values())
    found = (_event(newest[place].data) for place in places.values() if place in newest)
    return {event.record: event for event in found if event.origin != ctx.node.code}


async def _own(ctx: Context, records: Collection[UUID]) -> Mapping[UUID, RecordChanged]:
    session = await ctx.session()
    places = await revisions.homes(session, records, parts=ctx.node.parts)
    newest = await revisions.newest(session, places.values())
    return {stored.record: _event(stored.data) for stored in newest.values()}


async def _pass(ctx: Context, origin: str, statement: SignedText) -> None:
    child = ctx.followed(Directory).sender_for(origin)
    if child is None:
        await ctx.assert_followed()  # it sent for that node once
    else:
        ctx.emit(AccessToPass(child=child.code, statement=statement))


def _signed(
    ctx: Context, access: CopiesDisclosed, *, at: datetime, origin: str, about: Sequence[AboutRecord]
) -> SignedText:
    statement = AccessStatement(
        by=ctx.node.code,
        origin=origin,
        at=at,
        about=tuple(about),
        key=ctx.keys.key_id("node"),
        alg=ctx.keys.algorithm("node"),
        **access.model_dump(include=set(_TOLD)),
    )
    return sign(statement, by=ctx.keys.sign)


def _access(ctx: Context, statement: AccessStatement, subject: UUID, events: Sequence[RecordChanged]) -> AccessRecorded:
    return AccessRecorded(
        subject=subject,
        outcome="released",
        items=tuple(sorted({event.item for event in events})),
        records=tuple(event.record for event in events),
        node=statement.by,
        looked_at=min(statement.at, ctx.instant),
        **statement.model_dump(include=set(_TOLD)),
    )


def _role(event: RecordChanged, subject: UUID) -> str:
    """As what the record names this person; as whom it is about, where it names them no more."""
    return next((each.role for each in event.related if each.subject == subject), SUBJECT)


def _person(event: RecordChanged, role: str) -> UUID:
    return next((each.subject for each in event.related if each.role == role), event.subject)


def _event(data: bytes) -> RecordChanged:
    return RecordChanged.model_validate_json(data)
