"""A party's own records: whose they are, and what is shown of them.

What a record says is shown to its own party, too, only while it may be shown at all; that there was one, and what
became of it, stays. Every look is an access of everybody the record is about, and so is an attempt of somebody else.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from pydantic import JsonValue

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import NotFound
from creditmesh.ingestion.errors import NotTheOrigin, NotYours, OutsideCredential
from creditmesh.ingestion.store import revisions
from creditmesh.ingestion.store.revisions import Stored
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.events.access import AccessOutcome

NONE = ("You have no record of this id.", "贵单位没有该编号的记录。")
"""What who asks for a record is told where there is none, or none of theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedRevision:
    """A revision as its own party sees it: sealed fields opened; without any field if the record is shown no more."""

    stored: Stored
    event: RecordChanged
    fields: Mapping[str, JsonValue] = field(repr=False)


async def record_of(ctx: Context, record: UUID) -> OpenedRevision:
    """The record as it stands now; an access. Refusals as `own_revisions`."""
    (opened,) = await _opened(ctx, (await own_revisions(ctx, record))[-1:])
    return opened


async def history_of(ctx: Context, record: UUID) -> list[OpenedRevision]:
    """Every revision of the record, oldest first; an access. Refusals as `own_revisions`."""
    return await _opened(ctx, await own_revisions(ctx, record))


async def own_revisions(ctx: Context, record: UUID) -> list[Stored]:
    """The revisions of a record of the caller's, oldest first.

    NotFound if there is none; NotTheOrigin for a copy of another node's, whose party is nobody here, NotYours and
    OutsideCredential are kept accesses.
    """
    async with ctx.transaction() as session:
        history = await revisions.revisions(session, record, parts=ctx.node.parts)
    if not history:
        raise NotFound(*NONE)
    newest, caller = history[-1], ctx.known_caller
    if newest.origin != ctx.node.code:
        _disclose(ctx, [_event(newest)], outcome="refused", reason=NotTheOrigin.code)
        raise NotTheOrigin(f"Its origin is {newest.origin}.", f"其来源节点为 {newest.origin}。")
    if newest.party != caller.party:
        _disclose(ctx, [_event(newest)], outcome="refused", reason=NotYours.code)
        raise NotYours(*NONE)
    if caller.items is not None and newest.item not in caller.items:
        _disclose(ctx, [_event(newest)], outcome="refused", reason=OutsideCredential.code)
        raise OutsideCredential
    return history


async def _opened(ctx: Context, history: Sequence[Stored]) -> list[OpenedRevision]:
    events = [_event(stored) for stored in history]
    shown = _shown(ctx, events[-1])
    _disclose(ctx, events, outcome="released" if shown else "nothing")
    values = await _values(ctx, events) if shown else [{} for _ in events]
    return [OpenedRevision(stored=s, event=e, fields=v) for s, e, v in zip(history, events, values, strict=True)]


def _shown(ctx: Context, newest: RecordChanged) -> bool:
    return ctx.followed(Directory).own_law(ctx.legal_date).shows(newest)


async def _values(ctx: Context, events: Sequence[RecordChanged]) -> list[dict[str, JsonValue]]:
    ciphers = await ctx.vault.open_left({sealed.about for event in events for sealed in event.sealed})
    values = []
    for event in events:
        fields = dict(event.fields)
        for sealed in (each for each in event.sealed if each.about in ciphers):
            fields |= ciphers[sealed.about].unseal(sealed, object=event.record, field=sealed.field)
        values.append(fields)
    return values


def _disclose(
    ctx: Context, events: Iterable[RecordChanged], *, outcome: AccessOutcome, reason: str | None = None
) -> None:
    listed = list(events)
    about = {event.subject for event in listed} | {sealed.about for event in listed for sealed in event.sealed}
    for subject in sorted(about):
        ctx.disclose(
            subject,
            purpose="own_record",
            ground="statutory",
            outcome=outcome,
            reason=reason,
            items=[listed[0].item],
            records=[listed[0].record],
        )


def _event(stored: Stored) -> RecordChanged:
    return RecordChanged.model_validate_json(stored.data)
