"""Who a credential stands for, and for how long it does."""

import asyncio
import contextlib
import time
import zlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from creditmesh.chassis.caller import Caller
from creditmesh.chassis.clock import Clock
from creditmesh.chassis.database.connecting import Row
from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.database.session import Session
from creditmesh.gateway import operations
from creditmesh.gateway.credential import Credential
from creditmesh.gateway.door import Door
from creditmesh.gateway.errors import BadCredential, Expired, MalformedCredential, Revoked, SignatureNeeded, WrongSecret
from creditmesh.gateway.guard import Guard
from creditmesh.gateway.models import NewCredential, OfficerToken, SubjectToken
from creditmesh.gateway.readings import KEPT, REFRESHED
from tests.gateway.standing import Standing, bearer, client, invented
from tests.gateway.test_gateway_credential import base62
from tests.support.eventually import eventually
from tests.support.measuring import no_collections


@pytest.fixture
async def guard(standing: Standing) -> AsyncIterator[Guard]:
    guard = Guard(pool=standing.pool, mac=standing.mac, clock=standing.clock, node=standing.node)
    yield guard
    await guard.close()


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of the database about credentials."""
    asked: list[str] = []
    fetch = Session.fetch

    async def noted(session: Session, statement: str, values: Mapping[str, object]) -> Sequence[Row]:
        if "from gateway.credential" in statement:
            asked.append(statement)
        return await fetch(session, statement, values)

    monkeypatch.setattr(Session, "fetch", noted)
    return asked


def sent(credential: str) -> list[bytes]:
    return [f"Bearer {credential}".encode()]


async def revoke(standing: Standing, key: str) -> None:
    async with standing.context() as context:
        await operations.revoke(context, key)


async def test_people_are_callers_too(standing: Standing, guard: Guard):
    subject = uuid4()
    async with standing.context() as context:
        person = await operations.create_person_token(
            context, SubjectToken(kind="subject", subject=subject, scopes=("me:read",))
        )
        officer = await operations.create_person_token(
            context, OfficerToken(kind="office", party="office.credit", officer="审核员甲", scopes=("reviews:decide",))
        )
    assert await guard.caller(sent(person.credential)) == Caller(
        kind="subject", subject=subject, scopes=frozenset({"me:read"}), credential=person.key
    )
    assert await guard.caller(sent(officer.credential)) == Caller(
        kind="office",
        party="office.credit",
        officer="审核员甲",
        scopes=frozenset({"reviews:decide"}),
        credential=officer.key,
    )


async def test_the_scheme_is_read_in_any_case(standing: Standing, guard: Guard):
    key = await standing.key()
    assert (await guard.caller([f"bEARER  {key.credential}".encode()])).credential == key.key


async def test_an_unknown_id_and_a_wrong_secret_are_told_apart_by_nothing(standing: Standing):
    key = await standing.key()
    answers = []
    async with client(standing.door()) as outside:
        for credential in (standing.forged(key), standing.unknown()):
            answer = await outside.get(
                "/v1/toys", headers=bearer(credential) | {"X-Request-Id": str(key_id := uuid4())}
            )
            assert answer.status_code == 401
            answers.append((answer.text.replace(str(key_id), ""), sorted(dict(answer.headers) | {"x-request-id": ""})))
    assert answers[0] == answers[1]


async def test_an_unknown_id_and_a_wrong_secret_cost_the_same(standing: Standing, guard: Guard, statements: list[str]):
    wrong = standing.forged(await standing.key())
    unknown = standing.unknown()
    statements.clear()
    for credential, error in ((wrong, WrongSecret), (unknown, BadCredential)):
        before = len(statements)
        for _ in range(20):
            with pytest.raises(error):
                await guard.caller(sent(credential))
        assert 1 <= len(statements) - before <= 2  # read again while it is used
    assert statements[0] == statements[1]

    async def cost(credential: str) -> float:
        began = time.process_time()
        for _ in range(20):
            with pytest.raises(BadCredential):
                await guard.caller(sent(credential))
        return time.process_time() - began

    with no_collections():
        pairs = [(await cost(wrong), await cost(unknown)) for _ in range(15)]
    assert 0.5 < min(one for one, _ in pairs) / min(other for _, other in pairs) < 2


async def test_a_wrong_secret_never_comes_in_while_the_right_one_is_kept(standing: Standing, guard: Guard):
    key = await standing.key()
    assert (await guard.caller(sent(key.credential))).credential == key.key
    with pytest.raises(WrongSecret):
        await guard.caller(sent(standing.forged(key)))


async def test_a_hash_that_is_moved_to_another_row_fits_nothing(standing: Standing, guard: Guard):
    mine, other = await standing.key(), await standing.key(scopes=("reviews:decide",))
    async with standing.database.session() as admin:
        await admin.execute(
            "update gateway.credential set hash = (select hash from gateway.credential where key = $1) where key = $2",
            mine.key,
            other.key,
        )
    moved = Credential(node="city", key=other.key, _secret=Credential.read(mine.credential, standing.mac)._secret)
    with pytest.raises(WrongSecret):
        await guard.caller(sent(moved.reveal(standing.mac)))


async def test_a_key_holds_from_its_first_moment_to_its_last(standing: Standing):
    now = datetime.now(UTC)
    key = await standing.key(not_before=now + timedelta(days=1), expires=now + timedelta(days=2))
    async with client(standing.door()) as outside:
        for by, code in ((0, "credential_not_yet_valid"), (1, None), (2, "credential_expired")):
            standing.real.by = timedelta(days=by, minutes=1)
            answer = await outside.get("/v1/toys", headers=bearer(key))
            assert answer.status_code == (200 if code is None else 401)
            assert code is None or answer.json()["code"] == code
    standing.real.by = timedelta()


async def test_at_the_very_instant_of_its_end_a_key_has_ended(standing: Standing):
    now = datetime.now(UTC)
    key = await standing.key(not_before=now, expires=now + timedelta(days=1))
    for by, error in ((-1, None), (0, Expired)):
        at = Clock(real=lambda by=by: key.expires + timedelta(microseconds=by))
        guard = Guard(pool=standing.pool, mac=standing.mac, clock=at, node=standing.node)
        with contextlib.nullcontext() if error is None else pytest.raises(error):
            assert (await guard.caller(sent(key.credential))).credential == key.key
        await guard.close()


async def test_an_invented_key_never_reaches_the_database(standing: Standing, guard: Guard, statements: list[str]):
    statements.clear()
    for credential in (invented(), anybodys(), *(invented() for _ in range(100))):
        with pytest.raises(MalformedCredential):
            await guard.caller(sent(credential))
    assert statements == []
    assert len(guard._readings._kept) == 0


@pytest.mark.parametrize("made", ["without the key", "with the key"])
async def test_five_hundred_unknown_keys_at_once_leave_a_valid_one_alone(standing: Standing, guard: Guard, made: str):
    """With the key: as after the database was restored from before they were made."""
    key = await standing.key()
    others = [anybodys() if made == "without the key" else standing.unknown() for _ in range(500)]
    flood: list[asyncio.Task[Caller]] = []
    overtaken: list[int] = []
    """How many of the flood were answered while each waited."""

    async def ask() -> None:
        before = answered()
        assert (await guard.caller(sent(key.credential))).credential == key.key
        overtaken.append(answered() - before)

    def answered() -> int:
        return sum(task.done() for task in flood)

    await ask()
    flood += [asyncio.create_task(guard.caller(sent(other))) for other in others]
    asking: list[asyncio.Task[None]] = []
    while len(asking) < 200 or not all(task.done() for task in flood):
        asking.append(asyncio.create_task(ask()))  # at its own pace, whether the one before was answered or not
        await asyncio.sleep(0.005)
    await asyncio.gather(*asking)
    assert sorted(overtaken)[int(len(overtaken) * 0.98)] < 20
    kinds = BadCredential if made == "without the key" else (BadCredential, TimeoutError)
    assert all(isinstance(task.exception(), kinds) for task in flood)


def anybodys() -> str:
    """A credential of the right form with a check that anybody can compute."""
    body = invented()[:-6]
    return body + base62(zlib.crc32(body.encode()))


async def test_a_revocation_holds_within_a_second_at_every_door_under_load(standing: Standing):
    doors = [standing.door(), standing.door()]
    for _ in range(4):
        key = await standing.key()
        load = [Load(door, key) for door in doors for _ in range(3)]
        await eventually(lambda load=load: all(each.let_in for each in load))
        await revoke(standing, key.key)
        revoked_at = time.monotonic()
        await eventually(lambda load=load, at=revoked_at: all(max(each.refused, default=0) > at + 1.0 for each in load))
        for each in load:
            assert max(each.let_in) < revoked_at + 1.0
            await each.stop()
    for door in doors:
        await door.close()


class Load:
    """One caller that asks again and again, and notes when it began to ask what was answered and what was refused."""

    def __init__(self, door: Door, key: NewCredential) -> None:
        self.let_in: list[float] = []
        self.refused: list[float] = []
        self._task = asyncio.create_task(self._ask(door, key))

    async def _ask(self, door: Door, key: NewCredential) -> None:
        async with client(door) as outside:
            while True:
                await asyncio.sleep(0)  # a socket would let the others run too
                began = time.monotonic()
                answer = await outside.get("/v1/toys/x", headers=bearer(key))
                if answer.status_code == 200:
                    self.let_in.append(began)
                else:
                    assert answer.json()["code"] == "credential_revoked"
                    self.refused.append(began)

    async def stop(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


async def test_many_requests_with_one_key_ask_the_database_once(
    standing: Standing, guard: Guard, statements: list[str]
):
    key = await standing.key()
    statements.clear()
    began = time.monotonic()
    await asyncio.gather(*(guard.caller(sent(key.credential)) for _ in range(50)))
    assert len(statements) <= 1 + (time.monotonic() - began) / REFRESHED


async def test_no_request_joins_a_reading_that_began_too_long_ago(standing: Standing, guard: Guard):
    key = await standing.key()
    async with standing.database.session() as admin:
        transaction = admin.transaction()
        await transaction.start()
        await admin.execute("lock table gateway.credential in access exclusive mode")
        early = asyncio.create_task(guard.caller(sent(key.credential)))
        await eventually(lambda: guard._readings._kept.get(key.key) is not None)
        first = guard._readings._kept.get(key.key)
        await eventually(lambda: time.monotonic() - first.began > KEPT)
        late = asyncio.create_task(guard.caller(sent(key.credential)))
        await eventually(lambda: guard._readings._kept.get(key.key) is not first)
        await transaction.rollback()
    assert (await early) == (await late)


async def test_a_reading_that_failed_is_not_kept(standing: Standing, guard: Guard):
    key = await standing.key()
    async with standing.database.session() as admin:
        await admin.execute("revoke select on gateway.credential from city_gateway")
        async with client(standing.door()) as outside:
            answer = await outside.get("/v1/toys", headers=bearer(key))
        with pytest.raises(DatabaseError, match="42501"):
            await guard.caller(sent(key.credential))
        await admin.execute("grant select on gateway.credential to city_gateway")
    assert answer.json()["code"] == "fault"
    assert (await guard.caller(sent(key.credential))).credential == key.key


async def test_without_a_database_nobody_is_let_in_and_the_answer_is_503(standing: Standing):
    key = await standing.key()
    gone = standing.pool
    standing.pool = standing.unreachable()
    try:
        async with client(standing.door()) as outside:
            answer = await outside.get("/v1/toys", headers=bearer(key))
            assert (await outside.get("/v1/toys")).status_code == 200
    finally:
        standing.pool = gone
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


async def test_a_bureaus_bare_key_works_in_a_sandbox_only(standing: Standing):
    key = await standing.key(kind="bureau", party="bureau.one")
    async with client(standing.door()) as outside:
        assert (await outside.get("/v1/toys", headers=bearer(key))).status_code == 200
    standing.sandbox = False
    try:
        async with client(standing.door()) as outside:
            refusal = await outside.get("/v1/toys", headers=bearer(key))
        with pytest.raises(SignatureNeeded):
            await standing.key(kind="bureau", party="bureau.two")
    finally:
        standing.sandbox = True
    assert (refusal.status_code, refusal.json()["code"]) == (403, "signature_needed")


async def test_a_credential_that_comes_again_is_hashed_once_and_judged_each_time(standing: Standing):
    hashed: list[bytes] = []

    def mac(data: bytes) -> bytes:
        hashed.append(data)
        return standing.mac(data)

    made = await standing.key()
    guard = Guard(pool=standing.pool, mac=mac, clock=standing.clock, node=standing.node)
    await guard.caller(sent(made.credential))
    hashed.clear()
    assert (await guard.caller(sent(made.credential))).credential == made.key
    assert hashed == []
    with pytest.raises(MalformedCredential):
        await guard.caller(sent(made.credential) * 2)
    await revoke(standing, made.key)
    await asyncio.sleep(KEPT)
    with pytest.raises(Revoked):
        await guard.caller(sent(made.credential))
    await guard.close()
