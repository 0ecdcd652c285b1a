"""Two departments' systems send overlapping files in opposite order, hundreds of times, through the whole node."""

import asyncio
from collections import Counter
from uuid import uuid4

import orjson

from tests.support.cast import ITEM, OWNER, Cast, assembled, penalty, resident
from tests.support.node import TestNode

ROUNDS = 100
SUBJECTS = 9
ALONE = 3
"""How many of each file's subjects the other writer does not have."""


async def write(cast: Cast, name: str, subjects: list[int], seen: dict[str, list[int]]) -> None:
    """Send the file again and again, each time with other content."""
    door = cast.door(name)
    for number in range(ROUNDS):
        rows = [
            penalty(
                f"示市监罚〔2026〕{each + 1}号",
                today=cast.today,
                CF_XDR_ZJHM=resident(500 + each),
                BZ=f"{name} {number}",
            )
            for each in subjects
        ]
        headers = {"Content-Type": "application/x-ndjson"} | ({"Idempotency-Key": str(uuid4())} if number % 2 else {})
        answer = await door.post(
            f"/v1/items/{ITEM}/records", content=b"\n".join(map(orjson.dumps, rows)), headers=headers
        )
        assert answer.status_code == 200, answer.text
        for line in map(orjson.loads, answer.content.splitlines()[:-1]):
            assert line["verdict"] in {"accepted", "corrected"}, line
            seen.setdefault(line["record"], []).append(line["rev"])


async def test_no_deadlock_and_the_numbers_of_a_subject_are_in_commit_order(node: TestNode):
    cast = await assembled(node)
    await cast.key("first", "department", OWNER)
    await cast.key("second", "department", OWNER)
    seen: tuple[dict[str, list[int]], dict[str, list[int]]] = ({}, {})
    await asyncio.wait_for(
        asyncio.gather(
            write(cast, "first", list(range(SUBJECTS)), seen[0]),
            write(cast, "second", list(range(SUBJECTS + ALONE - 1, ALONE - 1, -1)), seen[1]),
        ),
        timeout=240,
    )
    await node.settled()
    async with node.database.session() as session:
        rows = await session.fetch(
            "select r.record, r.rev, r.subject, o.part, o.number from ingestion.revision r"
            " join bus.event_order o on o.event = r.id and o.stream = 'ingestion' where r.item = $1"
            " order by o.part, o.number",
            ITEM,
        )
        model = {str(row["record"]): row["rev"] for row in await session.fetch("select record, rev from query.record")}
        deadlocks = await session.fetchval("select deadlocks from pg_stat_database where datname = current_database()")
    numbered: dict[str, list[int]] = {}
    for row in rows:
        numbered.setdefault(str(row["record"]), []).append(row["rev"])
    assert deadlocks == 0
    assert len(numbered) == SUBJECTS + ALONE
    assert len({row["subject"] for row in rows}) == SUBJECTS + ALONE
    for record, revs in numbered.items():
        assert revs == list(range(1, len(revs) + 1)), "the numbers are in the order of the commits, none is missing"
        told = [each.get(record, []) for each in seen]
        assert all(each == sorted(each) for each in told), "each writer saw its own in order"
        assert sorted(told[0] + told[1]) == revs, "every acknowledged revision is there once"
        assert model[record] == len(revs), "and the last one is what is read"
    assert Counter(map(len, numbered.values())) == {ROUNDS: 2 * ALONE, 2 * ROUNDS: SUBJECTS - ALONE}
