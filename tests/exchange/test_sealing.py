"""Keys of a node's `up`: added where somebody above has none of them, and never by two processes against each other."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from creditmesh.chassis.context import Context
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.equipment import Equipment
from creditmesh.chassis.errors import Transient
from creditmesh.chassis.ids import new_id
from creditmesh.chassis.vault.keys import Keys
from creditmesh.exchange.operations import sealing
from creditmesh.exchange.operations.sealing import cipher_of, open_to_readers
from creditmesh.exchange.store import catching_up, pages, sealing_keys
from creditmesh.exchange.store.pages import ReceivedPage
from creditmesh.exchange.store.sealing_keys import FeedKey
from tests.exchange.conftest import City, neighbour, row_of
from tests.exchange.test_forgetting import enrolled_late, lonely, parented  # noqa: F401 - fixtures
from tests.support.eventually import eventually

KEYS = """
select body::jsonb ->> 'key' as key, body from exchange.feed_entry
 where feed = 'up' and line::jsonb ->> 'type' = 'feed.key' order by index
"""


@asynccontextmanager
async def context(equipment: Equipment) -> AsyncIterator[Context]:
    made = Context(equipment)
    try:
        yield made
        await made.commit()
    finally:
        await made.rollback()


async def sealed(equipment: Equipment) -> str:
    """The key by which this process seals an entry of now."""
    async with context(equipment) as ctx:
        return (await cipher_of(ctx, "up")).key


async def looked(equipment: Equipment) -> None:
    """This process looks once who can open the feed."""
    async with context(equipment) as ctx:
        await open_to_readers(ctx, "up")


async def put(city: City) -> list[tuple[str, set[str]]]:
    """The keys in the feed, and to whom each was wrapped there."""
    async with city.node.database.session() as session:
        rows = await session.fetch(KEYS)
    return [(row["key"], {part.partition('"')[0] for part in row["body"].split('"node":"')[1:]}) for row in rows]


async def test_processes_of_which_one_has_a_newer_key_put_none_against_each_other(parented: City):  # noqa: F811
    city, old = parented, parented.node.host.equipment["exchange"]
    await sealed(old)
    folder = city.node.host.settings.secrets / "keys"
    Keys.renew(folder, "feed")
    new = replace(old, keys=Keys.load(folder, {"data", "node", "feed"}))
    used = {await sealed(process) for _ in range(5) for process in (old, new) if not await looked(process)}
    assert len(used) == 2, "that of before, and the first by the newer key, which serves both"
    assert [key for key, _ in await put(city)] == list(dict.fromkeys(key for key, _ in await put(city)))
    assert len(await put(city)) == 2
    sealing._ciphers.clear()
    assert await sealed(old) == await sealed(new)


async def test_a_process_that_has_not_followed_the_catalogue_makes_no_key_against_another_one(
    parented: City,  # noqa: F811
    tmp_path: Path,
):
    city, today = parented, parented.node.host.equipment["exchange"]
    first = await sealed(today)
    behind = replace(today, followed=deepcopy(today.followed))
    newer = neighbour("province", tmp_path)
    row = row_of("province", city.above.keys, place="above", order=701)
    row["keys"] += row_of("province", newer.keys, place="above", order=701)["keys"]
    await city.publish("party", row)
    second = await sealed(today)
    for _ in range(3):
        with pytest.raises(Transient):
            await sealed(behind)
        assert await sealed(today) == second
    assert [key for key, _ in await put(city)] == [first, second]


async def test_a_key_that_was_made_by_a_clock_ahead_serves(
    parented: City,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
):
    at = parented.node.host.equipment["exchange"]
    with monkeypatch.context() as ahead:
        ahead.setattr(sealing, "_month", lambda _: date(2031, 1, 1))
        key = await sealed(at)
    await looked(at)
    assert await sealed(at) == key
    assert len(await put(parented)) == 1


async def test_who_renewed_its_key_is_given_a_new_one_and_no_older_ones_again(
    parented: City,  # noqa: F811
    tmp_path: Path,
):
    city, at = parented, parented.node.host.equipment["exchange"]
    first = await sealed(at)
    newer = neighbour("province", tmp_path)
    row = row_of("province", city.above.keys, place="above", order=701)
    row["keys"] += row_of("province", newer.keys, place="above", order=701)["keys"]
    await city.publish("party", row)
    await looked(at)
    assert [key for key, _ in await put(city)] == [first]
    second = await sealed(at)
    await looked(at)
    assert [key for key, _ in await put(city)] == [first, second]


async def test_the_keys_are_read_again_only_when_there_is_one_more_or_somebody_else_reads_them(
    parented: City,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    city, at = parented, parented.node.host.equipment["exchange"]
    await sealed(at)
    await looked(at)
    read, every = 0, sealing_keys.every

    async def counted(session: Session, feed: str) -> list[FeedKey]:
        nonlocal read
        read += 1
        return await every(session, feed)

    monkeypatch.setattr(sealing_keys, "every", counted)
    for _ in range(5):
        await looked(at)
        async with context(at) as ctx:
            assert await sealing.answering(ctx, "up") == ["province"]
    assert read == 0
    async with context(at) as ctx:
        assert await sealing.pass_on(ctx, "up", "town", {"up-1": bytes(32)}) == {"up-1"}
    async with context(at) as ctx:
        assert await sealing.pass_on(ctx, "up", "town", {"up-1": bytes(32)}) == {"up-1"}
    assert read == 0, "what is passed on is asked for by its name"
    assert [key for key, _ in await put(city)].count("town/up-1") == 1
    await looked(at)
    assert read > 0
    await enrolled_late(city, tmp_path)

    async def is_given() -> bool:
        return ("town/up-1", {"city", "nation"}) in await put(city)

    await eventually(is_given)


async def test_of_one_origin_so_many_keys_are_passed_on_and_others_have_their_own_room(
    parented: City,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(sealing, "MOST_PASSED", 2)
    at = parented.node.host.equipment["exchange"]
    secrets = {f"up-{n}": bytes(32) for n in range(3)}
    for _ in range(2):
        async with context(at) as ctx:
            assert await sealing.pass_on(ctx, "up", "hamlet", secrets) == {"up-0", "up-1"}
            assert await sealing.pass_on(ctx, "up", "village", {"up-1": bytes(32)}) == {"up-1"}


async def test_older_keys_go_to_who_lacks_them_alone_and_one_that_is_damaged_stops_nothing(
    parented: City,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    city, at = parented, parented.node.host.equipment["exchange"]
    said: list[str] = []
    monkeypatch.setattr(sealing._log, "error", lambda *_, key, **__: said.append(key))
    damaged = await sealed(at)
    with monkeypatch.context() as ahead:
        ahead.setattr(sealing, "_month", lambda _: date(2031, 1, 1))
        whole = await sealed(at)
    async with city.node.database.session() as session:
        await session.execute("update exchange.feed_key set wrapped = '[\"x\"]' where key = $1", damaged)
    await enrolled_late(city, tmp_path)

    async def is_given() -> bool:
        return (await put(city))[2:] == [(whole, {"city", "nation"})]

    await eventually(is_given)
    for _ in range(3):
        await looked(at)
    assert (await put(city))[2:] == [(whole, {"city", "nation"})]
    assert said == [damaged]
    assert await sealed(at) == whole


async def test_of_what_is_held_back_no_stretch_is_left_out_beside_its_keys(lonely: City):  # noqa: F811
    """Wherever a turn ends, and wherever the rows lie in the table: the keys are told already."""
    async with lonely.node.context("exchange") as ctx:
        session, at = await ctx.session(), ctx.instant
        await session.execute(
            "insert into exchange.copy_head (peer, feed, size, announced, held_from) values ('x', 'up', 256, 256, 0)",
            {},
        )

        def row(first: int, until: int, *, keys: bool = False) -> ReceivedPage:
            place = ctx.part("x/up"), new_id(), "x/up", at, ctx.legal_date, None
            return ReceivedPage(*place, "x", "up", first, until, b"{}", keys)

        for first in range(0, 256, 4):
            await pages.write(session, [row(first, first + 4, keys=True), row(first, first + 1, keys=True)])
            await pages.write(session, [row(first, first + 1)] if first % 8 else [])
            await pages.write(session, [row(first, first + 4)])
        told = list[tuple[int, int]]()
        while held := await catching_up.held(session, "x", "up"):
            rows = await session.fetch(
                "select id, first from exchange.received_page where not keys and id = any(cast(:ids as uuid[]))",
                {"ids": [each.id for each in held]},
            )
            firsts = {each.id: each.first for each in rows}
            told += [(firsts[each.id], each.until) for each in held]
            await catching_up.told(session, "x", "up", until=held[-1].until)
        await ctx.rollback()
    assert {(first, first + 4) for first in range(0, 256, 4)} <= set(told)
