"""How a feed forgets: in turns that cost what they look at, hold no feed's head, and follow the law of today."""

import copy
import random
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from prometheus_client import REGISTRY

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Transient
from creditmesh.exchange import forgetter
from creditmesh.exchange.entries import Draft
from creditmesh.exchange.operations import answering, forgetting, sealing
from creditmesh.exchange.operations.comparing import compared
from creditmesh.exchange.operations.feeds import append
from creditmesh.exchange.operations.forgetting import forget_next, forget_purged
from creditmesh.exchange.store import feeds, lost, pages, waiting
from creditmesh.exchange.store import forgetting as store
from creditmesh.exchange.store.lost import LostEntry
from creditmesh.exchange.store.revisions import BESIDE, HIDING
from creditmesh.schemas.events import EntriesJudged, RecordPurged
from creditmesh.schemas.exchange import NOT_JUDGED, EntryRefusal
from tests.exchange.conftest import LINE, City, appended, neighbour, row_of
from tests.exchange.sender import Puller
from tests.exchange.test_feeds import publish_penalty, submit_one, submitted
from tests.exchange.test_forgetting import (  # noqa: F401 - fixtures
    bodies,
    come_to,
    lonely,
    looked_through,
    parented,
    withdraw,
)
from tests.exchange.test_pulling import puller  # noqa: F401 - a fixture
from tests.support.eventually import eventually
from tests.support.node import TestNode

FIRST, OTHERS, REVISIONS = 1_000_000, 30_000, 20_000
FILL = """
insert into exchange.feed_entry (feed, index, line, salt, body, record, rev, change)
select 'up', $1 + i, '{}', 'x', '{"fields":{"a":1}}', md5((i / 3)::text)::uuid, i % 3 + 1, 'corrected'
  from generate_series(0, $2 - 1) i
"""
CORRECT = """
insert into exchange.feed_entry (feed, index, line, salt, body, record, rev, change)
select 'up', $1 + i, '{}', 'x', '{"fields":{"a":1}}', $2, i + 1, (cast($4 as text[]))[1 + i % cardinality($4)]
  from generate_series(0, $3 - 1) i
"""
FILL_OF = """
insert into exchange.feed_entry (feed, index, line, record, rev, change)
select 'up', :first + i, '{}', :record, i + 1, 'marked' from generate_series(0, cast(:count as bigint) - 1) i
"""
READ = """
select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relid = 'exchange.feed_entry'::regclass
"""


@pytest.mark.parametrize(
    "changes",
    [["corrected"], ["corrected", "discharged"], ["corrected"] * 998 + ["withdrawn", "reopened"]],
    ids=["corrections", "discharges", "ends"],
)
async def test_a_turn_costs_what_it_looks_at_however_often_a_record_was_corrected(lonely: City, changes: list[str]):  # noqa: F811
    record, place = uuid4(), FIRST + OTHERS
    async with lonely.node.database.session() as session:
        await session.execute(FILL, FIRST, OTHERS)
        await session.execute(CORRECT, place, record, REVISIONS, changes)
        await session.execute("analyze exchange.feed_entry")
    first = place + REVISIONS // 2
    async with lonely.node.context("exchange") as ctx:
        session = await ctx.session()
        before = await session.value(READ)
        await store.replaced(session, "up", first=first, until=first + store.ENTRIES_AT_ONCE)
        read = await session.value(READ) - before
    assert read < 3 * REVISIONS, "the record is read once, not once for each of its entries"
    gone = [there for _, there in await bodies(lonely, str(record))].count(False)
    assert gone >= (0 if "discharged" in changes else 500)


def stay(said: list[tuple[int, str]]) -> list[bool]:
    """Of each entry of a record (number, change), whether what it says stays, by the rule as it is written."""
    there = []
    for rev, change in said:
        later = [each for each in said if each[0] > rev]
        replaced = min((r for r, c in later if c not in BESIDE), default=None)
        discharged = min((r for r, c in later if c == "discharged"), default=None)
        ended = any(c in HIDING for _, c in later)
        if change in HIDING:
            there.append(False)
        elif change == "discharged":
            there.append(not ended)
        elif change in BESIDE:
            there.append(replaced is None)
        else:
            kept_for_it = not ended and discharged is not None and replaced is not None and discharged <= replaced
            there.append(replaced is None or kept_for_it)
    return there


