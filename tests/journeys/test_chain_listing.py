"""A court of one city lists an enterprise: who must act at every tier is told, and is told again when it ends."""

from collections.abc import Iterator
from itertools import product
from typing import TypeVar

import pytest

from creditmesh.schemas.catalogue import Measure, Party
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events.catalogue import ObjectKind
from tests.journeys.mesh import OTHERS, UPWARDS, Mesh, accepted, done, organisation, tasks_of
from tests.support.cast import DEFAULTER, MATTER, Cast, defaulter, resident, uscc

ORDER = 401
RESPONSIBLE = resident(401, born="19720412")
LIST = "judgment_defaulters"
P = TypeVar("P", Party, Measure)
Task = tuple[str, str, str]
"""Who must act, the measure, and whether the listed or the responsible person is meant."""


def departments(cast: Cast) -> list[Party]:
    return [party for party in _objects(cast, "party", Party) if party.kind == "department" and party.active]


def expected(cast: Cast) -> Iterator[Task]:
    """What measures and duties of this node's own catalogue say of a listed organisation with one person named."""
    measures = [each for each in _objects(cast, "measure", Measure) if LIST in each.lists]
    for party, measure in product(departments(cast), measures):
        if set(party.duties) & set(measure.duties):
            if "organisation" in measure.kinds:
                yield party.code, measure.code, "listed"
            if "natural_person" in measure.kinds and measure.reaches_responsible:
                yield party.code, measure.code, "responsible"


def _objects(cast: Cast, kind: ObjectKind, model: type[P]) -> list[P]:
    directory = cast.node.host.followed
    assert isinstance(directory, Directory)
    return [each for each in directory.objects(kind, on=cast.today) if isinstance(each, model)]


async def inboxes(cast: Cast, record: str, **more: tuple[str, ...]) -> set[Task]:
    """The tasks because of a record in every department's inbox."""
    found = set()
    for party in departments(cast):
        name = f"party {party.code}"
        if name not in cast.tokens:
            await cast.key(name, "department", party.code)
        found |= {(party.code, task["measure"], task["role"]) for task in await tasks_of(cast, name, record, **more)}
    return found


@pytest.fixture(scope="module")
async def listed(mesh: Mesh) -> str:
    """The record of the listing, at every tier."""
    about = {"CARDNUM": uscc(ORDER), "BUSINESSENTITY": "样某戊", "BUSINESSENTITYNUM": RESPONSIBLE}
    row = defaulter("(2026)示0101执0401号", today=mesh.city.today, **about)
    record = await accepted(mesh.city, row, by="court", item=DEFAULTER)
    await mesh.settled()
    return record


async def test_every_department_with_the_duty_has_its_tasks_at_every_tier_for_the_responsible_person_too(
    mesh: Mesh, listed: str
):
    for code in UPWARDS:
        wanted = set(expected(mesh[code]))
        assert {role for _, _, role in wanted} == {"listed", "responsible"}
        assert len({party for party, _, _ in wanted}) > 1
        assert await inboxes(mesh[code], listed) == wanted, code
    for code in OTHERS:
        assert set(expected(mesh[code])), "they have departments that would have to act"
        assert await inboxes(mesh[code], listed) == set(), code


ABOVE = {"city": ["province", "nation"], "province": ["nation"], "nation": []}


@pytest.mark.parametrize("code", UPWARDS)
async def test_a_screening_shows_it_and_is_in_the_log_of_whom_it_concerns_at_that_node(
    mesh: Mesh, listed: str, code: str
):
    cast = mesh[code]
    person = {"kind": "natural_person", "document": {"type": "resident_id", "number": RESPONSIBLE}}
    await cast.person("responsible", RESPONSIBLE)
    await cast.person("listed", uscc(ORDER), kind="organisation", document="uscc")
    for name, subject, role in (("listed", organisation(ORDER), "listed"), ("responsible", person, "responsible")):
        answer = await cast.door("asker").post(
            "/v1/screenings", params={"matter": MATTER, "officer": "W-17"}, json=subject
        )
        found = done(answer)
        (place,) = found["designations"]
        assert (place["record"], place["origin"], place["role"]) == (listed, "city", role)
        assert [each["record"] for each in found["measures"]] == ([listed] if role == "listed" else [])
        await cast.node.settled()
        log = done(await cast.door(name).get("/v1/me/accesses", params={"limit": 50}))
        assert log["copies_at"] == ABOVE[code], "where copies of it are, and who looked at these"
        (line,) = [each for each in log["items"] if each["access"] == found["decision_id"]]
        assert (line["caller"], line["matter"], line["officer"]) == ("department", MATTER, "W-17")
        assert (line["outcome"], line["records"]) == ("released", [listed])


async def test_a_removal_ends_the_tasks_everywhere_and_what_was_applied_is_to_be_lifted(mesh: Mesh, listed: str):
    applied = {}
    for code in ("city", "nation"):
        (task, *_) = [each for each in await tasks_of(mesh[code], "asker", listed) if each["role"] == "listed"]
        await _answer(mesh[code], task["id"], "applied")
        applied[code] = task["id"]
    removal = {"reason": "removed", "basis": "(2026)示0101执0401号之一"}
    place = f"/v1/records/{listed}/withdrawal"
    done(await mesh.city.door("court").post(place, json=removal, headers={"If-Match": '"1"'}))
    await mesh.settled()
    for code in UPWARDS:
        assert await inboxes(mesh[code], listed) == set(), code
        left = await inboxes(mesh[code], listed, states=("withdrawn",))
        assert len(left) == (code in applied), code
    for code, task in applied.items():
        assert await _state(mesh[code], task) == "withdrawn"
        refused = (
            await mesh[code]
            .door("asker")
            .post(
                f"/v1/tasks/{task}/feedback",
                json={"outcome": "applied", "officer": "W-17"},
                headers={"If-Match": '"1"'},
            )
        )
        assert refused.status_code == 409
        await _answer(mesh[code], task, "lifted")
        assert await _state(mesh[code], task) == "closed"
        assert await inboxes(mesh[code], listed, states=("withdrawn",)) == set()


async def _answer(cast: Cast, task: str, outcome: str) -> None:
    asker, place = cast.door("asker"), f"/v1/tasks/{task}"
    headers = {"If-Match": (await asker.get(place)).headers["etag"]}
    done(await asker.post(f"{place}/feedback", json={"outcome": outcome, "officer": "W-17"}, headers=headers))


async def _state(cast: Cast, task: str) -> str:
    return str(done(await cast.door("asker").get(f"/v1/tasks/{task}"))["state"])
