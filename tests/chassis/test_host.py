"""The host: what a node declares is started as declared, or not at all, and nothing is left when it stops."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from fastapi import APIRouter
from pydantic import ValidationError

from creditmesh.chassis import pruning
from creditmesh.chassis.bus.declare import declare_streams
from creditmesh.chassis.bus.orderer import LOCK
from creditmesh.chassis.bus.replica import Replica
from creditmesh.chassis.database.connecting import connect
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.facts import WrongNode
from creditmesh.chassis.host import Host, TooFewSessions
from creditmesh.chassis.http import health
from creditmesh.chassis.http.health import KEPT
from creditmesh.chassis.http.idempotency import kept_keys
from creditmesh.chassis.installation import streams
from creditmesh.chassis.readers import LEASES
from creditmesh.chassis.service import Declaration
from creditmesh.chassis.settings import NodeSettings
from creditmesh.chassis.units import Unit
from creditmesh.chassis.vault.keys import KeyMissing
from creditmesh.node.declaration import NODE
from creditmesh.node.door import door
from creditmesh.node.running import make_keys
from creditmesh.schemas.directory import Directory
from tests.chassis import toys
from tests.support.eventually import eventually
from tests.support.postgres import Database, Postgres

TOYS = Declaration(services=(toys.service,), follow="toy", followed=Directory)


@pytest.fixture(scope="module")
async def database(postgres: Postgres) -> AsyncIterator[Database]:
    async def declare(session: Session) -> None:
        await declare_streams(session, node="city", streams=streams(TOYS))

    made = await postgres.database(packages=TOYS.services, declare=declare, sandbox=True)
    yield made
    await made.close()


def settings(state: Path, **more: Any) -> NodeSettings:
    made = NodeSettings(
        node="city", parts=12, sandbox=True, state=state, database="given", port=0, operator_port=0, **more
    )
    make_keys(made)
    return made


def host(database: Database, given: NodeSettings, **more: Any) -> Host:
    return Host(**{"declaration": TOYS, "settings": given, "addresses": database.addresses, "hosted": ["toy"]} | more)


@contextlib.asynccontextmanager
async def started(made: Host) -> AsyncIterator[Host]:
    try:
        await made.start()
        yield made
    finally:
        await made.stop()


def test_no_two_locks_of_a_node_are_the_same():
    classes = [service.lock_class for service in NODE.services]
    leases = [LEASES + service.lock_class for service in NODE.services]
    assert 0 not in classes, "a service that forgot its class shares the default with every other that did"
    assert len(set(classes + leases)) == 2 * len(NODE.services)
    assert max(classes) < LEASES
    assert LOCK not in {*classes, *leases}


def test_every_service_of_the_node_is_told_apart():
    names = [service.name for service in NODE.services]
    assert len(set(names)) == len(names)
    assert NODE.follow in names
    assert all(service.summary and service.summary_zh for service in NODE.services)


async def test_a_process_listens_on_two_addresses_and_is_ready(database: Database, tmp_path: Path):
    async with started(host(database, settings(tmp_path))) as running, httpx.AsyncClient(timeout=60) as client:
        assert running.url != running.operator_url
        mark = uuid4()
        assert (await client.post(f"{running.url}/v1/marks/{mark}")).status_code == 200
        ready = await client.get(f"{running.operator_url}/health/ready")
        assert (ready.status_code, ready.json()["ready"], ready.json()["services"]) == (200, True, ["toy"])
        assert (await client.get(f"{running.operator_url}/health/live")).json() == {"status": "live"}
        assert "creditmesh_requests_total" in (await client.get(f"{running.operator_url}/metrics")).text


@pytest.mark.parametrize("upgraded", [True, False])
async def test_a_process_knows_whether_the_node_had_people_when_it_was_upgraded(
    database: Database, tmp_path: Path, *, upgraded: bool
):
    async with database.session() as session:
        await session.execute("update bus.node set upgraded = $1", upgraded)
    async with started(host(database, settings(tmp_path))) as running:
        assert running.followed.upgraded is upgraded
        assert running.equipment["toy"].vault.upgraded is upgraded


async def test_no_unit_of_a_service_decides_before_its_process_knows_the_catalogue(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    may_follow, began, follow = asyncio.Event(), asyncio.Event(), Replica.run

    async def slow(self: Replica) -> None:
        await may_follow.wait()
        await follow(self)

    async def decides() -> None:
        began.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Replica, "run", slow)
    service = replace(toys.service, units=lambda _: [Unit("decides", decides)])
    made = host(database, settings(tmp_path), declaration=replace(TOYS, services=(service,)))
    try:
        await made.open()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(began.wait(), 0.5)
        may_follow.set()
        await asyncio.wait_for(began.wait(), 60)
        assert made.replica.ready
    finally:
        await made.stop()


async def test_head_is_answered_on_the_second_listener_wherever_get_is(database: Database, tmp_path: Path):
    async with started(host(database, settings(tmp_path))) as running, _operators(running) as client:
        for path in ("/health/live", "/health/ready", "/metrics", "/nowhere"):
            got, headed = await client.get(path), await client.head(path)
            assert (headed.status_code, headed.content) == (got.status_code, b""), path
            assert headed.headers["content-type"] == got.headers["content-type"]


async def test_every_request_on_the_second_listener_has_an_id(database: Database, tmp_path: Path):
    async with started(host(database, settings(tmp_path))) as running, _operators(running) as client:
        refused = await client.post("/internal/toys")
        assert refused.json()["request_id"] == refused.headers["x-request-id"]
        other = await client.post("/internal/toys", headers={"X-Request-Id": "chosen"})
        assert other.headers["x-request-id"] not in {"chosen", refused.headers["x-request-id"]}


async def test_readiness_asks_the_database_once_however_many_ask(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    looks = 0
    real = Host.readiness

    async def counted(self: Host) -> dict[str, Any]:
        nonlocal looks
        looks += 1
        return await real(self)

    monkeypatch.setattr(Host, "readiness", counted)
    monkeypatch.setattr(health, "PATIENCE", 60)
    async with started(host(database, settings(tmp_path))) as running, _operators(running) as client:
        began = time.monotonic()
        answers = await asyncio.gather(*(client.get("/health/ready") for _ in range(200)))
        seconds = time.monotonic() - began
    assert {answer.status_code for answer in answers} == {200}
    assert looks <= 1 + seconds


async def test_what_the_settings_say_of_connections_is_what_listeners_do(database: Database, tmp_path: Path):
    given = settings(tmp_path, connections=10, keep_alive_seconds=5, trusted_proxies=["127.0.0.1"])
    async with started(host(database, given)) as running, contextlib.AsyncExitStack() as held:
        at = urlsplit(running.url)
        for _ in range(10):
            _, writer = await asyncio.open_connection(at.hostname, at.port)
            held.callback(writer.close)
        reader, writer = await asyncio.open_connection(at.hostname, at.port)
        held.callback(writer.close)
        async with asyncio.timeout(60):
            assert (await reader.read()).startswith(b"HTTP/1.1 503")


@pytest.mark.parametrize("given", [["*"], ["proxy.example"], ["10.0.0.300"]])
def test_a_trusted_proxy_is_an_address_or_a_network(tmp_path: Path, given: list[str]):
    with pytest.raises(ValidationError, match="trusted_proxies"):
        NodeSettings(state=tmp_path, trusted_proxies=given)


async def test_what_is_the_operators_is_on_the_second_listener_alone(database: Database, tmp_path: Path):
    given = settings(tmp_path)
    secret = {"Authorization": f"Bearer {(given.secrets / 'operator').read_text().strip()}"}
    async with started(host(database, given)) as running, httpx.AsyncClient(timeout=60) as client:
        for path in ("/internal/toys", "/metrics", "/health/ready", "/v1/admin/keys"):
            assert (await client.get(running.url + path, headers=secret)).status_code == 404, path
        assert (await client.post(f"{running.url}/internal/toys", headers=secret)).status_code == 404
        assert (await client.post(f"{running.operator_url}/internal/toys", headers=secret)).status_code == 200
        assert (await client.post(f"{running.operator_url}/internal/toys")).status_code == 401
        assert (await client.post(f"{running.operator_url}/v1/marks/{uuid4()}", headers=secret)).status_code == 404


async def test_stopping_leaves_no_session_no_task_and_no_socket(database: Database, tmp_path: Path):
    async def sessions() -> int:
        async with database.session() as session:
            return int(
                await session.fetchval(
                    "select count(*) from pg_stat_activity"
                    " where datname = current_database() and usename in ('city_toy', 'city_bus')"
                )
            )

    before = asyncio.all_tasks()
    async with started(host(database, settings(tmp_path))) as running:
        await eventually(lambda: running.replica.ready)
        assert await sessions() > 0
        url = running.url
    await eventually(lambda: _none(sessions()))
    assert {task.get_name() for task in asyncio.all_tasks() - before if not task.done()} == set()
    with pytest.raises(httpx.ConnectError):
        await httpx.AsyncClient(timeout=60).get(url)


async def _none(count: Any) -> bool:
    return await count == 0


async def test_a_process_prunes_by_the_terms_of_the_node_and_not_its_own(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pruning, "SECONDS_TO_FIRST", (0.0, 0.0))
    async with database.session() as session:
        await session.execute(
            "insert into toy.idempotency (owner, key, digest, reference, at)"
            " select 'k', days::text, '', gen_random_uuid(), now() - make_interval(days => days)"
            "   from unnest('{2,4}'::integer[]) as days"
        )
        services = (replace(toys.service, prunes=(kept_keys("toy"),)),)
        given = settings(tmp_path, keep_idempotency_days=1)  # what a process says by itself shortens nothing
        await session.execute("delete from bus.kept_term")
        await session.execute("insert into bus.kept_term values ('idempotency', '3 days')")

        async def only_the_young() -> bool:
            return [row["key"] for row in await session.fetch("select key from toy.idempotency")] == ["2"]

        async with started(host(database, given, declaration=replace(TOYS, services=services))) as running:
            await eventually(only_the_young)
            async with httpx.AsyncClient(timeout=60) as client:
                metrics = (await client.get(f"{running.operator_url}/metrics")).text
    assert 'creditmesh_kept_since_seconds{kept="idempotency",of="toy"}' in metrics


async def test_a_request_under_way_ends_before_the_process_does(database: Database, tmp_path: Path):
    reached, go_on, mark = asyncio.Event(), asyncio.Event(), uuid4()

    async def wait(_: object) -> None:
        reached.set()
        await go_on.wait()

    toys.before_the_end.append(wait)
    running = host(database, settings(tmp_path))
    await running.start()
    async with httpx.AsyncClient(timeout=60) as client:
        asking = asyncio.create_task(client.post(f"{running.url}/v1/marks/{mark}"))
        await reached.wait()
        stopping = asyncio.create_task(running.stop())
        await eventually(lambda: _refuses(running.url))
        go_on.set()
        assert (await asking).status_code == 200
        await stopping
    async with database.session() as session:
        assert await session.fetchval("select true from toy.mark where id = $1", mark)


async def _refuses(url: str) -> bool:
    try:
        async with httpx.AsyncClient(timeout=60) as client:
            await client.get(url)
    except httpx.TransportError:
        return True
    return False


async def test_a_route_without_a_policy_stops_the_start(database: Database, tmp_path: Path):
    open_to_whom = APIRouter()
    open_to_whom.get("/v1/open")(lambda: None)
    declared = replace(TOYS, services=(replace(toys.service, router=open_to_whom),))
    with pytest.raises(TypeError, match="declares no access policy"):
        async with started(host(database, settings(tmp_path), declaration=declared)):
            pass


@pytest.mark.parametrize("facts", [{"parts": 24}, {"tier": "province"}, {"sandbox": False}], ids=str)
async def test_a_database_of_another_node_is_not_touched(database: Database, tmp_path: Path, facts: dict[str, Any]):
    given = settings(tmp_path).model_copy(update=facts)
    with pytest.raises(WrongNode, match="fixed when"):
        async with started(host(database, given)):
            pass


async def test_a_server_that_allows_too_few_sessions_is_refused_in_a_plain_line(database: Database, tmp_path: Path):
    given = settings(tmp_path).model_copy(update={"pool_size": 10_000})
    with pytest.raises(TooFewSessions, match=r"needs up to \d+ database sessions, the server allows \d+"):
        async with started(host(database, given)):
            pass


async def test_a_process_without_a_key_its_service_declares_does_not_start(database: Database, tmp_path: Path):
    given = settings(tmp_path)
    for key in (given.secrets / "keys").glob("credential-*.key"):
        key.unlink()
    declared = replace(TOYS, services=(replace(toys.service, keys=frozenset({"credential"})),))
    with pytest.raises(KeyMissing, match="keys create"):
        async with started(host(database, given, declaration=declared)):
            pass


async def test_a_service_holds_the_keys_it_declares_and_no_other(database: Database, tmp_path: Path):
    async with started(host(database, settings(tmp_path))) as running:
        equipment = running.equipment["toy"]
        for name in ("index", "fingerprint", "credential"):
            with pytest.raises(KeyMissing):
                equipment.keys.mac(name, b"x")
        with pytest.raises(KeyMissing):
            equipment.keys.sign(b"x")
        with pytest.raises(KeyMissing):
            equipment.keys.token_key()


async def test_each_service_connects_as_itself(postgres: Postgres, tmp_path: Path):
    async def declare(session: Session) -> None:
        await declare_streams(session, node="city", streams=streams(NODE))

    database = await postgres.database(packages=NODE.services, declare=declare, sandbox=True)
    names = [service.name for service in NODE.services]
    running = host(database, settings(tmp_path), declaration=NODE, hosted=names, door=door)
    try:
        await running.open()
        for name, equipment in running.equipment.items():
            async with equipment.pool.session() as session:
                assert await session.value("select cast(session_user as text)") == f"city_{name}"
    finally:
        await running.stop()
        await database.close()


async def test_a_process_whose_database_goes_away_says_that_it_is_not_ready(database: Database, tmp_path: Path):
    async with started(host(database, settings(tmp_path))) as running, httpx.AsyncClient(timeout=60) as client:
        where = f"{running.operator_url}/health/ready"
        assert (await client.get(where)).status_code == 200
        admin = await connect(database.admin.of("postgres"), application_name="test")
        try:
            await admin.execute('alter role "city_toy" connection limit 0')
            await admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'city_toy'")
            await asyncio.sleep(KEPT)  # what a look has found is told for a while
            away = await client.get(where)
            assert (away.status_code, away.json()["database"]) == (503, "unreachable")
        finally:
            await admin.execute('alter role "city_toy" connection limit -1')
            await admin.close()
        await eventually(lambda: _ready(client, where))


def _operators(running: Host) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=running.operator_url, timeout=60)


async def _ready(client: httpx.AsyncClient, where: str) -> bool:
    return (await client.get(where)).status_code == 200
