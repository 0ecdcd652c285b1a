"""However often and in whatever order files come, from however many writers, each record has one history."""

import asyncio
from itertools import count
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditmesh.chassis.context import Context
from creditmesh.ingestion import operations
from creditmesh.ingestion.formats import Media, SubmittedRow, rows_of
from creditmesh.ingestion.operations import SubmissionOrder
from creditmesh.ingestion.operations.records.intake import Intake, IntakeRow
from creditmesh.ingestion.operations.records.register import Register
from creditmesh.ingestion.store import submissions
from tests.ingestion.conftest import MARKET_CALLER, PENALTY, House, department, told
from tests.ingestion.rows import penalty
from tests.support.eventually import eventually

ROUNDS = 120
FILES = st.lists(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=6), min_size=1, max_size=5
)
_KEYS = count()


async def send(house: House, rows: list[dict[str, str]], caller=MARKET_CALLER) -> operations.Submitted:
    body = b"\n".join(map(orjson.dumps, rows))
    async with house.context(caller) as ctx:
        return await operations.submit(
            ctx,
            SubmissionOrder(
                item=PENALTY,
                read=lambda intake: rows_of(Media("lines", "utf-8"), body, names=intake.compiled.names),
                digest=b"",
                weight=len(body),
            ),
        )


async def visible(house: House) -> list[dict]:
    return await house.fetch(
        "select record, rev, fingerprint, state, submission from ingestion.revision order by record, rev"
    )


@settings(max_examples=25)
@given(files=FILES, data=st.data())
async def test_sending_any_prefix_of_history_again_changes_nothing(house: House, files, data: st.DataObject):
    base = [penalty(house.number()) for _ in range(4)]
    sent = [[base[who] | {"BZ": f"第{what}版"} for who, what in file] for file in files]
    for number, rows in enumerate(sent):
        verdicts, _ = told(await house.submit(rows, key=f"history-{next(_KEYS)}" if number % 2 else None))
        assert not {each["verdict"] for each in verdicts} & {"held", "refused"}
    ended = data.draw(st.none() | st.integers(0, 3))
    if ended is not None:
        await end(house, base[ended])
    before = await visible(house)
    for rows in sent[: data.draw(st.integers(1, len(sent)))]:
        part = rows[: data.draw(st.integers(1, len(rows)))]
        verdicts, _ = told(await house.submit(part))
        for row, verdict in zip(part, verdicts, strict=True):
            closed = ended is not None and row["CF_WSH"] == base[ended]["CF_WSH"]
            assert verdict["verdict"] == "unchanged"
            assert not closed or [each["code"] for each in verdict["reasons"]] == ["record_ended"]
    assert await visible(house) == before


async def end(house: House, row: dict[str, str]) -> None:
    (found,) = told(await house.submit([row | {"BZ": "终"}]))[0]
    async with house.client() as client:
        headers = {"If-Match": f'"{found["rev"]}"'}
        answer = await client.post(
            f"/v1/records/{found['record']}/withdrawal", json={"reason": "error"}, headers=headers
        )
    assert answer.status_code == 200, answer.text


async def test_writers_with_overlapping_rows_in_opposite_order_never_block_each_other_for_good(house: House):
    base = [penalty(house.number()) for _ in range(12)]

    async def write(name: str, rows: list[dict[str, str]]) -> None:
        for number in range(ROUNDS // 2):
            done = await send(house, [row | {"BZ": f"{name}{number}"} for row in rows], department(credential=name))
            assert done.counts["refused"] == 0
            assert done.counts["held"] == 0

    await asyncio.wait_for(asyncio.gather(write("a", base[:9]), write("b", base[:2:-1])), timeout=120)
    rows = await house.fetch(
        "select r.record, r.rev from ingestion.revision r join bus.event_queue q on q.event = r.id"
        " where r.record in (select record from ingestion.revision group by record having count(*) >= $1)"
        " order by q.id",
        ROUNDS // 2,
    )
    order: dict[UUID, list[int]] = {}
    for row in rows:
        order.setdefault(row["record"], []).append(row["rev"])
    assert len(order) == 12
    for revs in order.values():
        assert revs == list(range(1, len(revs) + 1)), "queue order is commit order, and no revision is missing"
    # The six rows that both send have both histories.
    assert sorted(map(len, order.values())) == [ROUNDS // 2] * 6 + [ROUNDS] * 6


async def test_a_revision_that_slipped_in_is_met_by_reading_again(house: House, monkeypatch: pytest.MonkeyPatch):
    row = penalty(house.number())
    arrived, waiting, begin = asyncio.Barrier(2), [True, True], submissions.begin

    def unlocked(*_: object) -> dict[str, object]:
        """As if two subjects' locks did not meet."""
        return {"lock_class": 0, "lock_keys": []}

    async def together(*given: Any, **named: Any) -> bool:
        if waiting:
            waiting.pop()
            await arrived.wait()
        return await begin(*given, **named)

    monkeypatch.setattr(Context, "locks", unlocked)
    monkeypatch.setattr(submissions, "begin", together)
    one, other = await asyncio.gather(send(house, [row]), send(house, [row], department(credential="other")))
    assert sorted(each.counts.get("accepted", 0) for each in (one, other)) == [0, 1]
    assert sorted(each.counts.get("unchanged", 0) for each in (one, other)) == [0, 1]


async def test_who_waited_for_a_lock_reads_what_was_written_under_it(house: House):
    """In one SQL statement the snapshot is older than the lock, and the second writer would begin the record anew."""
    row = SubmittedRow(1, orjson.dumps(penalty(house.number())))

    async def opened(ctx: Context) -> tuple[Register, IntakeRow]:
        intake = Intake.of(ctx, PENALTY, party=ctx.known_caller.party)
        entry = intake.read(row)
        await intake.identify([entry])
        register = Register(ctx, intake.attribution())
        await register.open([entry.passed_candidate])
        return register, entry

    async def waits() -> bool:
        waiting = "select 1 from pg_locks where locktype = 'advisory' and not granted and database = (select oid from"
        return bool(await house.fetch(f"{waiting} pg_database where datname = current_database())"))

    async with house.context() as first, house.context() as second:
        register, entry = await opened(first)
        assert register.settle(entry).verdict == "accepted"
        await register.write()
        other = asyncio.create_task(opened(second))
        await eventually(waits)
        await first.commit()
        register, entry = await other
        assert register.settle(entry).reasons[0].code == "same"
