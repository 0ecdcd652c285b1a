"""Screening: what applies to these subjects for a matter, an access of each of them before the answer.

Up to ten thousand are asked about at once, so they are worked on a slice at a time and their answers are written as
JSON without a model of each; a test holds them to the contract.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

import orjson

from creditmesh.chassis.bulk import SLICE, in_slices, in_slices_ahead
from creditmesh.chassis.context import Context
from creditmesh.chassis.vault.asked_for import WholeCodeNeeded
from creditmesh.matching import reach
from creditmesh.matching.operations.enquiries import (
    Allowed,
    Enquiry,
    answered,
    disclose,
    ground_of,
    known,
    refuse,
    use_until,
)
from creditmesh.matching.store.designations import Held
from creditmesh.schemas.catalogue import CreditList, Measure
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.rules.asked import identified
from creditmesh.schemas.rules.grounds import Wanting
from creditmesh.schemas.rules.identity import Identity
from creditmesh.schemas.screenings import Role, ScreenedIn, ScreeningOut

_NUMBER_NEEDED = FieldError(
    pointer="/document",
    code="number_needed",
    detail="A name identifies nobody; give the number of a document. Nothing applies until then.",
    detail_zh="仅凭名称不能确定主体；请提供证件号码，在此之前不适用任何措施。",
)
_WHOLE = reason("whole_code_needed", "/document/number")
_Way = tuple[str | None, Role, SubjectKind]
"""A place by its list, role, and kind of who is listed."""


async def screen(ctx: Context, subjects: Sequence[ScreenedIn], asked: Enquiry) -> list[bytes]:
    """What applies to each of these for the matter, in their order, each as the JSON text of a `ScreeningOut`.

    The ground is judged before anybody is looked up: NoGround is a kept access of those whom this node knows. A subject
    that is sent twice has one access.
    """
    ground = ground_of(ctx, asked)
    if isinstance(ground, Wanting):
        read = [_identity(ctx, each) async for some in in_slices(subjects) for each in some]
        await refuse(ctx, asked, ground, [each for each in read if isinstance(each, Identity)])
    screening = _screening(ctx, ground)
    if len(subjects) > SLICE:
        await ctx.session()  # one transaction around all slices; of one slice the statement that writes is one
    await in_slices_ahead(subjects, screening.find, screening.answer)
    return screening.texts


def _identity(ctx: Context, subject: ScreenedIn) -> Identity | FieldError:
    """Who is meant, or why nobody is."""
    if subject.document is None:
        return _NUMBER_NEEDED
    return identified(subject.kind, subject.document, fillers=ctx.followed(Directory).fillers(on=ctx.legal_date))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Screening:
    """One screening: its ground, what follows from which place, and the answers so far without their rows."""

    ctx: Context
    ground: Allowed
    lists: Mapping[str, CreditList]
    designating: frozenset[tuple[str, str]]
    ways: Mapping[_Way, Sequence[str]]
    measures: Mapping[str, Measure]
    until: date
    known: dict[UUID, bytes] = field(default_factory=dict)
    texts: list[bytes] = field(default_factory=list)

    async def find(self, subjects: Sequence[ScreenedIn]) -> list[UUID | FieldError]:
        """Whom each of these means, or why that is nobody; in the vault, which has sessions of its own."""
        read = await known(self.ctx, [_identity(self.ctx, each) for each in subjects])
        while True:
            identities = [each for each in read if isinstance(each, Identity)]
            try:
                found = iter(await self.ctx.vault.resolve(identities))
            except WholeCodeNeeded as error:
                read = [_WHOLE if each in error.identities else each for each in read]
            else:
                return [each if isinstance(each, FieldError) else next(found) for each in read]

    async def answer(self, found: Sequence[UUID | FieldError]) -> None:
        """Answer about these, who follow those that were answered about."""
        subjects = dict.fromkeys(each for each in found if not isinstance(each, FieldError))
        new = [subject for subject in subjects if subject not in self.known]
        if new:
            self.known.update(await answered(self.ctx, new, self.ground.items, self._text))
        self.texts.extend(
            _nobody(self.ctx, row, each) if isinstance(each, FieldError) else _numbered(self.known[each], row)
            for row, each in enumerate(found, len(self.texts) + 1)
        )

    def _text(self, subject: UUID, rows: Sequence[Held], unreadable: Sequence[UUID]) -> bytes:
        listed = [row for row in rows if (row.item, row.list) in self.designating]
        following = [(row, measure) for row in listed for measure in self._measures(row)]
        ends = (measure.until(row.display_from) for row, measure in following)
        until = use_until(self.ctx, listed, measures=ends) if listed else self.until
        answer = {
            "certainty": "partial" if self.ground.out_of_reach or unreadable else "exact",
            "designations": [self._designation(row) for row in listed],
            "measures": [_measure(*each) for each in following if each[1].nature != "reward"],
            "rewards": [_measure(*each) for each in following if each[1].nature == "reward"],
            "marks": [{"record": row.record, "mark": row.mark} for row in listed if row.mark is not None],
            "decision_id": disclose(self.ctx, subject, self.ground, listed, until=until, unreadable=unreadable),
            "use_until": until,
            "as_of": self.ctx.legal_date,
            "reasons": (),
            "unreadable": unreadable,
            "out_of_reach": self.ground.out_of_reach,
        }
        return orjson.dumps(answer, default=str)  # the driver's ids are none of the serialiser's

    def _measures(self, row: Held) -> Iterable[Measure]:
        for code in self.ways.get((row.list, row.role, row.kind), ()):
            until = self.measures[code].until(row.display_from)
            if until is None or until > self.ctx.legal_date:
                yield self.measures[code]

    def _designation(self, row: Held) -> dict[str, object]:
        """In the JSON shape of `DesignationFound`."""
        return {
            "list": row.list,
            "record": row.record,
            "item": row.item,
            "role": row.role,
            "origin": row.origin,
            "mark": row.mark,
            "since": row.display_from,
            "until": row.display_until,
            "verified": self.lists[row.list or ""].verified,
        }


def _screening(ctx: Context, ground: Allowed) -> _Screening:
    directory, today = ctx.followed(Directory), ctx.legal_date
    ways: dict[_Way, list[str]] = {}
    for way in sorted(reach.for_matter(directory, ground.matter, on=today)):
        ways.setdefault((way.list, way.role, way.kind), []).append(way.measure)
    return _Screening(
        ctx=ctx,
        ground=ground,
        lists=directory.lists(on=today),
        designating=directory.designating(on=today),
        ways=ways,
        measures=reach.measures_in_force(directory, on=today),
        until=use_until(ctx, ()),
    )


def _nobody(ctx: Context, row: int, reason: FieldError) -> bytes:
    certainty = "number_needed" if reason is _NUMBER_NEEDED else "invalid"
    answer = ScreeningOut(row=row, certainty=certainty, as_of=ctx.legal_date, reasons=(reason,))
    return answer.model_dump_json().encode()


def _numbered(text: bytes, row: int) -> bytes:
    return b'{"row":%d,%b' % (row, text[1:])


def _measure(row: Held, measure: Measure) -> dict[str, object]:
    """In the JSON shape of `MeasureFound`."""
    return {"measure": measure.code, "list": row.list, "record": row.record, "verified": measure.verified}
