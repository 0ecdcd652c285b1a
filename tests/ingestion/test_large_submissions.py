"""Files of many rows: they have turns, and however bad they are, others have the process between their rows."""

import asyncio
import gc
import gzip
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from hashlib import sha256
from uuid import UUID

import asyncpg
import pytest

from creditmesh.chassis.bulk import LARGE, SMALL, Bodies, Bulk
from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import TooLarge
from creditmesh.chassis.shares import working_for
from creditmesh.ingestion import operations
from creditmesh.ingestion.formats import Media, SubmittedRow, decoded, rows_of
from creditmesh.ingestion.formats.media import Shape
from creditmesh.ingestion.operations import SubmissionOrder
from creditmesh.ingestion.operations.records.intake import Intake
from tests.ingestion.conftest import MARKET_CALLER, PENALTY, House, told
from tests.ingestion.rows import compiled, penalty
from tests.ingestion.test_formats import pieces
from tests.support.eventually import eventually
from tests.support.measuring import bounded

LINES = "application/x-ndjson"


async def test_files_have_turns_and_one_record_waits_for_none(house: House):
    files = Bulk(at_once=1, waiting=4, seconds=0.1)
    busy = replace(house, equipment=replace(house.equipment, files=files))
    many = [penalty(house.number()) for _ in range(100)]
    before = await house.count()
    with working_for("another"):
        async with files.turn(1_000_000):
            refused = await busy.submit(many)
            assert (refused.status_code, refused.json()["code"]) == (503, "busy")
            assert refused.headers["retry-after"]
            assert await house.count() == before
            assert (await busy.submit(penalty(house.number()))).status_code == 201
    assert (await busy.submit(many)).status_code == 200


async def test_a_few_bytes_of_many_rows_have_their_turn_too(house: House):
    files = Bulk(at_once=1, waiting=4, seconds=0.1)
    busy = replace(house, equipment=replace(house.equipment, files=files))
    with working_for("another"):
        async with files.turn(1_000_000):
            for body, kind in ((b"{}\n" * 1000, LINES), (b"[" + b"1," * 1000 + b"1]", "application/json")):
                assert (await busy.submit(body, kind=kind)).json()["code"] == "busy"
            assert (await busy.submit([penalty(house.number()) for _ in range(5)])).status_code == 200


async def test_what_a_small_parcel_is_told_is_bounded_packed_where_it_is_kept_and_read_some_at_a_time(house: House):
    rows = 8000
    answer = await house.submit(gzip.compress(b"{}\n" * rows), kind=LINES, headers={"Content-Encoding": "gzip"})
    verdicts, receipt = told(answer)
    assert len(verdicts) == receipt["rows"] == receipt["refused"] == rows
    assert len(answer.content) < 11 * 1024 * 1024
    first, last = verdicts[0]["reasons"], verdicts[-1]["reasons"]
    assert len(first) > 10
    assert all(reason["detail"] and reason["detail_zh"] for reason in first)
    assert last == [{**first[0], "detail": "", "detail_zh": ""}]

    submission = UUID(receipt["submission"])
    [kept] = await house.fetch(
        "select sum(pg_column_size(lines)) as size from ingestion.submission_chunk where submission = $1", submission
    )
    assert kept["size"] < 2 * 1024 * 1024
    async with house.context() as ctx:
        lines = await operations.verdicts_of(ctx, submission)
    pieces_read = [piece async for piece in lines]
    assert len(pieces_read) == rows // 1000
    text = b"".join(pieces_read)
    assert receipt["digest"] == f"sha-256:{sha256(text).hexdigest()}"
    assert answer.content.startswith(text)
    async with house.client() as client:
        assert (await client.get(f"/v1/submissions/{submission}/verdicts")).content == text


async def _longest(house: House, body: bytes, kind: str) -> tuple[float, int]:
    """The most seconds of the processor between two turns of another task while this was submitted, and the answer."""
    longest, over = 0.0, False

    async def look() -> None:
        nonlocal longest
        while not over:
            began = time.process_time()
            await asyncio.sleep(0)
            longest = max(longest, time.process_time() - began)

    gc.collect()
    gc.freeze()  # a walk over all that the tests have made takes longer than any slice
    looking = asyncio.create_task(look())
    answer = await house.submit(body, kind=kind, headers={"Content-Encoding": "gzip"}, dry_run=True)
    over = True
    await looking
    gc.unfreeze()
    assert len(answer.content) < 20 * 1024 * 1024
    return longest, answer.status_code


CODES = ",".join(penalty(1)).encode() + b"\n"
NAMES = b"{" + b",".join([b'"a":1'] * 42_000) + b"}\n"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        pytest.param(b"{}\n" * 5000, LINES, 200, id="empty"),
        pytest.param(b'{"a":"1","b":"2","c":"3"}\n' * 5000, LINES, 200, id="unknown fields"),
        pytest.param(NAMES * 10, LINES, 200, id="names that stand twice"),
        pytest.param(b'{"a":[' + b"[]," * 80_000 + b"[]]}\n", LINES, 200, id="a row of arrays"),
        pytest.param(b" " * (32 << 20), LINES, 200, id="spaces"),
        pytest.param(b"[[" + b"{}," * (5 << 20) + b"{}]]", "application/json", 400, id="one element"),
        pytest.param(b"[{}," + b" " * (32 << 20) + b"{}]", "application/json", 400, id="spaces in an array"),
        pytest.param(b"x," * 65_536 + b"x\n1", "text/csv", 422, id="a header"),
        pytest.param(CODES + b"," * (8 << 20) + b"\nx\n", "text/csv", 200, id="a line of commas"),
        pytest.param(CODES + b"\n" * 300_000 + b"x\n", "text/csv", 200, id="empty lines"),
        pytest.param(CODES + b'x","y\n' * 5000, "text/csv", 200, id="quotes"),
    ],
)
async def test_a_small_parcel_of_much_that_is_bad_holds_nobody_up(house: House, body: bytes, kind: str, status: int):
    packed = gzip.compress(body)
    assert len(packed) < 64 * 1024
    times = []
    for _ in range(3):
        longest, answered = await _longest(house, packed, kind)
        assert answered == status
        times.append(longest)
        if longest < 0.1:
            return
    raise AssertionError(times)


