"""Whether a subject is eligible for the rewards of a matter: on a red list, or clean for the years it says. Pure.

Guobanfa 2016 no. 98, six (1): who has a good record, or none that is bad for three consecutive years. Only what is
visible today counts: a repaired record, or one whose display ended, makes nobody ineligible.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from creditmesh.matching.reach import Reach
from creditmesh.schemas.catalogue import Measure
from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.rules.calendar import add_months
from creditmesh.schemas.screenings import AdverseFound, EligibilityGround

_MONTHS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnListing:
    """A visible place of the subject itself on a list."""

    list: str
    record: UUID
    kind: SubjectKind
    since: date


def years_of(rewards: Iterable[Measure], *, asked: int | None, kinds: Collection[SubjectKind]) -> dict[str, int]:
    """Over how many years each reward for the clean of all these kinds looks: as it says, or more if more is asked."""
    return {
        each.code: max(each.clean_years, asked or 0)
        for each in rewards
        if each.clean_years is not None and all(kind in each.kinds for kind in kinds)
    }


def within(adverse: Iterable[AdverseFound], *, years: int, as_of: date) -> tuple[AdverseFound, ...]:
    """The records decided within so many years before that day."""
    begin = add_months(as_of, -_MONTHS * years)
    return tuple(each for each in adverse if each.decided_on > begin)


def grounds(
    *,
    ways: Collection[Reach],
    rewards: Mapping[str, Measure],
    listings: Iterable[OwnListing],
    clean: dict[str, int],
    adverse: Collection[AdverseFound],
    as_of: date,
) -> Iterator[EligibilityGround]:
    """Every ground on which the subject is eligible; `clean` are the rewards for the clean with their years.

    `ways` lead to `rewards`, by their codes.
    """
    for found in listings:
        for way in sorted(ways):
            if (way.list, way.role, way.kind) == (found.list, "listed", found.kind):
                until = rewards[way.measure].until(found.since)
                if until is not None and until <= as_of:
                    continue
                yield EligibilityGround(ground="red_list", measure=way.measure, list=way.list, record=found.record)
    for code, years in sorted(clean.items()):
        if not within(adverse, years=years, as_of=as_of):
            yield EligibilityGround(ground="clean_years", measure=code, years=years)
