"""One person's erasure through three tiers: what a city made about them is nowhere any more, and all logs verify.

Others' records stand, and so does what another city says of the person, until that is erased too: then no number finds
them at any tier, and no key opens what they had.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from creditmesh.chassis.vault.asked_for import KnownSubjects
from creditmesh.client.feeds import FeedHead, read_page
from creditmesh.schemas.exchange import feed_origin
from creditmesh.schemas.rules.asked import identified
from creditmesh.schemas.rules.identity import Identity
from creditmesh.schemas.subject import Document
from tests.exchange.conftest import node_caller
from tests.exchange.test_restoring import restored
from tests.journeys.mesh import Mesh, accepted, assembled, done, enterprise
from tests.support.bodies import body_of
from tests.support.canary import Secret, dump, sightings
from tests.support.cast import BY_MATTER, Cast, penalty, resident
from tests.support.chain import Place, chained
from tests.support.eventually import eventually
from tests.support.postgres import Postgres
from tests.support.restoring import copied, put_back

PLACES = (
    Place(code="nation", tier="nation"),
    Place(code="province", tier="province", above="nation"),
    Place(code="city", tier="city", above="province"),
    Place(code="cityb", tier="city", above="province"),
)
UPWARDS = ("city", "province", "nation")
NUMBER, OTHER = resident(61), resident(62)
DOCUMENT = {"kind": "natural_person", "document": {"type": "resident_id", "number": NUMBER}}
BY = {"ground": "order", "basis": "（2026）示01行终8号", "officer": "Reviewer Lan"}
READERS = {"city": "province", "cityb": "province", "province": "nation"}
CLOSED_LONG_AGO = (
    "update ingestion.closing set look_at = now()",
    "update vault.subject set closed_at = closed_at - interval '1 hour' where closed_at is not null",
)


@dataclass
class Erasing:
    """The chain, the records by what they are, and what each node had of the one that goes."""

    mesh: Mesh
    gone: str
    theirs: str
    other: str
    firm: str
    secrets: dict[str, list[Secret]] = field(default_factory=dict)
    erasure: str = ""


@pytest.fixture(scope="module")
async def erasing(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Erasing]:
    async with chained(postgres, tmp_path_factory.mktemp("erasing"), *PLACES) as chain:
        mesh = await assembled(chain)
        city, cityb = mesh.city, mesh["cityb"]
        about = {"CF_XDR_ZJHM": NUMBER, "CF_XDR_MC": "样某辛"}
        made = Erasing(
            mesh,
            gone=await accepted(city, penalty("示市监罚〔2026〕861号", today=city.today, **about)),
            theirs=await accepted(cityb, penalty("示市监罚〔2026〕862号", today=cityb.today, **about)),
            other=await accepted(city, penalty("示市监罚〔2026〕863号", today=city.today, CF_XDR_ZJHM=OTHER)),
            firm=await accepted(city, enterprise(city, "示市监罚〔2026〕864号", 864)),
        )
        for name, number in (("subject", NUMBER), ("other", OTHER)):
            await mesh.person(name, number, at=UPWARDS)
        await mesh.settled()
        await copied(chain["city"])
        await mesh.settled()
        for code in UPWARDS:
            made.secrets[code] = [Secret("a decision", "示市监罚〔2026〕861号"), *await _sealed(made, code)]
        yield made


async def _sealed(made: Erasing, code: str) -> list[Secret]:
    """What is sealed about the person at a node, in its revisions and its feed, and in what it has of its peers'."""
    found = [each["text"] for row in (await made.mesh.revisions(made.gone))[code] for each in row["sealed"]]
    async with made.mesh.chain[code].database.session() as session:
        own = await session.fetch(
            "select body, packed from exchange.feed_entry where record = $1 and body is not null", UUID(made.gone)
        )
    found += [json.loads(body_of(row) or "{}")["sealed"]["text"] for row in own]
    return [Secret(f"sealed {place}", text) for place, text in enumerate(found)]


