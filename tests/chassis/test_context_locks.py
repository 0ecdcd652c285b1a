"""Locks on subjects: writers of the same subjects take turns, in whatever order they name them."""

import asyncio
import random
from uuid import UUID, uuid4

import pytest

from creditmesh.chassis.context import lock_key
from creditmesh.chassis.database.errors import DatabaseError
from tests.chassis.conftest import Nursery
from tests.support.statements import sent_by

ROUNDS = 300


async def test_opposite_orders_never_deadlock_and_never_overlap(nursery: Nursery):
    subjects = [uuid4() for _ in range(12)]
    inside: set[UUID] = set()
    rounds = 0

    async def writer(seed: int) -> None:
        nonlocal rounds
        chance = random.Random(seed)
        for _ in range(ROUNDS):
            mine = chance.sample(subjects, 4) * 2
            mine.sort(reverse=bool(seed % 2))
            async with nursery.committed() as ctx:
                await ctx.lock(mine)
                assert not inside & set(mine)
                inside.update(mine)
                await (await ctx.session()).execute("select 1")
                inside.difference_update(mine)
            rounds += 1

    await asyncio.gather(*(writer(seed) for seed in range(4)))
    assert rounds == 4 * ROUNDS


async def test_without_the_sorting_the_same_writers_deadlock(nursery: Nursery):
    """The control: proves that the test above can fail."""
    low, high = sorted((uuid4(), uuid4()), key=lock_key)
    met = asyncio.Barrier(2)

    async def writer(first: UUID, second: UUID) -> None:
        async with nursery.committed() as ctx:
            await ctx.lock([first])
            await met.wait()
            await ctx.lock([second])

    results = await asyncio.gather(writer(low, high), writer(high, low), return_exceptions=True)
    assert [result.sqlstate for result in results if isinstance(result, DatabaseError)] == ["40P01"]


async def test_a_lock_ends_with_its_transaction_and_not_before(nursery: Nursery):
    subject = uuid4()

    async def held() -> int:
        async with nursery.database.session() as watcher:
            locks = "select count(*) from pg_locks where locktype = 'advisory' and classid = $1 and granted"
            return int(await watcher.fetchval(locks, nursery.equipment.service.lock_class))

    async with nursery.committed() as ctx:
        await ctx.lock([subject, subject])
        assert await held() == 1
    assert await held() == 0


@pytest.mark.parametrize("subjects", [0, 1, 5])
async def test_all_subjects_are_locked_in_one_statement_and_none_in_no_statement(nursery: Nursery, subjects: int):
    async with nursery.committed() as ctx, sent_by(await ctx.session()) as sent:
        await ctx.lock([uuid4() for _ in range(subjects)])
    assert len(sent) == (1 if subjects else 0)


def test_keys_use_the_whole_range_of_32_bits():
    keys = [lock_key(uuid4()) for _ in range(1000)]
    assert min(keys) < -(2**30)
    assert max(keys) > 2**30