async def test_megabytes_without_a_row_are_read_at_once_or_refused():
    def read(body: bytes) -> int:
        return len(list(rows_of(Media("lines", "utf-8"), body, names=compiled().names)))

    def refused(shape: Shape) -> None:
        with pytest.raises(TooLarge):
            list(rows_of(Media(shape, "utf-8"), b"\n" * 16_000_000, names=compiled().names))

    assert bounded(1, lambda: read(b" \r" * 400_000 + b" " * 400_000 + b'\n{"a":"1"}')) == 1
    assert bounded(1, lambda: read(b" " * 4_000_000 + b'\n{"a":"1"}')) == 2
    bounded(1, lambda: refused("lines"))
    bounded(1, lambda: refused("table"))


async def test_a_parcel_is_unpacked_in_steps_between_which_others_have_the_process():
    turns, over = 0, False

    async def look() -> None:
        nonlocal turns
        while not over:
            turns += 1
            await asyncio.sleep(0)

    looking = asyncio.create_task(look())
    await decoded(pieces(gzip.compress(bytes(8_000_000)), size=100_000), encoding="gzip")
    over = True
    await looking
    assert turns > 10


async def test_parcels_that_stop_coming_hold_no_more_than_their_callers_share(house: House):
    bodies = Bodies(4 * 1024 * 1024)
    crowded = replace(house, equipment=replace(house.equipment, bodies=bodies))
    packed = {"Content-Encoding": "gzip"}
    body = gzip.compress(b"{}\n" + b" " * 2_500_000)
    more, waiting = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield body[:-9]
        waiting.set()
        await more.wait()
        yield body[-9:]

    held = asyncio.create_task(crowded.submit(slow(), kind=LINES, headers=packed, dry_run=True))
    await waiting.wait()
    refused = await crowded.submit(body, kind=LINES, headers=packed, dry_run=True)
    assert (refused.status_code, refused.json()["code"]) == (503, "busy")
    assert (await crowded.submit(penalty(house.number()))).status_code == 201
    more.set()
    assert (await held).status_code == 200
    assert (await crowded.submit(body, kind=LINES, headers=packed, dry_run=True)).status_code == 200


async def test_files_are_read_one_at_a_time_and_what_a_cancelled_one_holds_is_counted_until_its_thread_has_ended(
    house: House,
):
    go, at_once, most = threading.Event(), 0, 0

    def rows(_: Intake) -> Iterator[SubmittedRow]:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        go.wait(60)
        at_once -= 1
        yield SubmittedRow(1, b"{}")

    bodies = Bodies(1024 * 1024)
    crowded = replace(house, equipment=replace(house.equipment, bodies=bodies, files=Bulk(at_once=4)))
    order = SubmissionOrder(item=PENALTY, read=rows, digest=b"", weight=LARGE, dry_run=True)

    async def submitted(size: int) -> operations.Submitted:
        ctx = Context(crowded.equipment, caller=MARKET_CALLER)
        try:
            await ctx.hold(size)
            return await operations.submit(ctx, order)
        finally:
            await ctx.close()

    with working_for("market"):
        gone = asyncio.create_task(submitted(SMALL // 2))
        await eventually(lambda: most)
        other = asyncio.create_task(submitted(SMALL // 2))
        await eventually(lambda: bodies.small._held == {"market": 4})
        gone.cancel()
        await asyncio.wait({gone}, timeout=0.1)
        assert (gone.done(), bodies.small._held, most) == (False, {"market": 4}, 1)
        go.set()
        assert (await other).counts == {"refused": 1}
        await asyncio.wait({gone})
    assert (gone.cancelled(), most, bodies.small._held) == (True, 1, {})


async def test_verdicts_that_are_left_in_the_middle_keep_no_session_and_the_first_are_had_before_the_answer(
    house: House,
):
    rows = [penalty(house.number()) for _ in range(1001)]
    submission = UUID(told(await house.submit(rows))[1]["submission"])
    pool = house.equipment.pool
    async with house.database.session() as database:
        for _ in range(pool.size):
            ctx = Context(house.equipment, caller=MARKET_CALLER)
            verdicts = await operations.verdicts_of(ctx, submission)
            await ctx.close()
            assert (await anext(verdicts)).count(b"\n") == 1000
            async with database.transaction():
                await database.execute("lock table ingestion.submission_chunk")
                reading = asyncio.create_task(anext(verdicts))
                await eventually(lambda: _waits(database))
                reading.cancel()
                await asyncio.wait({reading})
        async with asyncio.timeout(60):
            sessions = [await pool.acquire() for _ in range(pool.size)]
        for session in sessions:
            await pool.release(session)
        async with database.transaction():
            await database.execute("alter table ingestion.submission_chunk rename column first_row to lost")
        try:
            async with house.client() as client:
                assert (await client.get(f"/v1/submissions/{submission}/verdicts")).status_code >= 500
        finally:
            await database.execute("alter table ingestion.submission_chunk rename column lost to first_row")


async def _waits(database: asyncpg.Connection) -> bool:
    return bool(
        await database.fetch(
            "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        )
    )
