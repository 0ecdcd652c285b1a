"""What the door refused by itself is on file, without a person in it, and never in the way of an answer."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from creditmesh.chassis.ids import new_id
from creditmesh.chassis.pruning import Pruner, keep
from creditmesh.gateway import refusals, service, store
from creditmesh.gateway.door import Door
from creditmesh.gateway.refusals import Refusal, Refusals
from tests.gateway.standing import Standing, bearer, client
from tests.support.eventually import eventually


async def logged(standing: Standing, request_id: str) -> list[dict[str, Any]]:
    async with standing.database.session("gateway") as session:
        rows = await session.fetch("select * from gateway.security_log where request_id = $1", request_id)
    return [dict(row) for row in rows]


async def attempt(
    standing: Standing, path: str, headers: dict[str, str], *, method: str = "GET"
) -> tuple[httpx.Response, list[dict[str, Any]]]:
    """One request at a door that is then closed, and what is on file of it."""
    door, request_id = standing.door(), str(uuid4())
    async with client(door) as outside:
        answer = await outside.request(method, path, headers=headers | {"X-Request-Id": request_id})
    await door.close()
    return answer, await logged(standing, request_id)


async def test_each_kind_of_refusal_is_on_file(standing: Standing):
    key = await standing.key(scopes=("queries:ask",))
    other = standing.forged(key)
    unknown = standing.unknown()
    for path, headers, status, reason, of, route in (
        ("/v1/toys/duck", {}, 401, "unauthenticated", None, "/v1/toys/{toy}"),
        ("/v1/toys/duck", {"Authorization": "Basic x"}, 401, "malformed", None, None),
        ("/v1/toys/duck", bearer(unknown), 401, "unknown", None, None),
        ("/v1/toys/duck", bearer(other), 401, "wrong_secret", key.key, None),
        ("/v1/toys/duck", bearer(key), 403, "forbidden", key.key, "/v1/toys/{toy}"),
        ("/v1/admin/toys", bearer(key), 404, "not_found", key.key, None),
    ):
        answer, rows = await attempt(standing, path, headers)
        assert answer.status_code == status
        assert [(row["status"], row["reason"], row["key"], row["route"], row["times"]) for row in rows] == [
            (status, reason, of, route, 1)
        ]
        assert len(rows[0]["address"]) == 16


async def test_what_is_no_refusal_of_a_caller_is_not_on_file(standing: Standing):
    key = await standing.key()
    for path, method in (("/nowhere", "GET"), ("/v1/toys", "GET"), ("/v1/toys", "DELETE")):
        assert (await attempt(standing, path, {}, method=method))[1] == []
    assert (await attempt(standing, "/v1/toys/duck", bearer(key)))[1] == []


async def test_neither_a_secret_nor_what_was_asked_for_is_on_file(standing: Standing):
    canary = "canary990000"
    secret = standing.unknown()
    _, rows = await attempt(standing, f"/v1/toys/{canary}?q={canary}", bearer(secret) | {"X-Name": canary})
    text = repr(rows)
    assert rows
    assert canary not in text
    assert "127.0.0.1" not in text
    assert secret.rsplit("_", 1)[1][:8] not in text


async def flood(door: Door, times: int) -> None:
    async with client(door) as outside:
        for _ in range(times):
            await outside.get("/v1/toys/duck")


async def count(standing: Standing, reason: str) -> tuple[int, int]:
    async with standing.database.session("gateway") as session:
        row = await session.fetchrow(
            "select count(*), coalesce(sum(times), 0) from gateway.security_log where reason = $1", reason
        )
    return int(row[0]), int(row[1])


async def test_equal_refusals_of_a_moment_are_one_row_with_their_number(standing: Standing):
    rows, times = await count(standing, "unauthenticated")
    door = standing.door()
    await flood(door, 200)
    await door.close()
    after_rows, after_times = await count(standing, "unauthenticated")
    assert after_times == times + 200
    assert after_rows - rows <= 2


async def test_it_is_written_without_anybody_closing_the_door(standing: Standing):
    _, before = await count(standing, "unauthenticated")
    door = standing.door()
    await flood(door, 1)

    async def written() -> bool:
        return (await count(standing, "unauthenticated"))[1] == before + 1

    await eventually(written)
    await door.close()


def refusal(reason: str, address: int = 0, *, route: str | None = None, key: str | None = None) -> Refusal:
    return Refusal(method="GET", route=route, status=401, reason=reason, key=key, address=address.to_bytes(16))


@dataclass
class Log:
    """The log of a door, and what it is told."""

    standing: Standing

    def __post_init__(self) -> None:
        self.refusals = Refusals(self.standing.pool, lambda data: self.standing.keys.mac("credential", data))

    def note(self, *refused: Refusal) -> None:
        for each in refused:
            self.refusals.note(each, at=self.standing.clock.instant(), request_id="flood")

    async def has(self, reason: str, rows: int, times: int) -> None:
        async def written() -> bool:
            return await count(self.standing, reason) == (rows, times)

        await eventually(written)


@pytest.fixture
async def kept(standing: Standing) -> AsyncIterator[Log]:
    made = Log(standing)
    yield made
    await made.refusals.close()


async def test_who_is_refused_is_on_file_at_once_and_again_when_the_minute_ends(
    kept: Log, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(refusals, "MINUTE", 2.0)
    one = refusal("repeated")
    kept.note(one)
    await kept.has("repeated", 1, 1)
    for turn in range(3):
        kept.note(*[one] * 100, refusal(f"other {turn}"))
        await kept.has(f"other {turn}", 1, 1)
    assert await count(kept.standing, "repeated") == (1, 1)
    await kept.has("repeated", 2, 301)
    await eventually(lambda: not kept.refusals._lines)
    kept.note(one)
    await kept.has("repeated", 3, 302)


async def test_who_goes_round_the_routes_has_ten_rows_and_one_for_all_others(kept: Log):
    everywhere = [refusal("round", route=f"/v1/toys/{number}") for number in range(42)]
    for turn in range(1, 4):
        kept.note(*everywhere)
        await kept.has("round", 1, 1) if turn == 1 else None
    await kept.refusals.close()
    assert await count(kept.standing, "round") == (1 + 11, 3 * 42)
    async with kept.standing.database.session("gateway") as session:
        others = await session.fetch(
            "select method, times from gateway.security_log where reason = 'round' and route = '*'"
        )
    assert [tuple(row) for row in others] == [("*", 3 * 32)]


async def test_many_addresses_are_a_number_and_hide_nothing_of_a_credential(kept: Log):
    rows, times = await count(kept.standing, "too_many")
    for first in (1000, 2000, 3000):
        kept.note(*(refusal("crowd", first + number) for number in range(1000)))
        await kept.has("crowd", refusals.MOST, refusals.MOST)
    kept.note(refusal("wrong", 4000, key="known"))
    await kept.refusals.close()
    assert await count(kept.standing, "crowd") == (refusals.MOST, refusals.MOST)
    after_rows, after_times = await count(kept.standing, "too_many")
    assert (after_rows - rows, after_times - times) in {(each, 3000 - refusals.MOST) for each in (1, 2)}
    assert await count(kept.standing, "wrong") == (1, 1)


async def test_memory_does_not_grow_and_nothing_is_lost_while_the_database_is_away(
    kept: Log, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(refusals, "MOST", 10)
    monkeypatch.setattr(refusals, "AGAIN", 0.05)
    monkeypatch.setattr(refusals, "MINUTE", 0.2)
    _, before = await count(kept.standing, "too_many")
    async with kept.standing.database.session() as admin:
        await admin.execute("revoke insert on gateway.security_log from city_gateway")
        kept.note(*(refusal("flood", number) for number in range(500)))
        await kept.refusals.close()
        assert len(kept.refusals._lines) == 11
        assert (await count(kept.standing, "flood")) == (0, 0)
        await admin.execute("grant insert on gateway.security_log to city_gateway")
    kept.note(refusal("flood", 0))
    await eventually(lambda: not kept.refusals._lines)
    assert await count(kept.standing, "flood") == (10, 11)
    assert (await count(kept.standing, "too_many"))[1] == before + 490


async def test_the_same_address_is_the_same_hash_and_another_is_another(standing: Standing):
    log = Refusals(standing.pool, lambda data: standing.keys.mac("credential", data))
    assert log.address("10.0.0.1") == log.address("10.0.0.1") != log.address("10.0.0.2")


async def keep_for(standing: Standing, term: timedelta) -> None:
    async with standing.database.pool("ddl").session() as session:
        await session.script("grant usage on schema bus to city_gateway; grant select on bus.kept_term to city_gateway")
        await keep(session, {"security_log": term}, given=["security_log"])


async def test_the_log_is_kept_for_its_term_and_never_wiped(standing: Standing):
    lines = [_line(days) for days in (400, 370, 40, 2)]
    async with standing.database.pool("gateway").session() as session:
        await store.log_refusals(session, lines)
    kept = {line.request_id for line in lines[2:]}
    gateway = standing.database.addresses["gateway"]
    await keep_for(standing, timedelta(days=366))
    await Pruner(gateway, service.prunes, batch=1).prune()
    assert await _of(standing, lines) == kept
    await keep_for(standing, timedelta(0))
    await Pruner(gateway, service.prunes).prune()
    assert await _of(standing, lines) == {lines[3].request_id}, "nothing removes what is younger than 30 days"
    async with standing.database.session("gateway") as session:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await session.execute("delete from gateway.security_log")


def _line(days: int) -> store.RefusalLine:
    return store.RefusalLine(
        id=new_id(),
        at=datetime.now(UTC) - timedelta(days=days),
        request_id=str(uuid4()),
        times=1,
        method="GET",
        route=None,
        status=401,
        reason="unknown",
        key=None,
        address=None,
    )


async def _of(standing: Standing, lines: list[store.RefusalLine]) -> set[str]:
    return {line.request_id for line in lines if await logged(standing, line.request_id)}
