"""Files of many rows: they have turns, and however bad they are, others have the process between their rows."""

import asyncio
import gc
import gzip
import time
from dataclasses import replace

import pytest

from creditmesh.chassis.bulk import Bulk
from creditmesh.chassis.errors import TooLarge
from creditmesh.chassis.shares import working_for
from creditmesh.ingestion.formats import Media, decoded, rows_of
from tests.ingestion.conftest import House
from tests.ingestion.rows import compiled, penalty
from tests.ingestion.test_formats import pieces

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
        pytest.param(CODES + b"\n" * 900_000 + b"x\n", "text/csv", 200, id="empty lines"),
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
        return len(list(rows_of(Media("lines", "utf-8"), body, headers=compiled().header_map)))

    began = time.perf_counter()
    assert read(b" \r" * 400_000 + b" " * 400_000 + b'\n{"a":"1"}') == 1
    assert read(b" " * 4_000_000 + b'\n{"a":"1"}') == 2
    for shape in ("lines", "table"):
        with pytest.raises(TooLarge):
            list(rows_of(Media(shape, "utf-8"), b"\n" * 16_000_000, headers=compiled().header_map))
    assert time.perf_counter() - began < 2


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
