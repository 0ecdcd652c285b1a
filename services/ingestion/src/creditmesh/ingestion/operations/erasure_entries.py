"""The entries that stay of erasures: what was erased when, on which ground, and who has answered that it is there."""

import json
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import NotFound
from creditmesh.ingestion.store import closing, erasing, erasure_answers
from creditmesh.ingestion.store.erasing import ErasedRecord, Erasure
from creditmesh.schemas.acknowledgements import Acknowledgement
from creditmesh.schemas.erasures import ErasedRecordOut, ErasureLine, ErasureOut, KeyState
from creditmesh.schemas.events import HolderChanged
from creditmesh.schemas.proofs import owing
from creditmesh.schemas.signed import said


async def keep_answers(ctx: Context, events: Sequence[Delivered]) -> None:
    """Keep how holders stand to the ends of records that are erased."""
    told = [each.read(HolderChanged) for each in events]
    await erasure_answers.write(await ctx.session(), [each for each in told if each.change == "erased"])


async def list_erasures(ctx: Context) -> list[ErasureOut]:
    """The newest hundred, newest first, without their records."""
    return [_out(each) for each in await erasing.erasures(await ctx.session())]


async def erasure_of(ctx: Context, erasure: UUID) -> ErasureOut:
    """One, as it stands now. NotFound."""
    session = await ctx.session()
    found = await erasing.erasures(session, id_=erasure)
    if not found:
        raise NotFound("No erasure has this id.", "没有该编号的删除登记。")
    records = await erasing.erased_records(session, erasure)
    answers = await erasure_answers.answers_of(session, [each.record for each in records])
    said = tuple(_record(ctx, each, answers) for each in records)
    key, destroyed_at = await _key(ctx, erasure)
    gone = all(each.deleted and not each.pending for each in said)
    done = gone if key in {"stays", "destroyed"} else None if gone and key is None else False
    return _out(found[0]).model_copy(
        update={"records": said, "key": key, "key_destroyed_at": destroyed_at, "complete": done}
    )


async def _key(ctx: Context, erasure: UUID) -> tuple[KeyState | None, datetime | None]:
    """What becomes of the key, by what destroys it, and when that was done; None of an order of an older version."""
    session = await ctx.session()
    people, destroyed_at = await closing.entry(session, erasure)
    if not people:
        return (None if destroyed_at is None else "destroyed"), destroyed_at
    going = await closing.going(session, people)
    needs = await closing.needs(session, people, node=ctx.node.code, going=going)
    return ("stays" if any(each.known for each in needs) else "goes"), None


def _out(entry: Erasure) -> ErasureOut:
    """Without its records, of which nothing is said then."""
    return ErasureOut(
        erasure=entry.id,
        at=entry.at,
        officer=entry.officer,
        ground=entry.ground,
        basis=entry.basis,
        held_rows=entry.held_rows,
        elsewhere=json.loads(entry.elsewhere),
        named_in=entry.named_in or 0,
    )


def _record(ctx: Context, erased: ErasedRecord, answers: Sequence[HolderChanged]) -> ErasedRecordOut:
    mine = [each for each in answers if each.record == erased.record and each.rev == erased.rev]
    told = next((each for each in mine if each.holder == ctx.node.code), None)
    others = [each for each in mine if each.holder != ctx.node.code]
    proofs = [(said(Acknowledgement, each.proof.acknowledgement), each.proof.index) for each in others if each.proof]
    owed = owing(() if told is None else told.above, proofs, node=ctx.node.code)
    owed |= {ctx.node.code} if told is None else set()
    owed |= {each.holder for each in others if each.kind != "bureau"}
    done = {each.holder for each in others if each.outcome == "acknowledged"}
    return ErasedRecordOut(
        record=erased.record,
        rev=erased.rev,
        item=erased.item,
        party=erased.party,
        deleted=erased.deleted,
        pending=tuple(sorted(owed - done)),
        holders=tuple(ErasureLine(**each.model_dump(include=set(ErasureLine.model_fields))) for each in others),
    )