async def seen(made: Erasing, code: str, secrets: list[Secret]) -> set[str]:
    async with made.mesh.chain[code].database.session() as session:
        places = [each async for each in dump(session)]
    return {f"{each.place}: {each.secret}" for each in sightings(places, secrets)}


async def file_of(cast: Cast, name: str = "subject") -> set[str]:
    return {each["record"] for each in done(await cast.door(name).get("/v1/me/file"))["records"]}


async def asked(cast: Cast) -> Any:
    return done(await cast.door("asker").post("/v1/queries", json={"subject": DOCUMENT, **BY_MATTER}))


async def order(cast: Cast, **more: Any) -> Any:
    return done(await cast.node.operator().post("/v1/admin/erasures", json={"person": DOCUMENT, **BY, **more}))


async def is_answered(cast: Cast, erasure: str) -> bool:
    """Whether all records are deleted everywhere; the key goes later."""
    records = done(await cast.node.operator().get(f"/v1/admin/erasures/{erasure}"))["records"]
    return all(each["deleted"] and not each["pending"] for each in records)


async def verified(made: Erasing, code: str) -> int:
    """How many entries of a node's feed fit the heads that it signed."""
    node = made.mesh.chain[code]
    head = FeedHead(origin=feed_origin(code, "up"), publics=(node.host.equipment["exchange"].keys.public("node").raw,))
    client = node.client("exchange", node_caller(READERS[code]))
    while True:
        answer = await client.get(
            "/v1/exchange/feeds/up/entries", params={"after": head.size, "limit": 1000, "wait": 0}
        )
        page = read_page(answer.content)
        if page is None or not page.entries:
            return head.size
        head = head.followed_by(page)


async def known(made: Erasing, code: str) -> bool:
    """Whether a number finds the person at a node."""
    vault = made.mesh.chain[code].host.equipment["ingestion"].vault
    vault._subjects = KnownSubjects(10)
    who = identified("natural_person", Document(type="resident_id", number=NUMBER), fillers=())
    assert isinstance(who, Identity)
    return (await vault.find([who]))[0] is not None


async def test_what_would_go_is_said_and_nothing_is_done(erasing: Erasing):
    for code in UPWARDS:
        assert await seen(erasing, code, erasing.secrets[code]), "the scan finds what is there"
        assert len(erasing.secrets[code]) > 1
    said = await order(erasing.mesh.city)
    assert (said["erasure"], [each["record"] for each in said["records"]]) == (None, [erasing.gone])
    assert (said["elsewhere"], said["named_in"], said["key"]) == ({}, 0, "goes")
    above = await order(erasing.mesh["province"])
    assert (above["records"], above["elsewhere"], above["key"]) == ([], {"city": 1, "cityb": 1}, "stays")
    assert await file_of(erasing.mesh.city) == {erasing.gone}


async def test_who_orders_it_badly_is_told_why_and_nothing_is_done(erasing: Erasing):
    operator = erasing.mesh.city.node.operator()
    for change, code in (
        ({"ground": "consent_withdrawn"}, "records_needed"),
        ({"ground": "whim"}, "literal_error"),
        ({"officer": ""}, "string_too_short"),
        ({"records": [erasing.theirs], "confirmed": True}, "unknown_records"),
    ):
        answer = await operator.post("/v1/admin/erasures", json={"person": DOCUMENT, **BY, **change})
        assert answer.status_code == 422, answer.text
        assert code in {each["code"] for each in answer.json()["errors"]}, answer.text
        assert NUMBER not in answer.text
    nobody = {"kind": "natural_person", "document": {"type": "resident_id", "number": resident(99)}}
    answer = await operator.post("/v1/admin/erasures", json={"person": nobody, **BY, "confirmed": True})
    assert answer.status_code == 404
    assert await file_of(erasing.mesh.city) == {erasing.gone}


