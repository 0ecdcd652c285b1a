"""`copy` writes all rows in their order or none, whether they go as prepared inserts or as COPY."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from creditmesh.chassis.bus.faults import Fault, fault_of
from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.database.session import COPY_FROM
from tests.chassis.sample import count
from tests.support.postgres import Postgres
from tests.support.statements import sent_by

COLUMNS = ("part", "id", "value")
BOTH = pytest.mark.parametrize("rows", [1, 2, COPY_FROM - 1, COPY_FROM, COPY_FROM + 1, 500])
ONE_OF_EACH = pytest.mark.parametrize("rows", [COPY_FROM - 1, COPY_FROM + 1], ids=["inserts", "copy"])
PLANTED = "planted-990000"


@pytest.fixture(scope="module")
async def anything(postgres: Postgres) -> AsyncIterator[Pool]:
    """A pool of a role that may make tables."""
    pool = Pool(postgres.admin, application_name="test", size=1)
    yield pool
    await pool.close()


def facts(rows: int) -> list[tuple[object, ...]]:
    return [(n % 3, uuid4(), str(n)) for n in range(rows)]


@BOTH
async def test_rows_are_written_and_counted(pool: Pool, rows: int):
    before = await count(pool)
    async with pool.session() as session:
        assert await session.copy("sample.fact", COLUMNS, facts(rows)) == rows
        assert not session.in_transaction
        assert await session.copy("sample.fact", COLUMNS, iter(facts(rows))) == rows
    assert await count(pool) == before + 2 * rows


async def test_no_rows_are_no_statement(pool: Pool):
    async with pool.session() as session, sent_by(session) as sent:
        assert await session.copy("sample.fact", COLUMNS, []) == 0
        assert await session.copy("sample.no_such_table", COLUMNS, iter(())) == 0
        await session.execute("select 1")
    assert sent == ["select 1"], "the control alone"


@BOTH
async def test_the_order_of_the_rows_is_kept_and_every_type_arrives(anything: Pool, rows: int):
    moment = datetime(2026, 5, 3, 16, 0, tzinfo=UTC)
    given = [
        (uuid4(), ["处罚", 'a "quoted" one', "", "{,}"][: n % 5], f'{{"n": {n}}}', moment, bytes([n % 256]), None)
        for n in range(rows)
    ]
    async with anything.transaction() as session:
        await session.execute(
            "create temporary table kept (place bigint generated always as identity (cache 1), id uuid, words text[],"
            " body jsonb, at timestamptz, raw bytea, nothing date) on commit drop"
        )
        assert await session.copy("kept", ("id", "words", "body", "at", "raw", "nothing"), given) == rows
        found = await session.fetch("select id, words, body, at, raw, nothing from kept order by place")
        assert [tuple(row) for row in found] == given


BAD: dict[str, tuple[object, ...]] = {
    "a value the driver cannot send": (0, PLANTED, "x"),
    "a number too large": (990000 * 10**30, uuid4(), "x"),
    "half a character": (0, uuid4(), f"{PLANTED}\ud800"),
    "a character no text holds": (0, uuid4(), f"{PLANTED}\0"),
    "a value the table refuses": (None, uuid4(), PLANTED),
    "a part there is not": (99, uuid4(), PLANTED),
}


@ONE_OF_EACH
@pytest.mark.parametrize("place", [0, -1], ids=["first", "last"])
@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
@pytest.mark.parametrize("begun", [False, True], ids=["alone", "in a transaction"])
async def test_one_bad_row_of_many_and_none_is_written_nor_shown(
    pool: Pool, rows: int, place: int, bad: Sequence[object], *, begun: bool
):
    before, given = await count(pool), facts(rows)
    given[place] = tuple(bad)
    async with pool.session() as session:
        if begun:
            await session.begin()
            await session.copy("sample.fact", COLUMNS, facts(1))
        with pytest.raises(DatabaseError) as caught:
            await session.copy("sample.fact", COLUMNS, given)
        assert "planted" not in f"{caught.value!r} {vars(caught.value)}"
        assert "990000" not in f"{caught.value!r} {vars(caught.value)}"
        assert fault_of(caught.value, 0) is Fault.PERMANENT
        await session.rollback()
        assert await session.value("select 1") == 1, "the session serves on"
        assert await session.copy("sample.fact", COLUMNS, facts(rows)) == rows
    assert await count(pool) == before + rows


@ONE_OF_EACH
async def test_a_repeated_key_breaks_a_constraint_and_shows_no_value(pool: Pool, rows: int):
    before, same = await count(pool), uuid4()
    given = [*facts(rows - 2), (0, same, PLANTED), (0, same, PLANTED)]
    async with pool.session() as session:
        with pytest.raises(DatabaseError, match="UniqueViolationError") as caught:
            await session.copy("sample.fact", COLUMNS, given)
    assert caught.value.breaks_constraint
    assert str(same) not in str(caught.value)
    assert PLANTED not in str(caught.value)
    assert await count(pool) == before


@ONE_OF_EACH
async def test_what_is_rolled_back_leaves_nothing_even_as_the_first_statement(pool: Pool, rows: int):
    before = await count(pool)
    async with pool.session() as session:
        await session.begin()
        await session.copy("sample.fact", COLUMNS, facts(rows))
        await session.rollback()
    assert await count(pool) == before


@ONE_OF_EACH
async def test_a_session_that_is_gone_is_an_error_that_the_pool_survives(pool: Pool, rows: int):
    async with pool.session() as session:
        session.end()
        with pytest.raises(DatabaseError) as caught:
            await session.copy("sample.fact", COLUMNS, facts(rows))
        assert caught.value.lost
    async with pool.session() as session:
        assert await session.copy("sample.fact", COLUMNS, facts(rows)) == rows
