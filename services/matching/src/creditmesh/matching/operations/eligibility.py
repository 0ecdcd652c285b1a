"""Whether a subject is eligible for the rewards of a matter, with the evidence; an access like any other."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.matching import eligibility, reach
from creditmesh.matching.eligibility import OwnListing
from creditmesh.matching.errors import UnusableIdentity
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
from creditmesh.schemas.catalogue import Measure
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.rules.asked import identified
from creditmesh.schemas.rules.grounds import Wanting
from creditmesh.schemas.rules.identity import Identity
from creditmesh.schemas.screenings import AdverseFound, EligibilityGround, EligibilityIn, EligibilityOut
from creditmesh.schemas.subject import SubjectIn


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """What was found: the grounds, what they rest on, and what speaks against."""

    grounds: tuple[EligibilityGround, ...]
    listings: tuple[Held, ...]
    adverse: tuple[Held, ...]
    years: int | None
    ends: tuple[date | None, ...]
    """Of the measures that the listings carry."""


async def judge_eligibility(ctx: Context, question: EligibilityIn, asked: Enquiry) -> EligibilityOut:
    """Eligible or not, and why.

    A reward is for a kind of subject: that of the number, and that of the newest which was accepted of them.
    UnusableIdentity without a number, or under a doubtful one that nobody is known by; NoGround is a kept access of the
    subject if this node knows it.
    """
    identity, ground = _identity(ctx, question.subject), ground_of(ctx, asked)
    if isinstance(ground, Wanting):
        await refuse(ctx, asked, ground, [identity])
    (who,) = await known(ctx, [identity], pointer="/subject")
    (subject,) = await ctx.vault.resolve([_usable(who)])
    kinds = {identity.kind, *(await ctx.vault.kinds([subject])).values()}

    def answer(subject: UUID, rows: Sequence[Held], unreadable: Sequence[UUID]) -> EligibilityOut:
        listed = [row for row in rows if row.role == "listed"]
        judged = _judge(ctx, question, kinds, ground, listed, whole=not unreadable)
        return _answer(ctx, subject, ground, judged, unreadable)

    return (await answered(ctx, [subject], ground.items, answer))[subject]


def _answer(
    ctx: Context, subject: UUID, ground: Allowed, judged: _Judged, unreadable: Sequence[UUID]
) -> EligibilityOut:
    told = [*judged.listings, *judged.adverse]
    until = use_until(ctx, told, measures=judged.ends)
    return EligibilityOut(
        decision_id=disclose(ctx, subject, ground, told, until=until, unreadable=unreadable),
        eligible=bool(judged.grounds),
        grounds=judged.grounds,
        rewards=tuple(sorted({each.measure for each in judged.grounds})),
        years=judged.years,
        evidence=tuple(map(_adverse, judged.adverse)),
        partial=bool(ground.out_of_reach or unreadable),
        unreadable=tuple(unreadable),
        out_of_reach=ground.out_of_reach,
        use_until=until,
        as_of=ctx.legal_date,
    )


def _identity(ctx: Context, subject: SubjectIn) -> Identity:
    fillers = ctx.followed(Directory).fillers(on=ctx.legal_date)
    who = identified(subject.kind, subject.document, fillers=fillers, pointer="/subject", kind_matters=True)
    return _usable(who)


def _usable(who: Identity | FieldError) -> Identity:
    if isinstance(who, FieldError):
        raise UnusableIdentity(who.detail, who.detail_zh, errors=[who])
    return who


def _judge(
    ctx: Context,
    question: EligibilityIn,
    kinds: Collection[SubjectKind],
    ground: Allowed,
    rows: list[Held],
    *,
    whole: bool,
) -> _Judged:
    today, rewards = ctx.legal_date, _rewards(ctx, ground)
    # Nobody is clean of what cannot be seen.
    seen = whole and not ground.out_of_reach
    clean = eligibility.years_of(rewards, asked=question.years, kinds=kinds) if seen else {}
    years = max(clean.values(), default=None)
    adverse = {row.record: row for row in rows if row.nature == "adverse"}
    found = [_adverse(row) for row in adverse.values()]
    by_code = {each.code: each for each in rewards}
    ways = [way for way in reach.for_matter(ctx.followed(Directory), ground.matter, on=today) if way.measure in by_code]
    designating = ctx.followed(Directory).designating(on=today)
    listings = {
        row.record: OwnListing(list=row.list, record=row.record, kind=row.kind, since=row.display_from)
        for row in rows
        if row.list and (row.item, row.list) in designating
    }
    grounds = tuple(
        eligibility.grounds(
            ways=ways, rewards=by_code, listings=listings.values(), clean=clean, adverse=found, as_of=today
        )
    )
    carrying = {each.record for each in grounds}
    within = {each.record for each in eligibility.within(found, years=years or 0, as_of=today)}
    return _Judged(
        grounds=grounds,
        listings=tuple(row for row in rows if row.record in carrying),
        adverse=tuple(row for record, row in adverse.items() if record in within),
        years=years,
        ends=tuple(by_code[g.measure].until(listings[g.record].since) for g in grounds if g.record in listings),
    )


def _rewards(ctx: Context, ground: Allowed) -> list[Measure]:
    """The rewards in force that the matter names and that name the matter."""
    measures = reach.measures_in_force(ctx.followed(Directory), on=ctx.legal_date)
    named = (measures[code] for code in ground.matter.measures if code in measures)
    return [each for each in named if each.nature == "reward" and ground.matter.code in each.matters]


def _adverse(row: Held) -> AdverseFound:
    return AdverseFound(record=row.record, item=row.item, decided_on=row.decided_on, mark=row.mark)
