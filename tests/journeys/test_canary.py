"""Planted people walk through a whole node, and are then looked for wherever the node leaves bytes.

Logs, metrics, every column of every table, the server's own log, URLs and headers inside and outside, and every answer
to somebody who may not know. What was planted to be found is found by the same scan.
"""

import asyncio
import base64
import contextlib
import csv
import gzip
import io
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import structlog
from prometheus_client import Counter, generate_latest
from starlette.types import Receive, Scope, Send

from creditmesh.chassis.metrics import REQUESTS
from tests.journeys.seen import Seen, SeenTransport
from tests.support.canary import (
    Place,
    Secret,
    Sighting,
    dump,
    forms,
    secret_of_credential,
    secrets_of_keys,
    sightings,
    statements,
)
from tests.support.cast import (
    BY_MATTER,
    DEFAULTER,
    ITEM,
    Cast,
    assembled,
    authorisation,
    defaulter,
    penalty,
    resident,
    uscc,
)
from tests.support.eventually import eventually
from tests.support.node import TestNode, running
from tests.support.postgres import Postgres

PERSON, TRADERS_OPERATOR, REPRESENTATIVE = (resident(7, born=f"196{year}0412") for year in (1, 2, 3))
FILELESS, MISPLACED, RIGHT = (resident(7, born=f"196{year}0412") for year in (5, 6, 7))
HELD = RIGHT[:-1] + ("1" if RIGHT[-1] != "1" else "2")
TRADER = uscc(707, head="92")
SECRETS = [
    Secret("a person's number", PERSON),
    Secret("a person's name", "金丝雀某甲"),
    Secret("a sole trader's code", TRADER),
    Secret("an operator's number", TRADERS_OPERATOR),
    Secret("an operator's name", "金丝雀某乙"),
    Secret("a representative's number", REPRESENTATIVE),
    Secret("a representative's name", "金丝雀某丙"),
    Secret("the number of a held row", HELD),
    Secret("the name of a held row", "金丝雀某丁"),
    Secret("the number of somebody without a file", FILELESS),
    Secret("a number where none belongs", MISPLACED),
    Secret("what somebody did", "金丝雀于三月间未按规定公示"),
    Secret("what somebody got", "责令金丝雀改正并罚款"),
    Secret("a remark", "金丝雀的备注"),
]
TOLD = {"CF_SY": "金丝雀于三月间未按规定公示。", "CF_NR": "责令金丝雀改正并罚款2000元", "BZ": "金丝雀的备注"}


@dataclass
class Aviary:
    """The node after the story, and all that was gathered of it."""

    node: TestNode
    secrets: list[Secret]
    places: list[Place] = field(default_factory=list)

    async def database(self) -> list[Place]:
        async with self.node.database.session() as session:
            return [place async for place in dump(session)]


@pytest.fixture(scope="module")
async def aviary(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Aviary]:
    state = tmp_path_factory.mktemp("aviary")
    seen: list[Place] = []
    log = io.StringIO()
    async with running(postgres, state) as node:
        with contextlib.redirect_stderr(log):
            door: Any = node.host.public_app
            door._transports = {
                name: SeenTransport(name, inner, places=seen) for name, inner in door._transports.items()
            }
            node.host.public_app = Seen("the door", door, places=seen)
            cast = await assembled(node)
            for name, number, kind, document in [
                ("canary", PERSON, "natural_person", "resident_id"),
                ("trader", TRADER, "sole_trader", "uscc"),
                ("representative", REPRESENTATIVE, "natural_person", "resident_id"),
            ]:
                await cast.person(name, number, kind=kind, document=document)
            secrets = [*SECRETS, *(secret_of_credential(name, text) for name, text in cast.tokens.items())]
            secrets += secrets_of_keys(node.host.settings.secrets)
            secrets += secrets_of_keys(postgres.secrets)
            told = len(await _story(cast))
            await _mistakes(cast, seen)
            await node.settled()
            await eventually(lambda: "unit ended uncertain" in log.getvalue())  # who rests finds it out when it looks
        made = Aviary(node, secrets, seen)
        made.places += [("the log", line.encode()) for line in log.getvalue().splitlines()]
        made.places.append(("the metrics", (await node.operator().get("/metrics")).content))
        made.places.append(("readiness", (await node.operator().get("/health/ready")).content))
        made.places.append(("the server's log", (Path(postgres.server.place) / "postgres.log").read_bytes()))
        made.places += await made.database()
        assert told > 20
        yield made


