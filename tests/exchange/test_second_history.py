"""A node that went back before its parent, and shared since, sets aside what nobody holds and says it again behind."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from asyncpg.exceptions import InvalidParameterValueError, ObjectInUseError

from creditmesh.chassis.context import Context
from creditmesh.exchange.operations import restoring, saying_again, setting_aside
from creditmesh.exchange.operations.comparing import compared
from creditmesh.exchange.store import answers
from creditmesh.exchange.store import set_aside as set_aside_store
from creditmesh.schemas.events import HolderChanged
from tests.exchange.test_restoring import (
    MARKET,
    acknowledged,
    alarm,
    correct,
    entries,
    none_is_being_made_again,
    restored,
    state_of,
    submit,
    withdraw,
)
from tests.support.bodies import said as event_said
from tests.support.cast import penalty, resident
from tests.support.chain import Chain, Place, chained, copied, enrol, has_compared, size_of
from tests.support.eventually import eventually
from tests.support.node import TestNode
from tests.support.postgres import Postgres
from tests.support.restoring import copied as database_copied
from tests.support.restoring import put_back, started

DISCONNECT = """
    select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid()
"""
SHOWN = "select data from ingestion.revision where record = $1 order by rev desc limit 1"
LEFT = "select count(*) from exchange.set_aside"
TWICE = """
    select record, rev from exchange.feed_entry where feed = 'up' and record is not null
     group by record, rev having count(*) > 1