async def test_whatever_turns_it_is_looked_through_in_the_same_goes(lonely: City, monkeypatch: pytest.MonkeyPatch):  # noqa: F811
    chosen = random.Random(19)
    changes = ["corrected", "corrected", "marked", "discharged", "withheld", "withdrawn", "reopened", "repaired"]
    said: dict[UUID, list[tuple[int, str]]] = {uuid4(): [(1, "accepted")] for _ in range(60)}
    drafts = []
    for record, [first] in said.items():
        drafts.append((record, *first))
    for _ in range(400):
        record = chosen.choice(list(said))
        rev, change = said[record][-1]
        again = change == "withheld" and chosen.random() < 0.5  # its number may come once more, with its content
        said[record].append((rev, "corrected") if again else (rev + 1, chosen.choice(changes)))
        drafts.append((record, *said[record][-1]))
    body = '{"fields":{"a":1}}'
    made = [Draft(line=LINE, salt=b"x", body=body, record=record, rev=rev, change=c) for record, rev, c in drafts]
    monkeypatch.setattr(forgetting, "ENTRIES_AT_ONCE", 7)
    async with lonely.node.context("exchange") as ctx:
        await append(ctx, "up", made)
    await looked_through(lonely)
    for record, entries in said.items():
        assert [there for _, there in await bodies(lonely, str(record))] == stay(entries), entries


async def test_a_process_that_has_not_followed_the_catalogue_forgets_nothing(parented: City):  # noqa: F811
    city = parented
    await publish_penalty(city, "fading_penalty", shared_upwards=False)
    equipment = city.node.host.equipment["exchange"]
    before: Any = copy.deepcopy(equipment.followed)
    before.answers = lru_cache(maxsize=512)(before._answer)
    await publish_penalty(city, "fading_penalty", shared_upwards=True)
    _, record = await submit_one(city, "fading_penalty", "示市监罚〔2026〕402号")
    for _ in range(8):
        ctx = Context(replace(equipment, followed=before))
        try:
            with pytest.raises(Transient):
                await forget_next(ctx, waits_for=["province"])
            with pytest.raises(Transient):
                await ctx.assert_followed()
            await ctx.commit()
        finally:
            await ctx.rollback()
    await looked_through(city, "province")
    assert await bodies(city, record) == [("accepted", True)]


async def test_an_item_is_narrowed_again_after_it_was_shared_once_more(parented: City):  # noqa: F811
    city = parented
    await publish_penalty(city, "fading_penalty")
    _, first = await submit_one(city, "fading_penalty", "示市监罚〔2026〕412号")
    await publish_penalty(city, "fading_penalty", shared_upwards=False)
    await come_to(city, first, [("accepted", False)])
    await publish_penalty(city, "fading_penalty", name="Penalty that is shared again")
    _, second = await submit_one(city, "fading_penalty", "示市监罚〔2026〕413号")
    await looked_through(city, "province")
    assert await bodies(city, second) == [("accepted", True)]
    await publish_penalty(city, "fading_penalty", name="Penalty that is not", shared_upwards=False)
    await come_to(city, second, [("accepted", False)])


async def test_where_nothing_is_to_be_forgotten_nothing_is_locked(parented: City):  # noqa: F811
    await submitted(parented, "示市监罚〔2026〕1号")
    await looked_through(parented)
    async with parented.node.context("exchange") as ctx:
        assert await forget_next(ctx, waits_for=()) is False
        assert await (await ctx.session()).value("select pg_current_xact_id_if_assigned() is null")


