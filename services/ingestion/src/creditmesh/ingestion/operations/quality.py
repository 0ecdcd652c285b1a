"""Quality: how a party's rows were judged here, and what holders above refused of its records."""

from collections.abc import Sequence
from datetime import date, timedelta

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Forbidden, Malformed
from creditmesh.ingestion.store import quality, revisions
from creditmesh.ingestion.store.quality import HolderRefusal, QualityFilter
from creditmesh.schemas.events import HolderChanged
from creditmesh.schemas.quality import QualityLine, QualityOut, RefusedByHolder

_USUAL = timedelta(days=30)


async def keep_refusals(ctx: Context, events: Sequence[Delivered]) -> None:
    """Keep what a holder refused of this node's own records; a copy's party is a party of another node."""
    refused = [(event, each) for event in events if (each := event.read(HolderChanged)).outcome == "refused"]
    places = [(ctx.part(holder.key), holder.record) for _, holder in refused]
    firsts = await revisions.firsts(await ctx.session(), places)
    own = {record for record, first in firsts.items() if first.origin == ctx.node.code}
    await quality.add(await ctx.session(), [_refusal(*each) for each in refused if each[1].record in own])


async def quality_of(
    ctx: Context, *, party: str | None, item: str | None, since: date | None, until: date | None
) -> QualityOut:
    """The board for these legal dates (by default the last thirty days): a department's own lines, an office's all.

    Forbidden where a department asks for another's; Malformed where the period ends before it begins.
    """
    caller, session = ctx.known_caller, await ctx.session()
    if caller.kind != "office":
        if party not in {None, caller.party}:
            raise Forbidden("Leave the party out, or name your own.", "请不填参与方或填写本单位。")
        party = caller.party or ""
    last = until or ctx.legal_date
    first = since or last - _USUAL
    if last < first:
        raise Malformed("Let the period begin before it ends.", "起始日期应不晚于截止日期。")
    asked = QualityFilter(party=party, items=_items(caller.items, item), since=first, until=last)
    judged = {(each.party, each.item): each.counts for each in await quality.verdicts(session, asked)}
    refused: dict[tuple[str, str], list[RefusedByHolder]] = {}
    for each in await quality.refusals(session, asked):
        line = RefusedByHolder(holder=each.holder, code=each.code, count=each.count)
        refused.setdefault((each.party, each.item), []).append(line)
    lines = tuple(
        QualityLine(
            party=key[0],
            item=key[1],
            rows=sum(judged.get(key, {}).values()),
            verdicts=dict(judged.get(key, {})),
            refused_by=tuple(refused.get(key, ())),
        )
        for key in sorted({*judged, *refused})
    )
    return QualityOut(since=first, until=last, items=lines, partial=caller.items is not None)


def _items(allowed: frozenset[str] | None, asked: str | None) -> frozenset[str] | None:
    if asked is None:
        return allowed
    return frozenset({asked}) if allowed is None else allowed & {asked}


def _refusal(event: Delivered, refused: HolderChanged) -> HolderRefusal:
    return HolderRefusal(
        record=refused.record,
        rev=refused.rev,
        holder=refused.holder,
        party=refused.party,
        item=refused.item,
        code=refused.code or "refused",
        at=refused.at,
        legal_date=event.legal_date,
    )
