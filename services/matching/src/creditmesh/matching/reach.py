"""Whom a measure reaches: by which list, in which role, of which kind, for which matter. Pure.

This is the only way to a measure. It begins at a place on a list, which only a record can give: no number of points,
no score and no name leads here. A measure is looked up as it is in force on the legal date, so that one that was
published, changed or withdrawn holds everywhere from its day on, and nothing has to be brought up to date.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from creditmesh.schemas.catalogue import CreditList, Matter, Measure, Party
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.histories import once_a_version
from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.screenings import Role


class Reach(NamedTuple):
    """One way in which a measure reaches somebody; `kind` is that of who is on the list, also for the responsible."""

    measure: str
    list: str
    role: Role
    kind: SubjectKind


@dataclass(frozen=True, slots=True)
class Begun:
    """A way, and the first day from which it has been open without a break."""

    reach: Reach
    since: date
    months: int | None = None
    """How long the measure applies after its ground is shown; None: as long as the ground."""


@once_a_version
def measures_in_force(directory: Directory, *, on: date) -> Mapping[str, Measure]:
    """The measures that apply to anybody on that day, by code."""
    found = (each for each in directory.objects("measure", on=on) if isinstance(each, Measure))
    return {each.code: each for each in found if directory.acts(each, on=on)}


def ways(measure: Measure, lists: Mapping[str, CreditList]) -> Iterator[Reach]:
    """Every way in which the measure reaches somebody on these lists."""
    for code in dict.fromkeys(measure.lists):
        if (listing := lists.get(code)) is None:
            continue
        for kind in dict.fromkeys(measure.kinds):
            yield Reach(measure.code, code, "listed", kind)
            if measure.reaches_responsible and listing.colour == "black":
                yield Reach(measure.code, code, "responsible", kind)


def for_matter(directory: Directory, matter: Matter, *, on: date) -> frozenset[Reach]:
    """The ways of the measures that the matter, as it is in force, names and that name the matter."""
    return _for_matter(directory, matter.code, on=on)


@once_a_version
def _for_matter(directory: Directory, code: str, *, on: date) -> frozenset[Reach]:
    matter = directory.matter(code, on=on)
    lists, measures = directory.lists(on=on), measures_in_force(directory, on=on)
    named = (measures[each] for each in (matter.measures if matter else ()) if each in measures)
    return frozenset(way for measure in named if code in measure.matters for way in ways(measure, lists))


def for_party(directory: Directory, party: Party | None, *, on: date) -> tuple[Begun, ...]:
    """The ways of the measures that this party, as last published, has the duty to apply; none if it is not active."""
    return () if party is None else _for_party(directory, party.code, on=on)


@once_a_version
def _for_party(directory: Directory, code: str, *, on: date) -> tuple[Begun, ...]:
    party = directory.party(code)
    if party is None or not party.active:
        return ()
    lists, measures = directory.lists(on=on), measures_in_force(directory, on=on)
    theirs = (each for each in measures.values() if set(each.duties) & set(party.duties))
    return tuple(
        Begun(way, _since(directory, way, party.duties, on), measure.months)
        for measure in theirs
        for way in ways(measure, lists)
    )


def _since(directory: Directory, way: Reach, duties: Collection[str], on: date) -> date:
    """The first day of the unbroken run of versions that have the way, up to the one in force."""
    since = on
    for version in reversed([each for each in directory.versions("measure", way.measure) if each.effective <= on]):
        body = version.body
        if version.state != "published" or not isinstance(body, Measure) or not set(body.duties) & set(duties):
            break
        if way.list not in body.lists or way.kind not in body.kinds:
            break
        if way.role == "responsible" and not body.reaches_responsible:
            break
        if not directory.confirms(body):
            break
        since = min(since, version.effective)
    return since
