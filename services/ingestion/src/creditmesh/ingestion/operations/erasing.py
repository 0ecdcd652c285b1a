"""Erasing what this node holds of a person before its term is over, as an order or the law has it (decision 58).

A record that is erased ends by a revision, which goes wherever ends go: read models, holders, the nodes above. When
everybody here has read it, it is deleted as what has been kept for its term, which makes the feeds forget its bodies.
The person's key goes with the last that needs it.
"""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Invalid, NotFound
from creditmesh.chassis.vault.ciphers import SECONDS_CLOSED
from creditmesh.ingestion.operations.erasure_entries import erasure_of
from creditmesh.ingestion.operations.records.record_book import RecordBook, StateChange
from creditmesh.ingestion.operations.subjects import identity_of
from creditmesh.ingestion.store import closing, copies, erasing, named
from creditmesh.ingestion.store.closing import Person
from creditmesh.ingestion.store.erasing import ErasedRecord, Erasure, NewestOf
from creditmesh.schemas.erasures import ErasedRecordOut, ErasureIn, ErasureOut
from creditmesh.schemas.problems import FieldError

PLACES_AT_ONCE = 100
"""Places of erased records, and people, that one turn sees to."""
_SECONDS_UNTIL_AGAIN = timedelta(days=1).total_seconds()
"""When somebody of whom something stands is looked at again."""


class _Found(NamedTuple):
    """What an order is about: a person by their subjects and parts, what goes of them, and how much stays."""

    person: Person
    own: Sequence[NewestOf]
    held: Sequence[UUID]
    elsewhere: Mapping[str, int]
    named_in: int


class UnknownRecords(Invalid):
    """422: records that this node has not made about the person."""

    code = "unknown_records"
    title = "This node has made no such record about the person"
    title_zh = "本节点没有关于该主体的此类记录"


async def erase_person(ctx: Context, order: ErasureIn) -> ErasureOut:
    """Erase what this node has made about a person, or say what that would be; an access of theirs.

    NotFound for who has no file here; BadDocument; UnknownRecords where one is named that is not theirs, or no own one.
    """
    session, subject = await ctx.session(), await _subject(ctx, order)
    person = {each: ctx.part(str(each)) for each in await ctx.vault.same_person(session, subject)}
    await ctx.lock(person)
    about = await erasing.records_of(session, person)
    gone = {each.record for each in about if each.state == "erased"} | await closing.erased(session, person)
    mine = [each for each in about if each.origin == ctx.node.code and each.record not in gone]
    own = _chosen(order, mine, gone)
    others = Counter(each.origin for each in about if each.origin != ctx.node.code and each.record not in gone)
    held = await erasing.held_rows(session, person, records=order.records)
    named_in = await named.count(session, person)
    before = tuple(sorted(gone.intersection(order.records or ())))
    for each in person:
        _disclose(ctx, order, each, [record for record in own if record.place[1] == each])
    if order.confirmed:
        entry = await erasure_of(ctx, await _erase(ctx, order, _Found(person, own, held, others, named_in)))
        return entry.model_copy(update={"erased_before": before})
    going = {each.record for each in own} | gone | set(held)
    needs = await closing.needs(session, person, node=ctx.node.code, going=going)
    return ErasureOut(
        officer=order.officer,
        ground=order.ground,
        basis=order.basis,
        records=tuple(
            ErasedRecordOut(
                record=each.record,
                rev=each.rev,
                item=each.item,
                party=each.party,
                pending=(),
            )
            for each in own
        ),
        held_rows=len(held),
        erased_before=before,
        elsewhere=dict(others),
        named_in=named_in,
        key="stays" if any(each.known for each in needs) else "goes",
    )


def _disclose(ctx: Context, order: ErasureIn, subject: UUID, own: Sequence[NewestOf]) -> None:
    ctx.disclose(
        subject,
        purpose="erasure" if order.confirmed else "erasure_considered",
        ground=order.ground,
        outcome="nothing",
        items=sorted({each.item for each in own}),
        records=[each.record for each in own],
        officer=order.officer,
    )


