"""Whatever happens in whatever order: nothing is lost or doubled or shown when it ended, and certificates are true."""

import os
import random
from collections.abc import AsyncIterator
from itertools import islice
from pathlib import Path

import pytest

from tests.histories.choosing import chosen
from tests.histories.model import Model
from tests.histories.steps import Steps, says
from tests.histories.walk import Walk
from tests.histories.world import CHAIN, World, made
from tests.journeys.mesh import assembled
from tests.support.chain import enrol
from tests.support.postgres import Postgres

SEED = os.environ.get("HISTORY_SEED")
STEPS = int(os.environ.get("HISTORY_STEPS", "150"))
TOLD = os.environ.get("HISTORY")
"""Steps of a history to be told again, one a line or behind a semicolon."""


@pytest.fixture
async def world(postgres: Postgres, tmp_path: Path) -> AsyncIterator[World]:
    async with made(postgres, tmp_path, *CHAIN) as made_world:
        for place in CHAIN:
            if place.above is not None:
                below, above = made_world.chain[place.code], made_world.chain[place.above]
                sends = ("province", "city") if place.code == "province" else (place.code,)
                await enrol(below, above, place="above")
                await enrol(above, below, place="below", sends_for=sends)
        for code in made_world.chain.nodes:
            await made_world.compared(code)
        yield made_world


@pytest.mark.timeout(0)
async def test_whatever_happens_what_is_acknowledged_holds(world: World):
    mesh = await assembled(world.chain)
    await says(mesh, 12)
    walk = Walk(world, Steps(world, mesh, Model()))
    seed = int(SEED) if SEED is not None else random.randrange(10_000)
    steps = islice(chosen(walk, random.Random(seed)), STEPS)
    if TOLD:
        steps = [tuple(line.split()) for line in TOLD.replace(";", "\n").splitlines() if line.strip()]
    try:
        for step in steps:
            await walk.take(step)
        await walk.take(("rest",))
    except BaseException as error:
        told = "\n".join(" ".join(step) for step in walk.told)
        error.add_note(f"HISTORY_SEED={seed}; the steps, to be told again as HISTORY:\n{told}")
        raise
