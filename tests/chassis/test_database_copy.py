"""COPY is part of its caller's transaction, and its errors are SQLAlchemy's, without values."""

from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from creditmesh.chassis.database.copy import copy
from tests.chassis.sample import count

COLUMNS = ("part", "id", "value")


async def test_rows_are_written_and_counted(pool: AsyncEngine):
    before = await count(pool)
    async with pool.begin() as connection:
        written = await copy(connection, "sample.fact", COLUMNS, [(n % 3, uuid4(), str(n)) for n in range(500)])
    assert written == 500
    assert await count(pool) == before + 500


async def test_a_copy_that_is_rolled_back_leaves_nothing_even_as_the_first_statement(pool: AsyncEngine):
    before = await count(pool)
    async with pool.connect() as connection:
        await connection.begin()
        await copy(connection, "sample.fact", COLUMNS, [(0, uuid4(), "x")])
        await connection.rollback()
    assert await count(pool) == before


async def test_a_repeated_key_is_an_integrity_error_that_shows_no_value(pool: AsyncEngine):
    before, same = await count(pool), uuid4()
    async with pool.connect() as connection:
        await connection.begin()
        with pytest.raises(IntegrityError) as caught:
            await copy(connection, "sample.fact", COLUMNS, [(0, same, "a"), (0, same, "b")])
        await connection.rollback()
    assert str(same) not in str(caught.value)
    assert "duplicate key" in str(caught.value)
    assert await count(pool) == before


async def test_a_connection_that_dies_is_a_database_error_that_the_pool_survives(pool: AsyncEngine):
    async with pool.connect() as connection:
        await connection.begin()
        await connection.execute(text("select 1"))
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        driver.terminate()
        with pytest.raises((DBAPIError, RuntimeError)):
            await copy(connection, "sample.fact", COLUMNS, [(0, uuid4(), "x")])
        await connection.invalidate()
    async with pool.begin() as connection:
        assert await copy(connection, "sample.fact", COLUMNS, [(0, uuid4(), "x")]) == 1