async def _story(cast: Cast) -> list[httpx.Response]:
    today, answers = cast.today, []
    person = penalty("示市监罚〔2026〕701号", today=today, CF_XDR_MC="金丝雀某甲", CF_XDR_ZJHM=PERSON, **TOLD)
    trader = penalty(
        "示市监罚〔2026〕702号", today=today, CF_XDR_MC="示例市金丝雀小吃店", CF_XDR_LB="个体工商户",
        CF_XDR_SHXYM=TRADER, CF_XDR_ZJLX=None, CF_XDR_ZJHM=None, CF_FRDB="金丝雀某乙", CF_FR_ZJLX="身份证",
        CF_FR_ZJHM=TRADERS_OPERATOR, **TOLD,
    )  # fmt: skip
    organisation = trader | {
        "CF_XDR_MC": "示例市公开贸易有限公司", "CF_XDR_LB": "法人及非法人组织", "CF_XDR_SHXYM": uscc(708),
        "CF_FRDB": "金丝雀某丙", "CF_FR_ZJHM": REPRESENTATIVE, "CF_WSH": "示市监罚〔2026〕703号",
        "CF_SY": "未按规定公示。", "CF_NR": "罚款2000元",
    }  # fmt: skip
    held = person | {"CF_WSH": "示市监罚〔2026〕704号", "CF_XDR_ZJHM": HELD, "CF_XDR_MC": "金丝雀某丁"}
    made = await cast.submit(person, **{"Idempotency-Key": "canary-1"})
    answers += [made, await cast.submit(person, **{"Idempotency-Key": "canary-1"}), await cast.submit(trader)]
    answers.append(await _file(cast, [organisation, person, trader], media="text/csv; charset=gb18030"))
    answers.append(await _file(cast, [organisation], media="text/csv", encoding="gzip"))
    waiting = await cast.submit(held)
    assert (made.status_code, waiting.status_code) == (201, 202), made.text + waiting.text
    record, review = made.json()["record"], waiting.json()["review"]
    owner, officer = cast.door("owner"), cast.door("officer")
    answers += [await officer.get(f"/v1/reviews/{review}"), await owner.get(f"/v1/records/{record}")]
    answers.append(await officer.post(f"/v1/reviews/{review}/decision", json={"decision": "release"}))
    correction = {"fields": person | {"CF_WFXW": "其他"}, "reason": "error"}
    answers.append(await owner.post(f"/v1/records/{record}/corrections", json=correction, headers={"If-Match": '"1"'}))
    answers += await _listed(cast)
    await cast.node.settled()
    answers += await _questions(cast)
    answers += await _screened(cast)
    answers.append(
        await owner.post(f"/v1/records/{record}/withdrawal", json={"reason": "revoked"}, headers={"If-Match": '"2"'})
    )
    for answer in answers:
        assert answer.status_code < 300, answer.text
    return answers


async def _questions(cast: Cast) -> list[httpx.Response]:
    own, bureau, asker = cast.door("canary"), cast.door("bureau"), cast.door("asker")
    given = await own.post("/v1/me/authorisations", json=authorisation(cast))
    grounds = {"purpose": "credit_assessment", "authorisation": given.json()["id"], "officer": "B-3"}
    answers = [given, await bureau.post("/v1/queries", json={"subject": _natural(PERSON), **grounds})]
    assert PERSON in answers[-1].text, "the canary was not released: nothing was tried"
    answers += [
        await asker.post("/v1/queries", json={"subject": _natural(number), **BY_MATTER})
        for number in (PERSON, FILELESS, REPRESENTATIVE)
    ]
    trader = {"kind": "sole_trader", "document": {"type": "uscc", "number": TRADER}, "name": "示例市金丝雀小吃店"}
    answers.append(await asker.post("/v1/queries", json={"subject": trader, **BY_MATTER}))
    for path in ("file", "accesses", "export", "authorisations"):
        answers += [await cast.door(name).get(f"/v1/me/{path}") for name in ("canary", "trader", "representative")]
    answers.append(await bureau.post("/v1/authorisations", json={"token": given.json()["token"]}))
    answers += [
        await cast.door().post("/v1/public/searches", json={"name": name}) for name in ("示例市公开", "示例市金丝雀")
    ]
    public = await cast.door().get("/v1/public/records", params={"item": ITEM})
    assert sightings([("a public answer", public.content)], SECRETS) == []
    assert sightings([("a public answer", answers[-1].content)], SECRETS) == []
    refused = await bureau.post("/v1/queries", json={"subject": _natural(PERSON), "purpose": "credit_assessment"})
    assert refused.status_code == 403
    return [*answers, public]


