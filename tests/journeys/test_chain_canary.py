"""Planted people go up the chain, are screened, object and are repaired; then they are looked for at every node.

Feeds as they are on the wire, what nodes ask each other, logs, metrics, certificates, and every column of every table.
"""

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from creditmesh.chassis.packing import pack
from tests.exchange.conftest import node_caller
from tests.journeys.mesh import UPWARDS, Mesh, accepted, act, assembled, done, filed, tasks_of, with_a_listing_penalty
from tests.journeys.seen import SeenTransport
from tests.support.canary import Place, Secret, dump, secret_of_credential, secrets_of_keys, sightings
from tests.support.cast import BY_MATTER, DEFAULTER, MATTER, defaulter, penalty, resident, uscc
from tests.support.chain import TWO_CITIES, chained
from tests.support.node import TestNode
from tests.support.postgres import Postgres

PERSON, LISTED, RESPONSIBLE = (resident(8, born=f"198{year}0412") for year in (1, 2, 3))
LISTING = "canary_listing"
SECRETS = [
    Secret("a person's number", PERSON),
    Secret("a person's name", "鸣禽某甲氏"),
    Secret("a listed person's number", LISTED),
    Secret("a listed person's name", "鸣禽某乙氏"),
    Secret("a responsible person's number", RESPONSIBLE),
    Secret("a responsible person's name", "鸣禽某丙氏"),
    Secret("a phone number", "13900001234"),
    Secret("what somebody did", "鸣禽于三月间未按规定公示"),
    Secret("what somebody says of it", "鸣禽称罚款已缴清"),
    Secret("what a document says", "鸣禽的缴款凭证"),
    Secret("why it was refused", "鸣禽所述与卷宗不符"),
]
CHAIN = tuple(place for place in TWO_CITIES if place.code in UPWARDS)
TOLD = {"CF_SY": "鸣禽于三月间未按规定公示。电话13900001234", "BZ": "电话13900001234"}
FEEDS = (
    ("city", "up", "province"),
    ("province", "up", "nation"),
    ("nation", "down", "province"),
    ("province", "down", "city"),
    ("province", "down-city", "city"),
)


@dataclass
class Aviary:
    """The chain after the story, what is secret, and all that was gathered."""

    mesh: Mesh
    secrets: list[Secret]
    places: list[Place] = field(default_factory=list)


@pytest.fixture(scope="module")
async def aviary(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Aviary]:
    places: list[Place] = []
    log = io.StringIO()
    async with contextlib.AsyncExitStack() as stack:
        with contextlib.redirect_stderr(log):
            chain = await stack.enter_async_context(chained(postgres, tmp_path_factory.mktemp("aviary"), *CHAIN))
            for code, node in chain.nodes.items():
                _watch(code, node, places)
            mesh = await assembled(chain)
            await with_a_listing_penalty(mesh, LISTING)
            places += await _story(mesh)
            await mesh.settled()
        places += [("log of a node", line.encode()) for line in log.getvalue().splitlines()]
        made = Aviary(mesh, [*SECRETS, *_secrets(mesh)], places)
        for code, node in chain.nodes.items():
            made.places += await _left(code, node)
        for origin, feed, reader in FEEDS:
            made.places.append((f"feed {feed} of {origin}", await wire(mesh, origin, feed, reader)))
        server = (Path(postgres.server.place) / "postgres.log").read_bytes()
        made.places.append(("the server's log", server))
        yield made


def _watch(code: str, node: TestNode, places: list[Place]) -> None:
    """Keep what passes the door to the services, also what other nodes send to it."""
    door: Any = node.host.public_app
    door._transports = {
        name: SeenTransport(f"{name} of {code}", inner, places=places) for name, inner in door._transports.items()
    }


def _secrets(mesh: Mesh) -> list[Secret]:
    found: list[Secret] = []
    for code, cast in mesh.casts.items():
        found += [secret_of_credential(f"{name} at {code}", text) for name, text in cast.tokens.items()]
        found += secrets_of_keys(cast.node.host.settings.secrets)
    return found


async def _left(code: str, node: TestNode) -> list[Place]:
    operator = node.operator()
    left = [
        (f"{path} of {code}", (await operator.get(path)).content)
        for path in ("/metrics", "/health/ready", "/v1/admin/feeds", "/v1/admin/peers")
    ]
    async with node.database.session() as session:
        return left + [(f"{code} {place}", content) async for place, content in dump(session)]


async def wire(mesh: Mesh, origin: str, feed: str, reader: str) -> bytes:
    client = mesh.chain[origin].client("exchange", node_caller(reader))
    answer = await client.get(f"/v1/exchange/feeds/{feed}/entries", params={"limit": 5000})
    assert answer.status_code == 200, answer.text
    return answer.content