async def test_it_is_nowhere_at_any_tier_the_logs_verify_and_all_else_stands(erasing: Erasing):
    mesh = erasing.mesh
    erasing.erasure = (await order(mesh.city, confirmed=True))["erasure"]
    await eventually(lambda: is_answered(mesh.city, erasing.erasure))
    await mesh.settled()
    for code in UPWARDS:
        await eventually(lambda code=code: _is_nowhere(erasing, code))
        assert await file_of(mesh[code], "other") == {erasing.other}
        assert erasing.firm in {row["record"] for row in (await mesh.revisions(erasing.firm))[code]}
    for code in READERS:
        assert await verified(erasing, code) >= 2
    for code in ("province", "nation"):
        assert await file_of(mesh[code]) == {erasing.theirs}
        answer = await asked(mesh[code])
        assert [each["record"] for each in answer["released"]] == [erasing.theirs]
        assert NUMBER in json.dumps(answer)
    assert await file_of(mesh.city) == set()
    assert (await asked(mesh.city))["released"] == []


async def _is_nowhere(made: Erasing, code: str) -> bool:
    return await seen(made, code, made.secrets[code]) == set()


async def test_the_entry_that_stays_names_who_ordered_it_and_who_has_answered_and_nobody_else(erasing: Erasing):
    operator = erasing.mesh.city.node.operator()
    (listed,) = done(await operator.get("/v1/admin/erasures"))["items"]
    assert {name: listed[name] for name in BY} == BY
    found = done(await operator.get(f"/v1/admin/erasures/{erasing.erasure}"))
    (record,) = found["records"]
    assert (record["record"], record["rev"], record["deleted"], record["pending"]) == (erasing.gone, 2, True, [])
    assert (found["key"], found["complete"]) == ("goes", False), "all but the key is gone"
    assert {(each["holder"], each["outcome"]) for each in record["holders"]} == {
        ("province", "acknowledged"),
        ("nation", "acknowledged"),
    }
    assert all(each["proof"] for each in record["holders"])
    subject = erasing.mesh.city.ids["subject of subject"]
    async with erasing.mesh.chain["city"].database.session() as session:
        rows = [
            *await session.fetch("select * from ingestion.erasure"),
            *await session.fetch("select * from ingestion.erased_record"),
            *await session.fetch("select * from ingestion.erasure_answer"),
        ]
    assert rows
    assert not any(subject in str(tuple(row)) for row in rows)


async def test_a_key_goes_with_the_last_that_needs_it_and_then_no_number_finds_the_person(erasing: Erasing):
    await _long_closed(erasing, "city")
    entry = done(await erasing.mesh.city.node.operator().get(f"/v1/admin/erasures/{erasing.erasure}"))
    assert (entry["key"], entry["complete"], entry["key_destroyed_at"] is None) == ("destroyed", True, False)
    assert [await known(erasing, code) for code in UPWARDS] == [False, True, True]
    cityb = erasing.mesh["cityb"]
    erasure = (await order(cityb, confirmed=True))["erasure"]
    await eventually(lambda: is_answered(cityb, erasure))
    await erasing.mesh.settled()
    for code in ("province", "nation"):
        await _long_closed(erasing, code)
    assert [await known(erasing, code) for code in UPWARDS] == [False, False, False]
    for code in ("province", "nation"):
        assert (await asked(erasing.mesh[code]))["released"] == []
        assert await file_of(erasing.mesh[code], "other") == {erasing.other}


async def _long_closed(made: Erasing, code: str) -> None:
    """The person was closed here an hour ago; wait until their key is destroyed."""

    async def destroyed() -> bool:
        async with made.mesh.chain[code].database.session() as session:
            for each in CLOSED_LONG_AGO:
                await session.execute(each)
            return bool(await session.fetchval("select count(*) from vault.subject where destroyed_at is not null"))

    await eventually(destroyed)


async def test_a_city_put_back_to_before_it_does_not_show_the_person_again(erasing: Erasing):
    city = erasing.mesh.chain["city"]
    await put_back(city, said=True)
    erasing.mesh.casts["city"].node = city  # type: ignore[misc]
    await restored(city)
    await erasing.mesh.settled()
    await eventually(lambda: _is_nowhere(erasing, "city"))
    assert await file_of(erasing.mesh.city) == set()
    assert await file_of(erasing.mesh.city, "other") == {erasing.other}
    await verified(erasing, "city")
    await _long_closed(erasing, "city")
    assert await known(erasing, "city") is False