"""
MOVED_BEHIND = """
update exchange.feed_head set size = {size} where feed = 'up';
select exchange.set_aside_rows('up', 1000);
"""
NUMBERS = "select rev from exchange.feed_entry where feed = 'up' and record = $1 order by index"


@pytest.fixture
async def apart(postgres: Postgres, tmp_path: Path) -> AsyncIterator[Chain]:
    """A city and a province that do not know each other."""
    places = Place(code="province", tier="province"), Place(code="city", tier="city")
    async with chained(postgres, tmp_path, *places) as chain:
        yield chain


async def joined(chain: Chain) -> None:
    city, province = chain["city"], chain["province"]
    await enrol(city, province, place="above", again=True)
    await enrol(province, city, place="below", sends_for=("city",), again=True)


async def all_is_above(chain: Chain) -> None:
    """Everything that the city has shared is verified by the province, and answered for."""
    city, province = chain["city"], chain["province"]
    await city.settled()
    await eventually(lambda: _has_all(province, city))
    await province.settled()


async def _has_all(province: TestNode, city: TestNode) -> bool:
    return await copied(province, "city", "up") == await size_of(city, "up")


def reworded(city: TestNode, number: int, words: str) -> dict[str, str]:
    today = city.host.clock.legal_date()
    return penalty(f"示市监罚〔2026〕{number}号", today=today, CF_XDR_ZJHM=resident(number), CF_YJ=words)


async def is_behind(city: TestNode) -> bool:
    return bool(compared(city.host.equipment["exchange"]).behind("up"))


async def went_back(
    chain: Chain,
    *,
    before: Callable[[], Awaitable[Any]],
    since: Callable[[], Awaitable[Any]],
    copying: Callable[[TestNode], Awaitable[None]] = database_copied,
) -> int:
    """The city as it was before it was enrolled; how much the province holds of what it said after that.

    `before`: what is done in the time that is lost; `since`: what is done before the province is there again.
    """
    city, province = chain["city"], chain["province"]
    await city.settled()
    await copying(city)
    await joined(chain)
    await before()
    await all_is_above(chain)
    await put_back(city)
    await since()
    await city.settled()
    await joined(chain)
    await eventually(lambda: is_behind(city))
    return await copied(province, "city", "up")


async def what_nobody_holds(city: TestNode) -> dict[str, Any]:
    await eventually(lambda: has_compared(city))
    answer = await city.operator().get("/v1/admin/feeds/up/second-history")
    assert answer.is_success, answer.text
    return dict(answer.json())


async def nothing_is_left(city: TestNode) -> bool:
    async with city.database.session() as session:
        return await session.fetchval(LEFT) == 0


async def goes_on(chain: Chain) -> None:
    """What was set aside is said again, all of it is above, and both nodes have one history of it."""
    city, province = chain["city"], chain["province"]
    await eventually(lambda: nothing_is_left(city))
    await eventually(lambda: none_is_being_made_again(city))
    await all_is_above(chain)
    await eventually(lambda: nothing_is_hidden(city))
    assert await alarm(province) is None
    async with city.database.session() as session, province.database.session() as above:
        head = await session.fetchrow("select size, stack from exchange.feed_head where feed = 'up'")
        copy = await above.fetchrow("select size, stack from exchange.copy_head where peer = 'city' and feed = 'up'")
        assert await session.fetch(TWICE) == [], "a number was said twice"
    assert tuple(head) == tuple(copy)


async def nothing_is_hidden(city: TestNode) -> bool:
    async with city.database.session() as session:
        return await session.fetchval("select count(*) from bus.catching_up") == 0


async def set_aside(city: TestNode) -> list[list[str]]:
    """As the operator does: look, say the head, wait; what is listed then."""
    head = (await what_nobody_holds(city))["head"]
    return (await restored(city, "--set-aside", "up", "--confirm", head))[1:]


async def says(node: TestNode, record: str) -> tuple[str, str]:
    """The state of a record at a node, and why it was decided."""
    async with node.database.session() as session:
        said = event_said(await session.fetchval(SHOWN, UUID(record)))
    return said["state"], said["fields"]["CF_YJ"]


async def test_what_was_shared_before_the_parent_was_there_again_goes_up_behind_what_it_holds(apart: Chain):
    city, province = apart["city"], apart["province"]
    first = await submit(city, 1)
    made = dict[str, str]()

    async def before() -> None:
        made["lost"] = await submit(city, 2)
        await withdraw(city, first, 1)

    async def since() -> None:
        made["new"] = await submit(city, 3)
        made["ended"] = await submit(city, 4)
        await withdraw(city, made["ended"], 1)

    held = await went_back(apart, before=before, since=since)
    stood = await entries(city)
    answer = await city.operator().post("/v1/admin/feeds/up/restore")
    assert (answer.status_code, answer.json()["code"]) == (409, "feed_not_restored")
    assert "--set-aside up" in answer.json()["detail"]
    said = await what_nobody_holds(city)
    assert said["readers"] == [{"node": "province", "holds": held, "common": said["first"]}]
    assert said["size"] == len(stood) == said["first"] + said["entries"]
    assert said["records"] == 2
    assert [entry[:2] for entry in await entries(city)] == [entry[:2] for entry in stood], "to look changes nothing"

    assert await set_aside(city) == []
    await goes_on(apart)
    for record in (made["lost"], made["new"]):
        assert [await state_of(node, record) for node in (city, province)] == ["published"] * 2
    assert await state_of(city, first) == "withdrawn"
    assert await state_of(province, first) in {"withdrawn", "None"}, "what had ended before a copy caught up never was"
    assert await state_of(city, made["ended"]) == "withdrawn"
    for record in (first, made["ended"]):
        await eventually(lambda record=record: _is_answered(city, record))
    lines = [line for _, line, _, _ in await entries(city)]
    assert len(lines) > held
    again = [line for _, line, _, _ in stood[said["first"] :] if '"record"' in line and '"feed.key"' not in line]
    assert [line for line in lines if line in again] == again, "they are the lines that they were, in their order"
    fourth = await submit(city, 5)
    await all_is_above(apart)
    assert await state_of(province, fourth) == "published"
    assert (await what_nobody_holds(city))["head"] is None
    async with city.database.session() as session:
        kept = await session.fetchrow("select first, size, note from exchange.second_history")
    assert (kept["first"], kept["size"]) == (said["first"], said["size"])
    assert kept["note"].startswith("creditmesh/city/up\n")


async def _is_answered(city: TestNode, record: str) -> bool:
    return await acknowledged(city, record) == ["province"]


async def test_a_number_that_was_used_twice_is_used_no_more_and_what_was_decided_last_holds(apart: Chain):
    """Content is what was decided since; what ended in either history has ended, and what it may end is listed."""
    city, province = apart["city"], apart["province"]
    reworded_twice, ended_since, ended_before, ended_in_both = [await submit(city, number) for number in range(1, 5)]

    async def before() -> None:
        await correct(city, reworded_twice, reworded(city, 1, "先行决定。"))
        await correct(city, reworded_twice, reworded(city, 1, "再行决定。"), rev=2)
        await correct(city, ended_since, reworded(city, 2, "先行决定。"))
        await correct(city, ended_since, reworded(city, 2, "再行决定。"), rev=2)
        await withdraw(city, ended_before, 1)
        await withdraw(city, ended_in_both, 1)

    async def since() -> None:
        await correct(city, reworded_twice, reworded(city, 1, "最后决定。"))
        await withdraw(city, ended_since, 1)
        await correct(city, ended_before, reworded(city, 3, "其后决定。"))
        await withdraw(city, ended_in_both, 1)

    await went_back(apart, before=before, since=since)
    listed = await set_aside(city)
    await goes_on(apart)
    assert ended_before in {line[2] for line in listed}
    assert {(line[4], line[-1]) for line in listed if line[2] == ended_before} == {("withdrawn", "contradictory_entry")}
    for node in (city, province):
        assert await says(node, reworded_twice) == ("published", "最后决定。"), node.host.settings.node
        # None: its content came when it had ended, and was blank by then.
        for record in (ended_since, ended_in_both):
            assert await state_of(node, record) in {"withdrawn", "None"}, node.host.settings.node
        assert await state_of(node, ended_before) in {"withdrawn", "withheld", "None"}
    async with city.database.session() as session:
        for record in (reworded_twice, ended_since):
            assert [row["rev"] for row in await session.fetch(NUMBERS, UUID(record))] == [1, 2, 3, 4]
    for record in (ended_since, ended_in_both):
        await eventually(lambda record=record: _is_answered_at_last(city, record))
    for record in (reworded_twice, ended_before):
        answer = await city.client("ingestion", MARKET).get(f"/v1/records/{record}")
        rev = int(answer.headers["etag"].strip('"'))
        await correct(city, record, reworded(city, 1 if record == reworded_twice else 3, "重新决定。"), rev=rev)
    await all_is_above(apart)
    for record in (reworded_twice, ended_before):
        assert [await says(node, record) for node in (city, province)] == [("published", "重新决定。")] * 2


async def _is_answered_at_last(city: TestNode, record: str) -> bool:
    """Whether the province has proven that it applied the last of what ended the record."""
    query = """
        select data from repair.propagation
         where record = $1 and rev = (select max(rev) from repair.propagation where record = $1)
    """
    async with city.database.session() as session:
        lines = [HolderChanged.model_validate_json(row["data"]) for row in await session.fetch(query, UUID(record))]
    return {line.holder for line in lines if line.outcome == "acknowledged" and line.proof is not None} == {"province"}


async def test_what_was_accepted_before_the_backup_and_corrected_in_the_lost_time_stands_as_corrected(apart: Chain):
    city, province = apart["city"], apart["province"]
    record = await submit(city, 1)
    await city.settled()

    async def before() -> None:
        await correct(city, record, reworded(city, 1, "先行决定。"))

    async def since() -> None:
        await submit(city, 2)

    await went_back(apart, before=before, since=since)
    assert await set_aside(city) == []
    await goes_on(apart)
    assert [await says(node, record) for node in (city, province)] == [("published", "先行决定。")] * 2


async def test_it_is_refused_when_a_reader_has_verified_what_would_be_set_aside(postgres: Postgres, tmp_path: Path):
    places = [Place(code=code, tier="province") for code in ("province", "yonder")]
    async with chained(postgres, tmp_path, *places, Place(code="city", tier="city")) as chain:
        city, province, yonder = chain["city"], chain["province"], chain["yonder"]
        await submit(city, 1)
        await city.settled()
        await database_copied(city)
        await joined(chain)
        await submit(city, 2)
        await all_is_above(chain)
        await put_back(city)
        await enrol(city, yonder, place="above")
        await enrol(yonder, city, place="below", sends_for=("city",))
        await submit(city, 3)
        await city.settled()
        await eventually(lambda: _has_all(yonder, city))
        await chain_answered(city, "yonder")
        await joined(chain)
        await eventually(lambda: is_behind(city))
        stood = await entries(city)
        for what in ("it answered", "it was taken out", "it is asked again"):
            if what == "it is asked again":
                async with city.context("exchange") as ctx:
                    await answers.reopen(await ctx.session(), "up", range(len(stood)))
            if what == "it was taken out":
                row = city.host.followed.party("yonder").model_dump(mode="json")
                done = await city.operator().post("/v1/admin/peers", json={**row, "active": False})
                assert done.is_success, done.text
                await city.settled()
            answer = await city.operator().get("/v1/admin/feeds/up/second-history")
            assert (answer.status_code, answer.json()["code"]) == (409, "feed_not_set_aside"), answer.text
            assert "yonder" in answer.json()["detail"]
            assert "yonder" in answer.json()["detail_zh"]
            head = f"{len(stood)}-0000000000000000"
            refused = await city.operator().post("/v1/admin/feeds/up/second-history", json={"head": head})
            assert (refused.status_code, refused.json()["code"]) == (409, "feed_not_set_aside"), refused.text
            async with city.database.session("exchange") as session:
                with pytest.raises(ObjectInUseError):
                    await session.execute("select exchange.set_aside_feed('up', 0, '')")
                with pytest.raises(InvalidParameterValueError):
                    await session.execute("select exchange.set_aside_feed('up', 1000000000, '')")
                for size in (0, len(stood) - 1):  # as if it had been cut there
                    with pytest.raises(ObjectInUseError):
                        await session.execute(MOVED_BEHIND.format(size=size))
        assert [each[:2] for each in await entries(city)] == [each[:2] for each in stood]
        await province.host.stop()


async def chain_answered(city: TestNode, node: str) -> None:
    query = "select count(*) from exchange.answer where node = $1 and not isempty(applied)"

    async def has_answered() -> bool:
        async with city.database.session() as session:
            return int(await session.fetchval(query, node)) > 0

    await eventually(has_answered)


async def test_wherever_it_is_ended_the_same_command_goes_on_and_does_nothing_twice(
    apart: Chain, monkeypatch: pytest.MonkeyPatch
):
    """Every commit of it is behind a process of its own, and what was under way at the end of each came to nothing."""
    city, province = apart["city"], apart["province"]
    first = await submit(city, 1)
    records = list[str]()

    async def before() -> None:
        await correct(city, first, reworded(city, 1, "先行决定。"))
        await submit(city, 2)

    async def since() -> None:
        records.extend([await submit(city, number) for number in (3, 4)])
        await correct(city, first, reworded(city, 1, "最后决定。"))

    await went_back(apart, before=before, since=since)
    monkeypatch.setattr(saying_again, "_AT_ONCE", 1)
    monkeypatch.setattr(set_aside_store, "ROWS_AT_ONCE", 1)
    waiting = saying_again.waiting
    monkeypatch.setattr(saying_again, "waiting", of_none)  # what is said again is said step by step
    await killed(city)
    head = (await what_nobody_holds(city))["head"]
    commits = 0
    while await step(city, head):
        commits += 1
        await killed(city)
    assert commits >= 7
    monkeypatch.setattr(saying_again, "waiting", waiting)
    await killed(city)
    await goes_on(apart)
    assert [await state_of(province, record) for record in records] == ["published"] * 2
    assert await says(province, first) == await says(city, first) == ("published", "最后决定。")
    async with city.database.session() as session:
        assert await session.fetchval("select count(*) from exchange.second_history") == 1


async def of_none(_: Context) -> list[str]:
    return []


async def step(city: TestNode, head: str) -> bool:
    """The next commit of what the command does, after the same was begun and rolled back; False when all is done."""
    await eventually(lambda: has_compared(city))
    for work in (
        lambda ctx: setting_aside.move(ctx, "up", head),
        lambda ctx: restoring.restore_page(ctx, "up"),
        lambda ctx: saying_again.say_again(ctx, "up"),
    ):
        before = await state(city)
        context = Context(city.host.equipment["exchange"])
        await work(context)
        await context.rollback()
        assert await state(city) == before, "what was not committed is not there"
        if await is_whole(city):
            await eventually(lambda: none_is_being_made_again(city))
        async with city.context("exchange") as ctx:
            await work(ctx)
        if await state(city) != before:
            return True
    return False


async def is_whole(city: TestNode) -> bool:
    return not await is_behind(city)


async def state(city: TestNode) -> tuple[int, int, int]:
    query = "select (select size from exchange.feed_head where feed = 'up'), (select count(*) from exchange.set_aside),"
    query += " (select count(*) from exchange.second_history)"
    async with city.database.session() as session:
        return tuple(await session.fetchrow(query))


async def killed(node: TestNode) -> None:
    """Cut every session of the node, as a process that ends leaves them, and begin another process."""
    async with node.database.session() as session:
        await session.execute(DISCONNECT)
    await node.host.stop()
    await started(node)
