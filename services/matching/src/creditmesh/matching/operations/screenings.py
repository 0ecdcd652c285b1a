"""Screening: what applies to these subjects for a matter. One statement and one access a subject, before the answer."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.chassis.vault.index import Identity
from creditmesh.matching import reach
from creditmesh.matching.operations.asking import Allowed, Asked, disclose, ground_of, refuse, standing_now, use_until
from creditmesh.matching.reach import Reach
from creditmesh.matching.store.standing import Standing
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.pii import Pii
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.queries import Mark
from creditmesh.schemas.rules.asked import usable
from creditmesh.schemas.rules.grounds import Wanting
from creditmesh.schemas.screenings import DesignationFound, MeasureFound, ScreenedIn, ScreeningOut

_NUMBER_NEEDED = FieldError(
    pointer="/document",
    code="number_needed",
    detail="A name identifies nobody; give the number of a document. Nothing applies until then.",
    detail_zh="仅凭名称不能确定主体；请提供证件号码，在此之前不适用任何措施。",
)


async def screen(ctx: Context, subjects: Sequence[ScreenedIn], asked: Asked) -> list[ScreeningOut]:
    """What applies to each of these for the matter, in their order.

    The ground is judged before anybody is looked up: NoGround is a kept access of those whom this node knows. A subject
    that is sent twice has one access.
    """
    ground = ground_of(ctx, asked)
    read = [_number(each) for each in subjects]
    identities = _identities(subjects, read)
    if isinstance(ground, Wanting):
        await refuse(ctx, asked, ground, list(identities.values()))
    found = dict(zip(identities, await ctx.vault.resolve(list(identities.values())), strict=True))
    answers = await _answers(ctx, ground, dict.fromkeys(found.values()))
    return [
        _unknown(ctx, row, reason)
        if isinstance(reason, FieldError)
        else answers[found[row]].model_copy(update={"row": row})
        for row, reason in enumerate(read, 1)
    ]


def _number(subject: ScreenedIn) -> str | FieldError:
    return _NUMBER_NEEDED if subject.document is None else usable(subject.document, pointer="/document/number")


def _identities(subjects: Sequence[ScreenedIn], read: Sequence[str | FieldError]) -> dict[int, Identity]:
    """Who is meant in each row that has a number."""
    return {
        row: Identity(kind=subject.kind, document=subject.document.type, number=Pii(number))
        for row, (subject, number) in enumerate(zip(subjects, read, strict=True), 1)
        if subject.document is not None and isinstance(number, str)
    }


async def _answers(ctx: Context, ground: Allowed, subjects: Iterable[UUID]) -> dict[UUID, ScreeningOut]:
    directory, today = ctx.followed(Directory), ctx.legal_date
    lists = reach.lists_in_force(directory, on=today)
    ways = reach.for_matter(directory, ground.matter, on=today)
    rewards = {each.code for each in reach.measures_in_force(directory, on=today).values() if each.nature == "reward"}
    answers = {}
    for subject, rows in (await standing_now(ctx, list(subjects), ground.items)).items():
        listed = [row for row in rows if row.list in lists]
        until = use_until(ctx, listed)
        measures = [each for row in listed for each in _measures(row, ways)]
        answers[subject] = ScreeningOut(
            row=0,
            certainty="exact",
            designations=tuple(map(_designation, listed)),
            measures=tuple(each for each in measures if each.measure not in rewards),
            rewards=tuple(each for each in measures if each.measure in rewards),
            marks=tuple(Mark(record=row.record, mark=row.mark) for row in listed if row.mark is not None),
            decision_id=disclose(ctx, subject, ground, listed, until=until),
            use_until=until,
            as_of=today,
        )
    return answers


def _unknown(ctx: Context, row: int, reason: FieldError) -> ScreeningOut:
    certainty = "number_needed" if reason is _NUMBER_NEEDED else "invalid"
    return ScreeningOut(row=row, certainty=certainty, as_of=ctx.legal_date, reasons=(reason,))


def _designation(row: Standing) -> DesignationFound:
    return DesignationFound(
        list=row.list or "",
        record=row.record,
        item=row.item,
        role=row.role,
        origin=row.origin,
        mark=row.mark,
        since=row.display_from,
        until=row.display_until,
    )


def _measures(row: Standing, ways: Iterable[Reach]) -> list[MeasureFound]:
    here = (row.list, row.role, row.kind)
    return [
        MeasureFound(measure=way.measure, list=way.list, record=row.record)
        for way in sorted(ways)
        if (way.list, way.role, way.kind) == here
    ]
