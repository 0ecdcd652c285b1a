"""Locks on subjects: writers of the same subjects take turns, in whatever order they name them."""

import asyncio
import random
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from creditmesh.chassis.database.locks import lock_key, lock_subjects

LOCK_CLASS = 4711
ROUNDS = 300


async def test_opposite_orders_never_deadlock_and_never_overlap(pool: AsyncEngine):
    subjects = [uuid4() for _ in range(12)]
    inside: set[UUID] = set()
    rounds = 0

    async def writer(seed: int) -> None:
        nonlocal rounds
        chance = random.Random(seed)
        for _ in range(ROUNDS):
            mine = chance.sample(subjects, 4) * 2
            mine.sort(reverse=bool(seed % 2))
            async with pool.begin() as connection:
                await lock_subjects(connection, LOCK_CLASS, mine)
                assert not inside & set(mine)
                inside.update(mine)
                await connection.execute(text("select 1"))
                inside.difference_update(mine)
            rounds += 1

    await asyncio.gather(*(writer(seed) for seed in range(4)))
    assert rounds == 4 * ROUNDS


async def test_without_the_sorting_the_same_writers_deadlock(pool: AsyncEngine):
    """The control: proves that the test above can fail."""
    low, high = sorted((uuid4(), uuid4()), key=lock_key)
    met = asyncio.Barrier(2)

    async def writer(first: UUID, second: UUID) -> None:
        async with pool.begin() as connection:
            await lock_subjects(connection, LOCK_CLASS, [first])
            await met.wait()
            await lock_subjects(connection, LOCK_CLASS, [second])

    results = await asyncio.gather(writer(low, high), writer(high, low), return_exceptions=True)
    assert sum("deadlock detected" in str(result) for result in results) == 1


async def test_a_lock_ends_with_its_transaction_and_not_before(pool: AsyncEngine):
    subject = uuid4()
    held = text("select count(*) from pg_locks where locktype = 'advisory' and classid = :c and granted")
    async with pool.connect() as watcher:
        async with pool.begin() as connection:
            await lock_subjects(connection, LOCK_CLASS, [subject, subject])
            assert await watcher.scalar(held, {"c": LOCK_CLASS}) == 1
        assert await watcher.scalar(held, {"c": LOCK_CLASS}) == 0


async def test_no_subjects_need_no_statement(pool: AsyncEngine):
    async with pool.begin() as connection:
        await lock_subjects(connection, LOCK_CLASS, [])


def test_keys_use_the_whole_range_of_32_bits():
    keys = [lock_key(uuid4()) for _ in range(1000)]
    assert min(keys) < -(2**30)
    assert max(keys) > 2**30