async def _listed(cast: Cast) -> list[httpx.Response]:
    """The court lists the person, and an organisation of which it names the representative by number."""
    person = {"PARTYTYPENAME": "580", "INAME": "金丝雀某甲", "CARDNUM": PERSON, "BUSINESSENTITY": ""}
    firm = {"BUSINESSENTITY": "金丝雀某丙", "BUSINESSENTITYNUM": REPRESENTATIVE}
    rows = [
        defaulter(f"(2026)示0101执07{place:02d}号", today=cast.today, **changes)
        for place, changes in enumerate((person, firm))
    ]
    return [await cast.submit(row, by="court", item=DEFAULTER) for row in rows]


async def _screened(cast: Cast) -> list[httpx.Response]:
    court, ground = cast.door("court"), {"matter": "consumption_restriction", "officer": "W-17"}
    people = [_natural(PERSON), _natural(REPRESENTATIVE), _natural(FILELESS)]
    answers = [await court.post("/v1/screenings", json=people, params=ground)]
    assert [bool(each["measures"]) for each in answers[0].json()] == [True, True, False]
    answers.append(await court.post("/v1/eligibility", json={"subject": people[0]}, params=ground))
    answers.append(await court.get("/v1/designations", params={"list": "judgment_defaulters"}))
    tasks = await court.get("/v1/tasks")
    assert PERSON in tasks.text, "the canary was not named: nothing was tried"
    assert REPRESENTATIVE in tasks.text, "the representative was not named: nothing was tried"
    for task in tasks.json()["items"]:
        body = {"outcome": "applied", "officer": "W-17"}
        headers = {"If-Match": f'"{task["answers"]}"'}
        answers.append(await court.post(f"/v1/tasks/{task['id']}/feedback", json=body, headers=headers))
    return [*answers, tasks]


async def _mistakes(cast: Cast, seen: list[Place]) -> None:
    """What goes wrong around the planted people: refusals of every kind, faults, a lost database, a dead letter."""
    owner = cast.door("owner")
    place, today = f"/v1/items/{ITEM}/records", cast.today
    for row in (
        penalty("x", today=today, CF_XDR_ZJHM=MISPLACED + "9"),
        penalty("x", today=today, CF_JDRQ=MISPLACED),
        penalty("x", today=today, CF_NR_FK=MISPLACED + "x"),
        penalty("x", today=today, CF_CFLB=MISPLACED),
        {MISPLACED: "x"},
        [MISPLACED],
    ):
        assert (await owner.post(place, json=row)).status_code in {200, 202, 400, 422}
    for body in (b'{"' + MISPLACED.encode(), MISPLACED.encode(), MISPLACED.encode("utf-16")):
        for path in (place, "/v1/queries", "/v1/screenings", "/v1/public/searches"):
            by = "asker" if path in {"/v1/queries", "/v1/screenings"} else "owner"
            assert (await cast.door(by).post(path, content=body, headers={"Content-Type": "application/json"})).is_error
    await _misplaced(cast, seen)
    await _broken(
        cast, penalty("示市监罚〔2026〕709号", today=today, CF_XDR_MC="金丝雀某甲", CF_XDR_ZJHM=PERSON, **TOLD)
    )


async def _misplaced(cast: Cast, seen: list[Place]) -> None:
    """A caller puts a number where none belongs: the node cannot unsay it, but it repeats it nowhere."""
    before, owner = len(seen), cast.door("owner")
    for path in (f"/v1/records/{MISPLACED}", f"/v1/{MISPLACED}", f"/v1/public/records?item={MISPLACED}"):
        assert (await owner.get(path, headers={"X-Request-Id": MISPLACED, "traceparent": MISPLACED})).is_error
    answer = await cast.door().get("/v1/catalogue", headers={"Authorization": f"Bearer {MISPLACED}"})
    assert answer.status_code == 401
    said = {place for place, content in seen[before:] if MISPLACED.encode() in content}
    assert said, "nothing was misplaced"
    asked = {
        place for place in said if place.startswith("URL") or (place.startswith("request header") and "door" in place)
    }
    assert said == asked
    seen[before:] = [(place, content) for place, content in seen[before:] if place not in said]


