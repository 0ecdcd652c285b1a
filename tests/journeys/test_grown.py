"""A chain that grows by a tier while it runs: whoever is enrolled above later has everything that stands."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date

import pytest

from creditmesh.exchange.operations import sealing
from tests.journeys.mesh import Mesh, accepted, act, done, enterprise, filed
from tests.journeys.mesh import assembled as everywhere
from tests.journeys.test_chain_repair import certificate
from tests.support.cast import Cast, penalty, resident
from tests.support.chain import Place, chained, enrol
from tests.support.postgres import Postgres

APART = (
    Place(code="nation", tier="nation"),
    Place(code="province", tier="province"),
    Place(code="city", tier="city", above="province"),
)


@pytest.fixture
async def apart(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    """A city and its province, and a nation that neither knows."""
    async with chained(postgres, tmp_path_factory.mktemp("apart"), *APART) as chain:
        yield await everywhere(chain)


async def grow(mesh: Mesh) -> None:
    """The province and the nation enrol each other, while all of them run."""
    nation, province = mesh.chain["nation"], mesh.chain["province"]
    mesh.chain.places = mesh.chain.places | {"province": replace(APART[1], above="nation")}
    await enrol(nation, mesh.chain["city"], place=None)  # of whose records it wants proof from the first one on
    await enrol(province, nation, place="above")
    await enrol(nation, province, place="below", sends_for=("province", "city"))
    await mesh.settled()


def body_of(cast: Cast, party: str) -> str:
    """The code that a party's rows are signed with."""
    row = cast.node.host.followed.party(party)
    assert row is not None
    return str(row.uscc)


async def held(mesh: Mesh, *records: str) -> dict[str, list[list[tuple[str, int]]]]:
    """What each node holds of these records: the change and the revision of each."""
    found = [await mesh.revisions(record) for record in records]
    return {code: [[(row["change"], row["rev"]) for row in each[code]] for each in found] for code in mesh.chain.nodes}


async def test_a_tier_that_comes_later_has_what_stands_and_nothing_that_ended(
    apart: Mesh, monkeypatch: pytest.MonkeyPatch
):
    city = apart.city
    person = penalty("示市监罚〔2026〕901号", today=city.today, CF_XDR_ZJHM=resident(901))
    standing = await accepted(city, person)
    await apart.settled()
    monkeypatch.setattr(sealing, "_month", lambda _: date(2031, 1, 1))  # another key seals what comes from here on
    row = enterprise(city, "示市监罚〔2026〕902号", 902)
    corrected = await accepted(city, row)
    ended = await accepted(city, enterprise(city, "示市监罚〔2026〕903号", 903))
    province = apart["province"]
    theirs = dict.fromkeys(("CF_CFJGDM", "CF_SJLYDM"), body_of(province, "province_market_regulation"))
    own = await accepted(province, enterprise(province, "示市监罚〔2026〕904号", 904, **theirs))
    said = {"fields": row | {"CF_WFXW": "其他"}, "reason": "error"}
    owner = city.door("owner")
    done(await owner.post(f"/v1/records/{corrected}/corrections", json=said, headers={"If-Match": '"1"'}))
    withdrawal = f"/v1/records/{ended}/withdrawal"
    done(await owner.post(withdrawal, json={"reason": "revoked"}, headers={"If-Match": '"1"'}))
    await apart.settled()
    assert (await held(apart, standing, own))["nation"] == [[], []]

    await grow(apart)
    at = await held(apart, standing, corrected, ended, own)
    assert at["nation"] == [[("accepted", 1)], [("corrected", 2)], [], [("accepted", 1)]]
    await apart["nation"].person("person", resident(901))
    (mine,) = done(await apart["nation"].door("person").get("/v1/me/file"))["records"]
    assert mine["record"] == standing
    assert mine["fields"]["CF_XDR_ZJHM"] == resident(901)


async def test_what_comes_of_a_record_of_before_reaches_the_new_tier_and_its_certificate_names_it(apart: Mesh):
    row = enterprise(apart.city, "示市监罚〔2026〕905号", 905)
    await apart.person("subject", row["CF_XDR_SHXYM"], kind="organisation", document="uscc", at=("city",))
    record = await accepted(apart.city, row)
    await apart.settled()
    await grow(apart)
    case = await filed(apart.city, "objection", record)
    await act(apart.city, case, action="approve", remedy="withdraw", basis="示市监撤〔2026〕1号")
    await apart.settled()
    found = await certificate(apart, case)
    assert {line.holder for line in found.lines} == {"province", "nation"}
    assert found.complete
    assert (await held(apart, record))["nation"] == [[("accepted", 1), ("marked", 2), ("withdrawn", 3)]]