async def test_who_comes_later_gets_the_keys_when_nothing_is_left_and_the_head_is_held_for_the_append_alone(
    parented: City,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    city = parented
    [ended] = await submitted(city, "示市监罚〔2026〕1号")
    await withdraw(city, ended["record"])
    turns = 0

    async def in_turns(ctx: Context, **waits: Any) -> bool | None:
        nonlocal turns
        turns += 1
        return True if turns < 5 else await forget_next(ctx, **waits)

    monkeypatch.setattr(forgetter, "forget_next", in_turns)
    late = neighbour("nation", tmp_path)
    answers = []

    async def open_to_it() -> bool:
        answers.append(((await city.client("nation").get("/v1/exchange/feeds")).status_code, turns))
        return answers[-1][0] == 200

    await city.publish("party", row_of("nation", late.keys, place="above", order=703))
    await eventually(open_to_it)
    assert all(status == 503 for status, turn in answers if turn < 5)
    assert await bodies(city, ended["record"]) == [("accepted", False), ("withdrawn", True)]


async def test_the_keys_are_put_into_the_feed_without_any_forgetting_under_its_head(
    parented: City,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    city = parented
    [ended] = await submitted(city, "示市监罚〔2026〕1号")
    await withdraw(city, ended["record"])

    async def nothing(_: Context, **__: Any) -> None:
        return None

    monkeypatch.setattr(forgetter, "forget_next", nothing)
    await city.publish("party", row_of("nation", neighbour("nation", tmp_path).keys, place="above", order=703))
    heard = compared(city.node.host.equipment["exchange"])
    await eventually(lambda: "nation" in heard.known.get("up", ()))
    async with city.node.context("exchange") as ctx:
        await sealing.open_to_readers(ctx, "up")
    assert await bodies(city, ended["record"]) == [("accepted", True), ("withdrawn", True)]


async def lost_content(city: City) -> tuple[UUID, int]:
    """Content of an item that is shared no more, as it was fetched back: its record and its place."""
    await publish_penalty(city, "fading_penalty", shared_upwards=False)
    record = uuid4()
    content = Draft(
        line=LINE,
        salt=b"x",
        body='{"fields":{"a":1}}',
        record=record,
        rev=1,
        change="accepted",
        item="fading_penalty",
    )
    async with city.node.context("exchange") as ctx:
        index = await appended(ctx, [content])
        await lost.add(await ctx.session(), [LostEntry("up", index, record, 1, "accepted", "fading_penalty")])
    await looked_through(city)
    assert await bodies(city, str(record)) == [("accepted", True)], "it is being made again"
    return record, index


async def test_what_was_fetched_back_is_forgotten_when_it_is_refused(lonely: City):  # noqa: F811
    record, index = await lost_content(lonely)
    async with lonely.node.context("exchange") as ctx:
        await lost.refuse(await ctx.session(), "up", [(index, "too_long")])
    await come_to(lonely, str(record), [("accepted", False)])


async def test_what_was_fetched_back_is_forgotten_when_an_operator_dismisses_it(lonely: City):  # noqa: F811
    record, index = await lost_content(lonely)
    async with lonely.node.context("exchange") as ctx:
        assert await lost.dismiss(await ctx.session(), "up", index)
        assert not await lost.dismiss(await ctx.session(), "up", index)
    await come_to(lonely, str(record), [("accepted", False)])


async def test_what_came_back_is_forgotten_and_the_feed_is_not_looked_through_again(lonely: City):  # noqa: F811
    record = uuid4()
    said = [Draft(line=LINE, salt=b"x", body='{"a":1}', record=record, rev=r, change="corrected") for r in (1, 2)]
    async with lonely.node.context("exchange") as ctx:
        index = await appended(ctx, said)
        await lost.add(await ctx.session(), [LostEntry("up", index, record, 1, "corrected", why="copy")])
    await looked_through(lonely)
    assert await bodies(lonely, str(record)) == [("corrected", True)] * 2
    async with lonely.node.context("exchange") as ctx:
        session = await ctx.session()
        until = await store.looked_through(session, "up")
        await lost.found(session, "up", [lost.FoundRevision(index, uuid4(), "item", "party")])
        assert await store.looked_through(session, "up") == until
    await come_to(lonely, str(record), [("corrected", False), ("corrected", True)])


@pytest.mark.parametrize(("size", "turns"), [(4, 1), (store.MOST_OF_RECORDS // 2, 2)])
async def test_records_are_looked_at_again_so_many_at_once_as_are_not_too_large(lonely: City, size: int, turns: int):  # noqa: F811
    records = [uuid4() for _ in range(4)]
    async with lonely.node.context("exchange") as ctx:
        session = await ctx.session()
        for place, record in enumerate(records):
            values = {"first": FIRST + place * size, "count": size, "record": record}
            await session.execute(FILL_OF, values)
            await session.execute("insert into exchange.to_forget (record) values (:record)", {"record": record})
        taken = []
        while asked := await store.asked(session):
            taken.append([each.record for each in asked])
            await store.settled(session, [each.number for each in asked])
        await ctx.rollback()
    assert taken == [records[first : first + 4 // turns] for first in range(0, 4, 4 // turns)]


async def kept(node: TestNode, peer: str, size: int) -> list[bool]:
    """Of the first entries of a copy, whether their bodies are kept."""
    async with node.context("exchange") as ctx:
        found = await pages.at(await ctx.session(), peer, "up", range(size))
    return [found[index].body is not None for index in sorted(found)]


async def test_what_is_deleted_goes_out_of_copies_too_and_who_says_so_waits_for_no_copy(puller: Puller):  # noqa: F811
    """Of a number that stands twice both go; and in more turns than one."""
    record, peer = uuid4(), puller.sender.who.code
    for rev in (1, 2, 2, *range(3, 3 + store.RECORDS_AT_ONCE)):
        puller.sender.add_with(
            "{}", type="record", origin=peer, record=str(record), rev=rev, change="corrected" if rev > 1 else "accepted"
        )
    count = len(puller.sender.entries)

    async def here() -> bool:
        await puller.step()
        return (await puller.copy()).range.size == count

    await eventually(here)
    async with puller.city.node.context("exchange") as holder, puller.city.node.context("exchange") as ctx:
        await waiting.hold(await holder.session(), peer, "up")
        await feeds.hold(await holder.session(), "up")
        await forget_purged(ctx, [RecordPurged(subject=uuid4(), record=record, item="penalty")])
        await ctx.commit()

        async def all_gone() -> bool:
            return await kept(puller.city.node, peer, count) == [False] * count

        await eventually(all_gone)

    async def settled() -> bool:
        async with puller.city.node.database.session() as session:
            return await session.fetchval("select count(*) from exchange.to_forget") == 0

    await eventually(settled)


async def test_a_record_of_many_revisions_that_is_deleted_goes_in_turns(lonely: City):  # noqa: F811
    record = uuid4()
    async with lonely.node.context("exchange") as ctx:
        said = [
            Draft(line=LINE, salt=b"x", body='{"fields":{"a":1}}', record=record, rev=rev, change="marked")
            for rev in range(1, 2502)
        ]
        await append(ctx, "up", said)
        await forget_purged(ctx, [RecordPurged(subject=uuid4(), record=record, item="penalty")])
    await come_to(lonely, str(record), [("marked", False)] * 2501)


async def test_who_was_taken_out_and_keeps_what_was_replaced_is_named(parented: City):  # noqa: F811
    city, stopped = parented, parented.node.host.equipment["exchange"].stopped
    [ended] = await submitted(city, "示市监罚〔2026〕1号")
    await withdraw(city, ended["record"])
    assert "forgetting up" not in stopped
    row = row_of("province", city.above.keys, place="above", order=701)
    await city.publish("party", row | {"active": False})
    await eventually(lambda: "province" in stopped.get("forgetting up", ""))
    assert await bodies(city, ended["record"]) == [("accepted", True), ("withdrawn", True)]
    await city.publish("party", row, again=True)
    await eventually(lambda: "forgetting up" not in stopped)


async def test_where_forgetting_stands_still_it_is_said_how_much_is_left(lonely: City):  # noqa: F811
    left = partial(REGISTRY.get_sample_value, "creditmesh_feed_unforgotten_entries", {"feed": "up"})
    [ended] = await submitted(lonely, "示市监罚〔2026〕1号")
    await eventually(lambda: left() == 0)
    async with lonely.node.database.session() as session, session.transaction():
        await session.execute("select from exchange.feed_entry where body is not null for update")
        await withdraw(lonely, ended["record"])
        await eventually(lambda: (left() or 0) > 0)
    await eventually(lambda: left() == 0)


async def test_who_says_that_an_entry_could_not_be_judged_waits_for_no_copy(puller: Puller):  # noqa: F811
    """For it may hold the head of `up`: of what could not be judged it is seen to in a turn of its own."""
    record, peer, node = str(uuid4()), puller.sender.who.code, puller.city.node
    puller.sender.add_with("{}", type="record", origin=peer, record=record, rev=1, change="accepted")
    await puller.step()
    await node.settled()
    code = EntryRefusal(index=0, code=NOT_JUDGED)
    said = EntriesJudged(peer=peer, feed="up", first=0, until=1, refused=(code,))
    async with node.context("exchange") as holder, node.context("exchange") as ctx:
        await waiting.hold(await holder.session(), peer, "up")
        await feeds.hold(await ctx.session(), "up")
        await answering._note_refused(await ctx.session(), [said])
        await ctx.commit()
        assert (await puller.copy()).waiting == 0

    async def waits() -> bool:
        return (await puller.copy()).waiting == 1

    await eventually(waits)