async def _broken(cast: Cast, row: dict[str, str]) -> None:
    async with cast.node.database.session() as session:
        await session.execute("revoke insert on ingestion.revision from city_ingestion")
        assert (await cast.submit(row)).status_code == 500
        await session.execute("grant insert on ingestion.revision to city_ingestion")
        await session.execute("alter table query.record add constraint broken check (false) not valid")
        assert (await cast.submit(row)).status_code == 201
        await _until_there_is(session, "query.dead_letter where error is not null")
        await session.execute("alter table query.record drop constraint broken")
        await _until_there_is(session, "gateway.security_log")  # it is written a moment after the answer
        await session.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename ~ '^city_'")
    again = await cast.submit(row)
    assert again.status_code in {200, 503}, again.text


async def _until_there_is(session: asyncpg.Connection, rows: str) -> None:
    async with asyncio.timeout(60):
        while not await session.fetchval(f"select count(*) from {rows}"):
            await session.execute("select pg_sleep(0.02)")


async def _file(cast: Cast, rows: list[dict[str, str]], *, media: str, encoding: str = "") -> httpx.Response:
    text = io.StringIO()
    writer = csv.DictWriter(text, sorted({code for row in rows for code in row}))
    writer.writeheader()
    writer.writerows(rows)
    body = text.getvalue().encode("gb18030" if "gb18030" in media else "utf-8")
    headers = {"Content-Type": media} | ({"Content-Encoding": encoding} if encoding else {})
    content = gzip.compress(body) if encoding else body
    return await cast.door("owner").post(f"/v1/items/{ITEM}/records", content=content, headers=headers)


def _natural(number: str) -> dict[str, Any]:
    return {"kind": "natural_person", "document": {"type": "resident_id", "number": number}, "name": "金丝雀某甲"}


def test_no_canary_is_anywhere_in_clear(aviary: Aviary):
    count, found = len(aviary.places), sightings(aviary.places, aviary.secrets)
    assert found == []
    assert count > 3000


@pytest.mark.parametrize(
    "place",
    [
        "the log", "the metrics", "the server's log", "ingestion.revision", "ingestion.review",
        "ingestion.submission_chunk",
        "query.record", "query.public_record", "query.access", "query.dead_letter", "query.authorisation", "bus.event.",
        "matching.standing", "matching.feedback",
        "bus.event_order", "vault.subject", "vault.identity", "gateway.credential", "gateway.security_log",
        "ingestion.idempotency", "URL at the door", "URL at query", "request header x-request-id at ingestion",
        "answer's header location at the door", "refusal at the door", "pg_stat_activity",
    ],
)  # fmt: skip
def test_the_scan_was_there(aviary: Aviary, place: str):
    """An empty place would prove nothing."""
    assert any(where.startswith(place) and content for where, content in aviary.places)


def test_what_went_wrong_was_told_in_the_log(aviary: Aviary):
    lines = b"\n".join(content for where, content in aviary.places if where == "the log")
    for word in (b"unexpected error", b"unit ended uncertain", b"dead letter"):
        assert word in lines, word


SHAPES: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda raw: raw,
    "UTF-16": lambda raw: raw.decode().encode("utf-16"),
    "GB18030": lambda raw: raw.decode().encode("gb18030"),
    "hexadecimal": lambda raw: raw.hex().upper().encode(),
    "base64": base64.b64encode,
    "base64 after one byte": lambda raw: base64.b64encode(b"x" + raw + b"y"),
    "base64 after two bytes": lambda raw: base64.urlsafe_b64encode(b"xy" + raw + b"yz"),
    "URL-encoded": lambda raw: "".join(f"%{byte:02x}" if byte > 127 else chr(byte) for byte in raw).encode(),
    "JSON-escaped": lambda raw: raw.decode().encode("unicode-escape"),
    "gzip": gzip.compress,
    "bytes as Python prints them": lambda raw: repr(raw).encode(),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("secret", [SECRETS[0], SECRETS[1], SECRETS[2]], ids=lambda secret: secret.name)
