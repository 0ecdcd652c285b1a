"""What a query costs in round trips to the database, everything included: counted where every statement passes."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

import pytest

from creditmesh.chassis.database.session import Session
from creditmesh.chassis.database.statements import compiled
from creditmesh.query.store import queries
from tests.ingestion.rows import person_penalty
from tests.query.asking import authorised, by_authorisation, by_matter, penalty, somebody
from tests.query.conftest import House, person
from tests.query.test_on_a_node import ASKS, ITEM, subject_of, submitted, the_person
from tests.support.node import TestNode

_TRIPS: ContextVar[list[str] | None] = ContextVar("trips", default=None)


@pytest.fixture(autouse=True)
def watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every statement of this task, and of the tasks it starts, is written down where somebody counts."""
    watch = Session._watched

    async def noted(session: Session, doing: str, work):
        trips = _TRIPS.get()
        if trips is not None:
            trips.append(" ".join(doing.split())[:60])
        return await watch(session, doing, work)

    monkeypatch.setattr(Session, "_watched", noted)


@contextmanager
def counted() -> Iterator[list[str]]:
    token = _TRIPS.set([])
    try:
        yield _TRIPS.get()
    finally:
        _TRIPS.reset(token)


@pytest.mark.parametrize("key", [None, "counted"])
async def test_a_departments_query_is_two_statements(catalogue: House, key):
    identity, subject = await somebody(catalogue)
    await catalogue.load(penalty(subject), penalty(subject))
    await by_matter(catalogue, identity)
    with counted() as trips:
        answer = await by_matter(catalogue, identity, key=key and f"{key}-{subject}")
    assert len(answer.json()["released"]) == 2
    assert len(trips) == 2, trips


@pytest.mark.parametrize("key", [None, "counted"])
async def test_a_bureaus_query_is_two_statements(catalogue: House, key):
    identity, subject = await somebody(catalogue)
    await catalogue.load(penalty(subject), penalty(subject))
    given = await authorised(catalogue, subject)
    await by_authorisation(catalogue, identity, given)
    with counted() as trips:
        answer = await by_authorisation(catalogue, identity, given, key=key and f"{key}-{subject}")
    assert len(answer.json()["released"]) == 2
    assert len(trips) == 2, trips


async def test_a_refusal_is_one_statement_and_three_where_an_authorisation_may_be_somebody_elses(catalogue: House):
    identity, subject = await somebody(catalogue)
    with counted() as trips:
        assert (await by_matter(catalogue, identity, matter="unheard_of")).status_code == 403
    assert len(trips) == 1, trips
    with counted() as trips:
        assert (await by_authorisation(catalogue, identity, str(subject))).status_code == 403
    assert len(trips) == 3, trips


@pytest.mark.parametrize("path", ["/v1/me/file", "/v1/me/accesses", "/v1/me/authorisations"])
async def test_a_look_at_ones_own_side_is_two_statements(catalogue: House, path):
    _, subject = await somebody(catalogue)
    async with catalogue.client(person(subject)) as client:
        with counted() as trips:
            (await client.get(path)).raise_for_status()
    assert len(trips) == 2, trips


@pytest.mark.parametrize("authorised", [False, True])
async def test_what_is_released_is_found_by_its_subject_however_many_records_its_part_has(catalogue: House, authorised):
    sql, names = compiled(queries.writing(authorised=authorised, keyed=False))
    values = ", ".join("1" if name == "part" else "null" for name in names)
    async with catalogue.equipment.pool.session() as session:
        await session.script(f"prepare probe as {sql}")
        [[plan]] = await session.fetch(f"explain (format json) execute probe ({values})")
        await session.script("deallocate probe")
    conditions = list(conditions_on_records(json.loads(plan)[0]["Plan"]))
    assert conditions
    assert all("subject = " in condition for condition in conditions), conditions


def conditions_on_records(plan: dict[str, Any]) -> Iterator[str]:
    """By what the parts of `query.record` are looked into."""
    if plan.get("Relation Name", "").startswith("record_"):
        yield plan.get("Index Cond") or plan.get("Recheck Cond", "none")
    for inner in plan.get("Plans", ()):
        yield from conditions_on_records(inner)


async def through_the_door(node: TestNode, body: dict[str, object], *, key: str | None, **party: str) -> list[str]:
    """The round trips of the second of two such queries by a credential of that party."""
    order = {"scopes": ["queries:ask"], **party}
    made = (await node.operator().post("/v1/admin/keys", json=order)).raise_for_status().json()
    async with node.door(made["credential"]) as door:
        (await door.post("/v1/queries", json=body)).raise_for_status()
        with counted() as trips:
            answer = await door.post("/v1/queries", json=body, headers={"Idempotency-Key": key} if key else {})
    assert len(answer.raise_for_status().json()["released"]) == 1
    return trips


@pytest.mark.parametrize(("number", "key"), [(720, None), (721, "counted-721")])
async def test_a_departments_query_is_at_most_four_round_trips_through_the_door(node: TestNode, number, key):
    await submitted(node, person_penalty(number))
    body = ASKS | {"subject": subject_of(number)}
    trips = await through_the_door(node, body, key=key, kind="department", party="market_regulation")
    assert len(trips) <= 4, trips


@pytest.mark.parametrize(("number", "key"), [(722, None), (723, "counted-723")])
async def test_a_bureaus_query_is_at_most_six_round_trips_through_the_door(node: TestNode, number, key):
    await submitted(node, person_penalty(number))
    permitted = {"bureau": "alpha_credit", "purpose": "credit_assessment", "items": [ITEM], "max_uses": 9}
    permitted["valid_until"] = (node.host.clock.legal_date() + timedelta(days=9)).isoformat()
    given = await node.client("query", await the_person(node, number)).post("/v1/me/authorisations", json=permitted)
    body = {"subject": subject_of(number), "purpose": "credit_assessment", "officer": "B-3"}
    body["authorisation"] = given.json()["id"]
    trips = await through_the_door(node, body, key=key, kind="bureau", party="alpha_credit")
    assert len(trips) <= 6, trips