async def _subject(ctx: Context, order: ErasureIn) -> UUID:
    (found,) = await ctx.vault.find([identity_of(ctx, order.person)])
    if found is None:
        raise NotFound("Nobody is known here by this document.", "本节点没有该证件对应的主体。")
    return found


def _chosen(order: ErasureIn, own: Sequence[NewestOf], gone: Collection[UUID]) -> list[NewestOf]:
    """Those that the order is about; one that was erased before is no error, so that an order can be given again."""
    if order.records is None:
        return list(own)
    known = {each.record for each in own} | set(gone)
    missing = [
        FieldError(
            pointer=f"/records/{place}",
            code="unknown_records",
            detail="No record of this node is about the person under this id. Ask without `confirmed` which are.",
            detail_zh="本节点没有该编号的关于该主体的记录；请先不带 confirmed 查询。",
        )
        for place, each in enumerate(order.records)
        if each not in known
    ]
    if missing:
        raise UnknownRecords("See errors.", "原因见 errors。", errors=missing)
    return [each for each in own if each.record in order.records]


async def _erase(ctx: Context, order: ErasureIn, found: _Found) -> UUID:
    session, book = await ctx.session(), RecordBook(ctx)
    await book.open_ends([each.place for each in found.own])
    for each in found.own:
        book.change_state(each.place, StateChange(change="erased", officer=order.officer, reason=order.ground))
    await book.write()
    await erasing.blank(session, found.held, at=ctx.instant)
    erasure = Erasure(
        id=ctx.new_id(),
        at=ctx.instant,
        legal_date=ctx.legal_date,
        officer=order.officer,
        ground=order.ground,
        basis=order.basis,
        records=len(found.own),
        held_rows=len(found.held),
        elsewhere=json.dumps(found.elsewhere),
        named_in=found.named_in,
    )
    erased = [ErasedRecord(each.record, each.rev + 1, each.item, each.party) for each in found.own]
    await erasing.keep(session, erasure, erased)
    people = [(subject, part, None) for subject, part in found.person.items()]
    await closing.close(session, people, seconds=SECONDS_CLOSED, erasure=erasure.id)
    return erasure.id


async def delete_erased(ctx: Context) -> int:
    """Delete some of the erased records that everybody has read: how many."""
    session = await ctx.session()
    places = await erasing.due(session, most=PLACES_AT_ONCE)
    if not places:
        return 0
    await ctx.lock({subject for _, subject, _ in places})
    places = await erasing.still_due(session, places)
    if not places:
        return 0
    purged = await erasing.purge(session, places, today=ctx.legal_date)
    await copies.forget(session, [(ctx.part(str(each.record)), each.record, None) for each in purged])
    for each in purged:
        ctx.emit(each)
    await erasing.settle(session, places, seconds=SECONDS_CLOSED)
    return len(purged)


async def close_people(ctx: Context) -> int:
    """Destroy the keys of some of whom nothing is left here: of how many. Who is closed now is looked at again."""
    session, vault = await ctx.session(), ctx.vault
    subjects = await closing.due(session, most=PLACES_AT_ONCE)
    if not subjects:
        return 0
    await ctx.lock(subjects)
    people = await closing.still_due(session, subjects)
    found = await closing.needs(session, people, node=ctx.node.code)
    standing = {each.subject for each in found if each.known or each.waits}
    await vault.erase(session, standing, "open")
    gone = set(people) - standing
    await vault.erase(session, gone, "close")
    destroyed = await vault.erase(session, gone, "destroy")
    await closing.closed(session, destroyed, at=ctx.instant)
    await closing.look_later(session, standing, seconds=_SECONDS_UNTIL_AGAIN)
    await closing.look_later(session, gone - destroyed, seconds=SECONDS_CLOSED)
    return len(destroyed)