def test_the_scan_finds_every_form(secret: Secret, shape: str):
    content = SHAPES[shape](b"before " + secret.text.encode() + b" after")
    assert {seen.secret for seen in sightings([("x", content)], SECRETS)} == {secret.name}
    assert sightings([("x", SHAPES[shape](b"nothing of theirs, 990000 and so on"))], SECRETS) == []


def test_no_form_is_so_short_that_it_is_everywhere():
    for secret in SECRETS:
        assert min(len(needle) for needle, _ in forms(secret.text).values()) >= 8


async def test_a_leak_planted_in_the_database_is_found(aviary: Aviary):
    async with aviary.node.database.session() as session:
        transaction = session.transaction()
        await transaction.start()
        await session.execute("create table query.scratch (kept bytea)")
        await session.execute("insert into query.scratch values ($1)", SECRETS[1].text.encode("utf-16"))
        kept = [place async for place in dump(session)]
        await transaction.rollback()
    found = sightings(kept, aviary.secrets)
    assert [(seen.place, seen.secret) for seen in found] == [("query.scratch.kept", "a person's name")]


async def test_a_leak_planted_in_a_column_of_the_nodes_own_is_found(aviary: Aviary):
    async with aviary.node.database.session() as session:
        transaction = session.transaction()
        await transaction.start()
        await session.execute("update ingestion.submission_chunk set lines = lines || $1", PERSON.encode())
        kept = [place async for place in dump(session)]
        await transaction.rollback()
    found = sightings(kept, aviary.secrets)
    assert {(seen.place, seen.secret) for seen in found} == {("ingestion.submission_chunk.lines", "a person's number")}


async def test_a_leak_planted_in_a_statement_is_found_and_what_a_test_asked_by_itself_is_none(aviary: Aviary):
    node, planted = aviary.node.database, f"select '{PERSON}'"
    async with node.session() as session, node.session() as kept, node.pool("query").session() as leaking:
        await kept.execute(planted)
        before = await statements(session)
        await leaking.execute(planted)
        after = await statements(session)
        await leaking.execute("select 'nothing'")
    assert sightings(before, SECRETS) == []
    assert {(seen.place, seen.secret) for seen in sightings(after, SECRETS)} == {
        ("pg_stat_activity.query", "a person's number")
    }


def test_a_leak_planted_in_a_log_line_is_found(aviary: Aviary):
    log = io.StringIO()
    with contextlib.redirect_stderr(log):
        structlog.get_logger("planted").warning("planted", number=PERSON, token=aviary.secrets[-1].text)
    found = sightings([("the log", log.getvalue().encode())], aviary.secrets)
    assert {seen.secret for seen in found} == {"a person's number", aviary.secrets[-1].name}


def test_a_leak_planted_in_a_metrics_label_is_found(aviary: Aviary):
    planted = Counter("creditmesh_planted", "Planted", ["who"], registry=None)
    planted.labels(PERSON).inc()
    REQUESTS.labels("planted", f"/v1/records/{TRADER}", 200).inc()
    try:
        metrics = ("the metrics", generate_latest())
        assert {seen.secret for seen in sightings([metrics], aviary.secrets)} == {"a sole trader's code"}
    finally:
        REQUESTS.remove("planted", f"/v1/records/{TRADER}", "200")


async def test_a_leak_planted_in_a_url_or_a_header_is_found(aviary: Aviary):
    places: list[Place] = []

    async def answers(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 404, "headers": [(b"location", f"/x/{PERSON}".encode())]})
        await send({"type": "http.response.body", "body": TRADER.encode()})

    app = Seen("query", answers, places=places)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        await client.get(f"/v1/records?who={FILELESS}", headers={"x-creditmesh-officer": HELD})
    assert {(seen.place, seen.secret) for seen in sightings(places, aviary.secrets)} == {
        ("URL at query", "the number of somebody without a file"),
        ("request header x-creditmesh-officer at query", "the number of a held row"),
        ("answer's header location at query", "a person's number"),
        ("refusal at query", "a sole trader's code"),
    }


def test_a_sighting_does_not_say_what_was_seen():
    found = sightings([("x", PERSON.encode())], SECRETS)
    assert Sighting("x", "a person's number", "text") in found
    assert PERSON not in repr(found)
