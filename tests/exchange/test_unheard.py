"""What comes of a parent while another was not heard: what it is about may be here again when that one was."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from creditmesh.chassis.context import Context
from creditmesh.exchange import events
from creditmesh.exchange.operations import relaying
from creditmesh.schemas.events import PageReceived
from creditmesh.schemas.exchange import AcknowledgedBody, RelayedEntry
from tests.exchange.conftest import NOW, City, row_of
from tests.exchange.hostile.test_accesses import statement
from tests.exchange.hostile.test_relay import Province, keep, province, told
from tests.exchange.test_comparing import Process, holding, only, process
from tests.exchange.test_holders import Told, delivered

__all__ = ["process", "province"]
AWAY = "http://127.0.0.1:9"
WAITS = "select type from exchange.unnamed where peer = 'province' and index = any($1) order by index"
TOLD = "select count(*) from bus.event_order where type = 'access.received'"


@asynccontextmanager
async def one_that_is_away(city: City) -> AsyncIterator[None]:
    """A second node above, which no process reaches, while this lasts."""
    row = row_of("faraway", city.above.keys, place="above", order=742, url=AWAY)
    await city.publish("party", row, again=True)
    try:
        yield
    finally:
        await city.publish("party", row | {"active": False}, again=True)


async def hand(process: Process, handler: Any, *given: Any) -> None:
    context = Context(process.equipment)
    try:
        await keep(context, [each for each in given if isinstance(each, PageReceived)])
        await handler(context, [delivered(each) for each in given])
        await context.commit()
    finally:
        await context.rollback()


async def fetched(process: Process, query: str, *arguments: object) -> list[Any]:
    async with process.city.node.database.session() as session:
        return [row[0] for row in await session.fetch(query, *arguments)]


async def test_what_is_about_nothing_here_waits_until_every_parent_was_heard(process: Process, province: Province):
    await province.tells_chain()
    city, about, whole = process.city, Told(process.city.node), await process.range()
    first, second = next(province.indices), next(province.indices)
    look = statement(city.above, about.record)
    beyond = RelayedEntry(index=whole.size + 3, own=1, record=about.record, rev=1)
    answer = AcknowledgedBody(by=province.nation.code, at=NOW, entries=(beyond,))
    pages = [
        told("down-city", "accessed", first, look.model_dump_json()),
        told("down-city", "acknowledged", second, answer.model_dump_json()),
    ]
    async with one_that_is_away(city):
        head = holding(process.note(whole), whole.size)
        await process.hears(only("province", head))
        before = await fetched(process, TOLD)
        await hand(process, events.on_page_received, *pages)
        assert await fetched(process, WAITS, [first, second]) == ["accessed", "acknowledged"]
        await process.hears(head)
        await hand(process, events.on_record_changed, about.end("accepted", 1))
        for _ in range(3):
            await hand(process, lambda ctx, _: relaying.take_waiting(ctx, "province"))
        assert await fetched(process, WAITS, [first, second]) == []
    await city.node.settled()
    assert await fetched(process, TOLD) == [before[0] + 1]
