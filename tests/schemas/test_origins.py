"""A line is proven to be a node's own by a run of its feed which leads to a head that it signed, and by no other."""

import asyncio
from collections.abc import Sequence

import pytest
from pydantic import ValidationError

from creditmesh.chassis.vault.keys import Keys, verified
from creditmesh.schemas.exchange import feed_origin
from creditmesh.schemas.origins import MOST_RUNS, OriginRun, OriginsOut, proven_leaves
from creditmesh.schemas.tlog import Checkpoint, Range, checkpoint_text, leaf_hash, signed_note

LINES = [f'{{"n":{n}}}'.encode() for n in range(11)]
LEAVES = [leaf_hash(line) for line in LINES]
FIRST = 5


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Keys]:
    made = {}
    for name in ("city", "province"):
        folder = tmp_path_factory.mktemp(name)
        Keys.create(folder, {"node"})
        made[name] = Keys.load(folder, {"node"})
    return made


def run(keys: Keys, *, of: str = "city", leaves: Sequence[bytes] = tuple(LEAVES), **said: object) -> OriginRun:
    """The entries behind the first five of a feed of eleven, under a head that these keys sign."""
    before, _ = Range.empty().extended(leaves[:FIRST])
    after, _ = before.extended(leaves[FIRST:])
    origin = feed_origin(of, "up")
    text = checkpoint_text(Checkpoint(origin, after.size, after.root()))
    note = signed_note(text, name=origin, public=keys.public("node").raw, sign=keys.sign)
    made = {"origin": "city", "first": FIRST, "stack": before.packed(), "leaves": b"".join(leaves[FIRST:])}
    return OriginRun.model_validate(made | {"checkpoint": note} | said)


def proven(keys: dict[str, Keys], *runs: OriginRun, wanted: Sequence[bytes] = LEAVES) -> set[tuple[str, bytes]]:
    return asyncio.run(looked_at(keys, *runs, wanted=wanted))[0]


async def looked_at(
    keys: dict[str, Keys], *runs: OriginRun, wanted: Sequence[bytes] = LEAVES
) -> tuple[set[tuple[str, bytes]], int]:
    """What is proven, and how many signatures that took."""
    looked = 0

    def verify(public: bytes, data: bytes, signature: bytes) -> bool:
        nonlocal looked
        looked += 1
        return verified(data, signature, public=public)

    found = await proven_leaves(
        runs,
        {("city", leaf) for leaf in wanted},
        publics=lambda origin: [keys["city"].public("node").raw] if origin == "city" else [],
        verify=verify,
    )
    return found, looked


def test_the_lines_of_a_run_that_leads_to_a_signed_head_are_proven_and_no_others(keys: dict[str, Keys]):
    assert proven(keys, run(keys["city"])) == {("city", leaf) for leaf in LEAVES[FIRST:]}
    assert proven(keys) == set()


async def test_who_sends_them_does_not_decide_how_many_runs_are_looked_at(keys: dict[str, Keys]):
    honest, wanted = run(keys["city"]), LEAVES[FIRST : FIRST + 1]
    aside = honest.model_copy(update={"leaves": b"".join(leaf_hash(f"{n}".encode()) for n in range(6))})
    assert await looked_at(keys, *[aside] * 50, honest, *[honest] * 50, wanted=wanted) == ({("city", wanted[0])}, 1)
    spoilt = honest.model_copy(update={"checkpoint": run(keys["province"]).checkpoint})
    nothing, looked = await looked_at(keys, *[spoilt] * 50, wanted=wanted)
    assert (nothing, looked <= 1) == (set(), True)


async def test_others_have_their_turn_between_two_runs(keys: dict[str, Keys]):
    first, second = run(keys["province"]), run(keys["province"], first=FIRST + 1)
    turns = list[str]()

    async def other() -> None:
        turns.append("other")

    waiting = asyncio.create_task(other())
    await looked_at(keys, first, second)
    turns.append("done")
    await waiting
    assert turns == ["other", "done"]


def test_an_answer_has_so_many_runs_and_no_more(keys: dict[str, Keys]):
    with pytest.raises(ValidationError, match="runs"):
        OriginsOut(runs=(run(keys["city"]),) * (MOST_RUNS + 1), until=1)


def test_of_a_run_that_is_no_stretch_of_the_log_nothing_is_proven(keys: dict[str, Keys]):
    honest = run(keys["city"])
    altered = [*LEAVES[:7], leaf_hash(b"another"), *LEAVES[8:]]
    swapped = [*LEAVES[:7], LEAVES[8], LEAVES[7], *LEAVES[9:]]
    for leaves in (altered, swapped, LEAVES[:-1], [*LEAVES, LEAVES[6]]):
        assert proven(keys, honest.model_copy(update={"leaves": b"".join(leaves[FIRST:])})) == set()
    for said in ({"first": 4}, {"first": 6}, {"stack": b""}, {"stack": honest.stack[:-1]}, {"leaves": b""},
                 {"leaves": honest.leaves[:-1]}, {"checkpoint": ""}, {"origin": "province"}):  # fmt: skip
        assert proven(keys, honest.model_copy(update=said)) == set(), said


def test_who_passes_it_on_cannot_sign_for_the_origin(keys: dict[str, Keys]):
    altered = [*LEAVES[:7], leaf_hash(b"another"), *LEAVES[8:]]
    assert proven(keys, run(keys["province"], leaves=altered)) == set()
    assert proven(keys, run(keys["city"], of="province", leaves=altered)) == set()
    both = run(keys["city"]), run(keys["province"], leaves=altered)
    assert proven(keys, *both, wanted=[*LEAVES, *altered]) == {("city", leaf) for leaf in LEAVES[FIRST:]}
