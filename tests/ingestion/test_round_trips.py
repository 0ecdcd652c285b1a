"""What a single record costs: how often the service waits for the database until it has answered."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest

from creditmesh.chassis.context import Context
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import Unavailable
from tests.ingestion.conftest import MARKET_CALLER, House, told
from tests.ingestion.rows import penalty, person_penalty, resident


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch, *, looks: bool = False, copies: bool = False) -> Iterator[list[str]]:
    """The statements of all sessions in the block, each one round trip; a copy of many rows is two.

    The look at how far events are behind is not among them: it is made once a second, whatever is asked.
    """
    seen: list[str] = []
    real = Session._watched

    async def watched(self: Session, doing: str, work: Any) -> Any:
        if looks or "bus.pressure" not in doing:
            seen.append(doing)
        return await real(self, doing, work)

    with monkeypatch.context() as patched:
        patched.setattr(Session, "_watched", watched)
        yield seen
    copied = [doing for doing in seen if doing.startswith("COPY")]
    assert copies or not copied
    seen += copied


def with_representative(number: int) -> dict[str, str]:
    return penalty(number, CF_FR_ZJLX="身份证", CF_FR_ZJHM=resident(number))


@pytest.fixture
async def warm(house: House) -> House:
    """The service with everything prepared, and asked within this second how far events are behind."""
    await house.submit(penalty(house.number()), key=uuid4().hex)
    return house


@pytest.mark.parametrize("row", [penalty, person_penalty, with_representative])
@pytest.mark.parametrize("key", [None, "six or five"])
async def test_a_record_of_a_new_subject_and_a_correction_are_six_round_trips_and_of_a_known_one_five(
    warm: House, monkeypatch: pytest.MonkeyPatch, row: Any, key: str | None
):
    first = row(warm.number())
    for body, most in ((first, 6), (first | {"CF_WSH": f"另案{warm.number()}号"}, 5), (first | {"CF_SY": "更正"}, 6)):
        with counted(monkeypatch) as seen:
            answer = await warm.submit(body, key=key and f"{key} {uuid4()}")
        assert answer.status_code == 201
        assert len(seen) <= most, seen


async def test_a_chunk_of_a_thousand_rows_is_nine_round_trips(warm: House, monkeypatch: pytest.MonkeyPatch):
    first = [penalty(warm.number()) for _ in range(1000)]
    for rows in (first, [row | {"CF_SY": "更正"} for row in first]):
        with counted(monkeypatch, copies=True) as seen:
            _, receipt = told(await warm.submit(rows, key=uuid4().hex))
        assert receipt["accepted"] + receipt["corrected"] == 1000
        assert len(seen) <= 9, seen


async def test_a_doubtful_row_is_held_in_no_more(warm: House, monkeypatch: pytest.MonkeyPatch):
    with counted(monkeypatch) as seen:
        answer = await warm.submit(penalty(warm.number(), CF_NR_FK="2000"), key=uuid4().hex)
    assert answer.status_code == 202
    assert len(seen) <= 7, seen  # one is that nobody forgets a key that the held row needs


async def test_a_row_that_changes_nothing_is_no_more(warm: House, monkeypatch: pytest.MonkeyPatch):
    row = penalty(warm.number())
    await warm.submit(row)
    with counted(monkeypatch) as seen:
        answer = await warm.submit(row)
    assert answer.json()["verdict"] == "unchanged"
    assert len(seen) <= 4, seen


async def test_how_far_events_are_behind_is_asked_once_a_second(warm: House, monkeypatch: pytest.MonkeyPatch):
    began = monotonic()
    with counted(monkeypatch, looks=True) as seen:
        for _ in range(20):
            await warm.submit(penalty(warm.number()))
    assert len([doing for doing in seen if "bus.pressure" in doing]) <= 1 + (monotonic() - began)


async def test_the_events_of_a_few_accesses_are_one_statement(warm: House, monkeypatch: pytest.MonkeyPatch):
    record = (await warm.submit(with_representative(warm.number()))).json()["record"]
    async with warm.client() as client:
        with counted(monkeypatch) as seen:
            assert (await client.get(f"/v1/records/{record}")).status_code == 200
    accesses = [each for each in await warm.accesses() if each["records"] == [record]]
    assert len(accesses) == 2, "the organisation's and its representative's"
    assert len([doing for doing in seen if "bus.event" in doing]) == 1, seen


async def test_a_transaction_whose_session_has_gone_is_not_taken_for_none(house: House):
    context = Context(house.equipment, caller=MARKET_CALLER)
    session = await context.session()
    session.end()
    with pytest.raises(Unavailable):
        await context.commit()


async def test_what_began_no_transaction_commits_none(house: House, monkeypatch: pytest.MonkeyPatch):
    context = Context(house.equipment, caller=MARKET_CALLER)
    with counted(monkeypatch) as seen:
        assert await (await context.alone()).value("select 1") == 1
        await context.commit()
    assert seen == ["select 1"]
    assert await (await context.alone()).value("select 2") == 2
    await context.rollback()


async def test_how_a_submission_stands_is_two(warm: House, monkeypatch: pytest.MonkeyPatch):
    answer = await warm.submit([penalty(warm.number()), penalty(warm.number())])
    async with warm.client() as client:
        with counted(monkeypatch) as seen:
            assert (await client.get(answer.headers["location"])).json()["state"] == "done"
    assert len(seen) == 2, seen