async def _story(mesh: Mesh) -> list[Place]:
    """Submitted, listed, screened, objected, repaired with evidence; the certificates that came of it."""
    city = mesh.city
    await mesh.person("subject", PERSON)
    decided = (city.today - timedelta(days=130)).isoformat()
    about = {"CF_XDR_MC": "鸣禽某甲氏", "CF_XDR_ZJHM": PERSON, "CF_JDRQ": decided, **TOLD}
    objected = await accepted(city, penalty("示市监罚〔2026〕801号", today=city.today, **about))
    repaired = await accepted(city, penalty("示市监罚〔2026〕802号", today=city.today, **about), item=LISTING)
    listed = {"INAME": "鸣禽某乙氏", "PARTYTYPENAME": "580", "CARDNUM": LISTED}
    await accepted(city, defaulter("(2026)示0101执0801号", today=city.today, **listed), by="court", item=DEFAULTER)
    represented = {"CARDNUM": uscc(808), "BUSINESSENTITY": "鸣禽某丙氏", "BUSINESSENTITYNUM": RESPONSIBLE}
    await accepted(city, defaulter("(2026)示0101执0802号", today=city.today, **represented), by="court", item=DEFAULTER)
    await mesh.settled()
    await _asked(mesh)
    (task, *_) = await tasks_of(city, "asker", repaired)
    answer = {"outcome": "applied", "officer": "W-17"}
    done(await city.door("asker").post(f"/v1/tasks/{task['id']}/feedback", json=answer, headers={"If-Match": '"0"'}))
    case = await filed(city, "objection", objected, statement="鸣禽称罚款已缴清")
    await act(city, case, action="refuse", reason="鸣禽所述与卷宗不符")
    repair = await filed(city, "repair", repaired, statement="鸣禽称罚款已缴清", content="鸣禽的缴款凭证，鸣禽某甲氏")
    await act(city, repair, action="approve", basis="示市监修〔2026〕8号")
    await mesh.settled()
    own = city.door("subject")
    return [("a certificate", (await own.get(f"/v1/cases/{each}/certificate")).content) for each in (case, repair)]


async def _asked(mesh: Mesh) -> None:
    """Every tier asks about the planted people, and is told who they are."""
    ask = {"matter": MATTER, "officer": "W-17"}
    for code in UPWARDS:
        asker = mesh[code].door("asker")
        for number in (PERSON, LISTED, RESPONSIBLE):
            person = {"kind": "natural_person", "document": {"type": "resident_id", "number": number}}
            done(await asker.post("/v1/screenings", params=ask, json=person))
            done(await asker.post("/v1/eligibility", params=ask, json={"subject": person}))
            answer = await asker.post("/v1/queries", json={"subject": person, **BY_MATTER})
            assert (number in answer.text) == (number != RESPONSIBLE), "they were released: something was tried"
        assert PERSON in (await mesh[code].door("subject").get("/v1/me/file")).text
        await mesh[code].door().post("/v1/public/searches", json={"name": "示例欠款"})


async def test_no_canary_is_in_clear_at_any_node_or_between_them(aviary: Aviary):
    found = await asyncio.to_thread(sightings, aviary.places, aviary.secrets)
    assert found == []
    assert len(aviary.places) > 3000


@pytest.mark.parametrize(
    "place",
    [
        *(f"feed {feed} of {origin}" for origin, feed, _ in FEEDS),
        *(f"{code} {table}" for code in UPWARDS for table in (
            "ingestion.revision", "matching.standing", "query.record", "query.access", "bus.event.", "vault.identity",
        )),
        *(f"{code} exchange.received_page" for code in ("province", "nation")),
        *(f"{code} exchange.answer." for code in ("city", "province")),
        "city exchange.feed_entry", "city repair.evidence", "city repair.step", "city matching.feedback",
        "log of a node", "the server's log", "/metrics of nation", "/v1/admin/feeds of city",
        "a certificate", "URL at exchange of city", "request header x-request-id at exchange of city",
    ],
)  # fmt: skip
def test_the_scan_was_there(aviary: Aviary, place: str):
    """An empty place would prove nothing."""
    assert any(where.startswith(place) and content for where, content in aviary.places)


@pytest.mark.parametrize("packed", [False, True])
async def test_a_leak_planted_in_a_feed_is_found_on_the_wire_and_in_the_table(aviary: Aviary, *, packed: bool):
    place = "where feed = 'up' and index = (select max(index) from exchange.feed_entry where feed = 'up')"
    async with aviary.mesh.chain["city"].database.session() as session:
        before = await session.fetchrow(f"select body, packed from exchange.feed_entry {place}")
        leak = '{"fields": {"CF_XDR_MC": "鸣禽某甲氏"}}'
        update = f"update exchange.feed_entry set body = $1, packed = $2 {place}"
        await session.execute(update, *(("", pack(leak.encode())) if packed else (leak, None)))
        try:
            sent = ("feed up of city", await wire(aviary.mesh, "city", "up", "province"))
            kept = [found async for found in dump(session)]
        finally:
            await session.execute(update, *before)
    assert {found.secret for found in sightings([sent], aviary.secrets)} == {"a person's name"}
    found = await asyncio.to_thread(sightings, kept, SECRETS)
    assert {(each.place, each.secret) for each in found} == {
        ("exchange.feed_entry.packed" if packed else "exchange.feed_entry.body", "a person's name")
    }
