"""Leases: a fair share each, nothing unowned for long, and a process that sleeps loses its parts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from creditmesh.chassis.bus.leases import Leases
from creditmesh.chassis.database.connecting import SECONDS_TO_ANSWER
from creditmesh.chassis.errors import Uncertain
from tests.contracts.bus.world import World, opened
from tests.support.eventually import eventually
from tests.support.postgres import Postgres
from tests.support.proxy import Proxy

CLASS = 4100
PARTS = 7


@pytest.fixture(scope="module")
async def world(postgres: Postgres) -> AsyncIterator[World]:
    async with opened(postgres) as world:
        yield world


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def _joined(world: World, stack: AsyncExitStack, *, lease: float = 5.0) -> Leases:
    leases = Leases(world.database.addresses["reader"], lock_class=CLASS, parts=PARTS, lease=lease)
    await leases.open()
    stack.push_async_callback(leases.close)
    return leases


async def _balanced(owners: list[Leases]) -> bool:
    for owner in owners:
        await owner.rebalance()
    held = [part for owner in owners for part in owner.held]
    assert len(held) == len(set(held))
    return sorted(held) == list(range(PARTS)) and max(len(owner.held) for owner in owners) <= -(-PARTS // len(owners))


async def test_owners_share_all_parts_fairly_as_they_come_and_go(world: World, stack: AsyncExitStack):
    owners = [await _joined(world, stack)]
    await eventually(lambda: _balanced(owners))
    assert owners[0].held == frozenset(range(PARTS))
    for _ in range(2):
        owners.append(await _joined(world, stack))
        await eventually(lambda: _balanced(owners))
    gone = owners.pop(0)
    await gone.close()
    await eventually(lambda: _balanced(owners))
    with pytest.raises(Uncertain):
        await gone.rebalance()


async def test_an_owner_that_does_not_ping_loses_its_parts(world: World, stack: AsyncExitStack):
    sleeper = await _joined(world, stack, lease=3.0)
    awake = await _joined(world, stack)
    await eventually(lambda: _balanced([sleeper, awake]))

    async def took_all() -> bool:
        await awake.rebalance()
        return len(awake.held) == PARTS

    await eventually(took_all)
    with pytest.raises(Uncertain):
        await sleeper.rebalance()


async def test_who_waits_behind_a_ping_into_silence_waits_no_longer_than_the_lease(postgres: Postgres, world: World):
    async with Proxy(postgres.port) as proxy:
        address = proxy.through(world.database.addresses["reader"])
        leases = Leases(address, lock_class=CLASS + 1, parts=PARTS, lease=1.0)
        await leases.open()
        proxy.go_silent()
        ping = asyncio.create_task(leases.ping())
        await eventually(leases._turn.locked)
        async with asyncio.timeout(SECONDS_TO_ANSWER - 1):
            with pytest.raises(Uncertain):
                await leases.rebalance()
            await ping
        assert leases.ended


async def test_parts_that_a_present_owner_leaves_alone_are_taken_as_orphans(world: World, stack: AsyncExitStack):
    await _joined(world, stack)
    willing = await _joined(world, stack)

    async def took_all() -> bool:
        await willing.rebalance()
        return len(willing.held) == PARTS

    await eventually(took_all)
