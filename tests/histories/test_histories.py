"""Whatever happens in whatever order: nothing is lost or doubled or shown when it ended, and certificates are true."""

import os
import random
from collections.abc import AsyncIterator
from itertools import islice
from pathlib import Path

import pytest

from tests.histories.choosing import chosen
from tests.histories.deed import Step
from tests.histories.model import Model
from tests.histories.operating import says
from tests.histories.steps import Steps
from tests.histories.walk import Walk
from tests.histories.world import CHAIN, World, made
from tests.journeys.mesh import assembled
from tests.support.chain import enrol
from tests.support.postgres import Postgres

SEED = os.environ.get("HISTORY_SEED", "2")
"""A history by this chance; `0`: by another each time, which a failure prints."""
STEPS = int(os.environ.get("HISTORY_STEPS", "105"))
TOLD = os.environ.get("HISTORY", "")
"""Steps to be taken in place of chosen ones, one a line or behind a semicolon, as a failure prints them."""


FOUND = """
pull province nation down 1000; pull city province down 1000; narrow; pull province nation down 1000
submit 3 city; pull province city up 1000; answer province city; publish; rest
submit 1 city; pull province city up 1000; answer province city; copy city; correct 1; object 1
pull province city up 1000; answer province city; put_back city
submit 6 city; rest; repair 6; revoke 6; withdraw_item; repair 6; rest; publish
copy city; submit 7 city; pull province city up 1000; answer province city; correct 7; pull province city up 1000
answer province city; begin_again city 8; rest
"""
"""What histories have found, told at the beginning of each: a record is refused where what was judged
last stands in the part of the catalogue itself; an organisation's record is made again after a restore;
what was refused of a record that has ended since is owed by nobody; a city that began again before its province was
enrolled says what it took behind what that holds."""


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


@pytest.mark.timeout(600 + 10 * STEPS)
async def test_whatever_happens_what_is_acknowledged_holds(world: World):
    mesh = await assembled(world.chain)
    await says(mesh, 12)
    walk = Walk(world, Steps(world, mesh, Model()))
    seed = int(SEED) or random.randrange(10_000)
    steps = told(TOLD or FOUND)
    by_chance = () if TOLD else islice(chosen(walk, random.Random(seed)), STEPS)
    try:
        for step in steps:
            await walk.take(step)
        left_out = [*walk.left_out]
        for step in by_chance:
            await walk.take(step)
        await walk.take(("rest",))
        assert not left_out, f"told, and could not be taken: {left_out}"
    except BaseException as error:
        done = "\n".join(" ".join(step) for step in walk.told)
        error.add_note(
            f"HISTORY_SEED={seed} HISTORY_STEPS={STEPS}; what was done, to be told again as HISTORY:\n{done}"
        )
        raise


def told(history: str) -> list[Step]:
    return [tuple(line.split()) for line in history.replace(";", "\n").splitlines() if line.strip()]
