"""Positions move from exactly where they were remembered to be, all of a batch or none."""

from collections.abc import AsyncIterator, Collection
from uuid import UUID

import pytest

from creditmesh.chassis.bus.position import ClaimedPosition, Position, forgive, mark, move, read_positions, register
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import Uncertain
from tests.contracts.bus.world import PARTS, World, opened
from tests.support.postgres import Postgres

STREAMS = ("source", "other")


@pytest.fixture(scope="module")
async def world(postgres: Postgres) -> AsyncIterator[World]:
    async with opened(postgres) as world:
        yield world


@pytest.fixture
async def session(world: World) -> AsyncIterator[Session]:
    """A session of the reader, with fresh positions."""
    await world.admin.execute("truncate reader.reader_position")
    async with world.pool.session() as session:
        await register(session, "reader", streams=STREAMS, parts=PARTS)
        yield session


def at(part: int, number: int, *, stream: str = "source", hint: int | None = None) -> Position:
    return Position(stream, part, number, UUID(int=number) if number else None, hint)


async def standing(session: Session, streams: Collection[str] = ("source",)) -> dict[int, Position]:
    return {
        each.position.part: each.position
        for each in await read_positions(session, "reader", streams=streams)
        if each.position.number or each.position.hint
    }


async def test_a_new_reader_begins_at_the_beginning_and_a_known_one_where_it_stood(session: Session):
    await move(session, "reader", [(at(0, 0), at(0, 4))])
    await register(session, "reader", streams=STREAMS, parts=PARTS)
    found = await read_positions(session, "reader", streams=STREAMS)
    assert len(found) == len(STREAMS) * PARTS
    assert await standing(session) == {0: at(0, 4)}
    assert {each.tries for each in found} == {0}
    some = await read_positions(session, "reader", streams=["source"], parts=[1, 3])
    assert sorted(each.position.place for each in some) == [("source", 1), ("source", 3)]


async def test_many_positions_move_at_once_each_in_its_own_stream_and_part(session: Session):
    moves = [(at(0, 0), at(0, 3)), (at(2, 0), at(2, 7, hint=70)), (at(2, 0, stream="other"), at(2, 1, stream="other"))]
    await move(session, "reader", moves)
    assert await standing(session) == {0: at(0, 3), 2: at(2, 7, hint=70)}
    assert await standing(session, ["other"]) == {2: at(2, 1, stream="other")}
    await move(session, "reader", [(at(2, 7), at(2, 8))])
    assert (await standing(session))[2] == at(2, 8, hint=70), "a hint stays until there is a newer one"
    await move(session, "reader", [])


@pytest.mark.parametrize("number", [0, 2, 4], ids=["it is ahead", "it is elsewhere", "it is behind"])
async def test_a_position_that_is_not_where_it_was_remembered_is_uncertain_and_stays(session: Session, number: int):
    await move(session, "reader", [(at(1, 0), at(1, 3))])
    with pytest.raises(Uncertain):
        await move(session, "reader", [(at(1, number), at(1, 9))])
    assert await standing(session) == {1: at(1, 3)}


async def test_one_position_that_another_moved_makes_the_whole_transaction_void(session: Session, world: World):
    async with world.pool.session() as another:
        await move(another, "reader", [(at(3, 0), at(3, 1))])

    async def batch() -> None:
        async with world.pool.transaction() as own:
            await move(own, "reader", [(at(0, 0), at(0, 5)), (at(3, 0), at(3, 2))])

    with pytest.raises(Uncertain):
        await batch()
    assert await standing(session) == {3: at(3, 1)}


async def test_a_reader_that_is_not_registered_moves_nothing(session: Session):
    with pytest.raises(Uncertain):
        await move(session, "reader", [(at(0, 0, stream="unknown"), at(0, 1, stream="unknown"))])


async def test_a_mark_counts_the_owners_that_died_where_nothing_has_moved(session: Session):
    async def tries() -> int:
        [found] = await read_positions(session, "reader", streams=["source"], parts=[1])
        return found.tries

    for deaths in range(3):
        assert await tries() == deaths
        await mark(session, "reader", [ClaimedPosition(at(1, 0), deaths)])
    await forgive(session, "reader", [("source", 1)])
    assert await tries() == 0
    await mark(session, "reader", [ClaimedPosition(at(1, 0), 2)])
    await move(session, "reader", [(at(1, 0), at(1, 1))])
    assert await tries() == 0, "it has moved since: nobody died at the next one"
    await mark(session, "reader", [])
