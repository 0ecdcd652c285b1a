"""Two provinces with two cities each: what one sends is in its own branch and, once, at the nation they share."""

from collections.abc import AsyncIterator

import pytest

from tests.journeys.mesh import ITEM, Mesh, accepted, act, assembled, done, enterprise, filed, organisation
from tests.support.cast import BY_MATTER, uscc
from tests.support.chain import Place, chained
from tests.support.postgres import Postgres

PROVINCES = {"city": "province", "cityb": "province", "cityc": "provinceb", "cityd": "provinceb"}
"""Each city, and the province it is below."""
CHAIN = (
    Place(code="nation", tier="nation"),
    *(Place(code=code, tier="province", above="nation") for code in dict.fromkeys(PROVINCES.values())),
    *(Place(code=code, tier="city", above=province) for code, province in PROVINCES.items()),
)
ORDER = 881
"""Of an organisation that was fined in every city, under one number of theirs."""


@pytest.fixture(scope="module")
async def branches(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    async with chained(postgres, tmp_path_factory.mktemp("branches"), *CHAIN) as chain:
        yield await assembled(chain)


@pytest.fixture(scope="module")
async def records(branches: Mesh) -> dict[str, str]:
    """The record of each city: all say the same of the organisation, but who says it."""
    row = enterprise(branches.city, "示市监罚〔2026〕881号", ORDER)
    found = {code: await accepted(branches[code], row) for code in PROVINCES}
    await branches.settled()
    return found


async def found_at(mesh: Mesh, code: str) -> set[str]:
    """The records of the organisation that a department of a node is given, each once."""
    asked = {"subject": organisation(ORDER), **BY_MATTER}
    released = done(await mesh[code].door("asker").post("/v1/queries", json=asked))["released"]
    of_item = [each["record"] for each in released if each["item"] == ITEM]
    assert len(of_item) == len(set(of_item)), f"{code}: a record is there twice"
    return set(of_item)


async def test_each_branch_has_its_own_and_the_nation_has_all_of_them_once(branches: Mesh, records: dict[str, str]):
    assert len(set(records.values())) == 4, "one number in four cities is four decisions"
    assert await found_at(branches, "nation") == set(records.values())
    for city, province in PROVINCES.items():
        assert await found_at(branches, city) == {records[city]}
        theirs = {records[code] for code, above in PROVINCES.items() if above == province}
        assert await found_at(branches, province) == theirs


async def test_what_ends_in_one_branch_ends_there_and_at_the_nation_and_stays_in_the_others(
    branches: Mesh, records: dict[str, str]
):
    city = branches["cityc"]
    await city.person("subject", uscc(ORDER), kind="organisation", document="uscc")
    case = await filed(city, "repair", records["cityc"])
    await act(city, case, action="approve")
    await branches.settled()
    left = {code: record for code, record in records.items() if code != "cityc"}
    assert await found_at(branches, "nation") == set(left.values())
    assert await found_at(branches, "provinceb") == {records["cityd"]}
    assert await found_at(branches, "province") == {records["city"], records["cityb"]}
    held = await branches.revisions(records["cityc"])
    assert [code for code, rows in held.items() if rows] == ["nation", "provinceb", "cityc"]
    said = done(await city.door("subject").get(f"/v1/cases/{case}/certificate"))["signed"]
    assert '"complete":true' in said
    assert '"provinceb"' in said
    assert '"province"' not in said, "whoever never had it answers for nothing"
