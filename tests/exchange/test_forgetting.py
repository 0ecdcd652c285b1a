"""What a node's `up` forgets: the log verifies as ever, and who is enrolled later opens nothing that ended."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from creditmesh.chassis.packing import unpack
from creditmesh.chassis.vault.feeds import FeedCipher, unwrap
from creditmesh.exchange.entries import Draft, place_of, record_draft
from creditmesh.exchange.operations.comparing import compared
from creditmesh.exchange.operations.feeds import append
from creditmesh.exchange.operations.forgetting import forget_next
from creditmesh.exchange.store import forgetting
from creditmesh.schemas.events import RecordChanged, RecordPurged
from creditmesh.schemas.exchange import NEWER_VERSION, EntryLine, FeedEntry, FeedKeyBody, RecordBody, feed_origin
from tests.exchange.conftest import LINE, City, Neighbour, Signer, neighbour, row_of
from tests.exchange.test_feeds import MARKET, of_record, publish_penalty, submit_one, submitted
from tests.support.cast import ITEM, penalty, resident
from tests.support.eventually import eventually
from tests.support.node import running
from tests.support.postgres import Postgres

READ = "select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relname = 'feed_entry'"
BODIES = "select index, change, body, packed from exchange.feed_entry where feed = 'up' and record = $1 order by index"


@pytest.fixture
async def lonely(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[City]:
    """A city above which nobody stands yet."""
    above, below = (neighbour(code, tmp_path_factory.mktemp(code)) for code in ("province", "district"))
    async with running(postgres, tmp_path_factory.mktemp("city")) as node:
        yield City(node, above, below)


@pytest.fixture
async def parented(lonely: City) -> City:
    """A city with a province above it, which has not answered for anything yet."""
    await lonely.publish("party", row_of("province", lonely.above.keys, place="above", order=701))
    heard = compared(lonely.node.host.equipment["exchange"])
    await eventually(lambda: "province" in heard.known.get("up", ()))
    return lonely


async def withdraw(city: City, record: str, rev: int = 1) -> None:
    answer = await city.node.client("ingestion", MARKET).post(
        f"/v1/records/{record}/withdrawal", json={"reason": "error"}, headers={"If-Match": f'"{rev}"'}
    )
    assert answer.is_success, answer.text
    await city.node.settled()


async def correct(city: City, record: str, decision: str, rev: int = 1) -> None:
    row = penalty(decision, today=city.node.host.clock.legal_date(), CF_XDR_ZJHM=resident(20), CF_SY="未按期公示年报。")
    answer = await city.node.client("ingestion", MARKET).post(
        f"/v1/records/{record}/corrections", json={"fields": row, "reason": "error"}, headers={"If-Match": f'"{rev}"'}
    )
    assert answer.is_success, answer.text
    await city.node.settled()


async def bodies(city: City, record: str) -> list[tuple[str, bool]]:
    """The changes of a record in the feed, and whether what they say is there."""
    async with city.node.database.session() as session:
        return [
            (row["change"], any(row[name] is not None for name in ("body", "packed")))
            for row in await session.fetch(BODIES, UUID(record))
        ]


async def come_to(city: City, record: str, wanted: list[tuple[str, bool]]) -> None:
    async def there() -> bool:
        return await bodies(city, record) == wanted

    await eventually(there)


async def looked_through(city: City, *waits_for: str) -> None:
    """All of the feed was looked through, as far as these have answered."""
    async with city.node.context("exchange") as ctx:
        more: bool | None = True
        while more is not False:
            more = await forget_next(ctx, waits_for=waits_for)
            await ctx.commit()


async def enrolled_late(city: City, tmp_path: Path) -> Neighbour:
    late = neighbour("nation", tmp_path)
    await city.publish("party", row_of("nation", late.keys, place="above", order=703))

    async def open_to_it() -> bool:
        return (await city.client("nation").get("/v1/exchange/feeds")).status_code == 200

    await eventually(open_to_it)
    return late


def opened(entries: list[FeedEntry], record: str, late: Neighbour) -> list[tuple[str, str | None]]:
    """What each entry with a body says of a record's person, by the keys that were wrapped to the late node."""
    keys = {}
    for entry in entries:
        if EntryLine.model_validate_json(entry.line).type == "feed.key":
            body = FeedKeyBody.model_validate_json(entry.body or "")
            for each in body.wrapped:
                if each.node == late.code:
                    keys[body.key] = unwrap(late.keys, each, feed=feed_origin("city", "up"))
    said: list[tuple[str, str | None]] = []
    for entry in of_record(entries, record):
        if entry.body is not None:
            body = RecordBody.model_validate_json(entry.body)
            number = None
            if body.sealed is not None:
                place = place_of("city", "up", body.record, body.rev)
                cipher = FeedCipher(body.sealed.key, keys[body.sealed.key])
                number = cipher.unseal(body.sealed, place=place)["subject"]["CF_XDR_ZJHM"]
            said.append((body.change, number))
    return said


async def test_who_is_enrolled_later_opens_what_stands_and_nothing_that_ended_was_deleted_or_is_shared_no_more(
    parented: City, tmp_path: Path
):
    """Though a node that stood above before has not answered for anything of it."""
    city = parented
    [ended] = await submitted(city, "示市监罚〔2026〕1号")
    await withdraw(city, ended["record"])
    [corrected] = await submitted(city, "示市监罚〔2026〕2号")
    await correct(city, corrected["record"], "示市监罚〔2026〕2号")
    await publish_penalty(city, "fading_penalty")
    _, faded = await submit_one(city, "fading_penalty", "示市监罚〔2026〕402号")
    await publish_penalty(city, "fading_penalty", shared_upwards=False)
    [purged] = await submitted(city, "示市监罚〔2026〕3号", number=resident(24))
    await purge(city, purged["record"])
    [standing] = await submitted(city, "示市监罚〔2026〕5号", number=resident(25))
    late = await enrolled_late(city, tmp_path)
    entries, note = await city.page(by="nation")
    city.verified(entries, note)
    assert opened(entries, ended["record"], late) == [("withdrawn", None)]
    assert opened(entries, corrected["record"], late) == [("corrected", resident(20))]
    assert opened(entries, faded, late) == []
    assert opened(entries, purged["record"], late) == []
    assert opened(entries, standing["record"], late) == [("accepted", resident(25))]
    assert '"fields":{}' in next(each.body or "" for each in of_record(entries, ended["record"]) if each.body)


async def purge(city: City, record: str) -> None:
    async with city.node.context("ingestion") as ctx:
        session = await ctx.session()
        query = "select subject from ingestion.revision where record = :record limit 1"
        [row] = await session.fetch(query, {"record": UUID(record)})
        ctx.emit(RecordPurged(subject=row.subject, record=UUID(record), item=ITEM))
        await ctx.commit()
    await city.node.settled()


async def test_what_was_replaced_stays_until_every_node_above_has_answered_for_it(parented: City):
    city, signed = parented, Signer(parented)
    await city.publish("party", row_of("other", city.below.keys, place="above", order=704))
    [ended] = await submitted(city, "示市监罚〔2026〕11号")
    [standing] = await submitted(city, "示市监罚〔2026〕12号")
    await withdraw(city, ended["record"])
    await looked_through(city, "province", "other")
    assert await bodies(city, ended["record"]) == [("accepted", True), ("withdrawn", True)]
    assert (await signed.hand_in(await signed.make())).is_success
    await looked_through(city, "province", "other")
    assert await bodies(city, ended["record"]) == [("accepted", True), ("withdrawn", True)]
    await city.publish("party", row_of("other", city.below.keys, place="above", order=704, active=False))
    await looked_through(city, "province", "other")
    assert await bodies(city, ended["record"]) == [("accepted", True), ("withdrawn", True)], "it may come back"
    async with city.node.context("exchange") as ctx:  # as the other answers
        await (await ctx.session()).execute(
            "insert into exchange.answer (feed, node, span, applied, refused)"
            " select feed, 'other', span, applied, refused from exchange.answer where node = 'province'",
            {},
        )
        await ctx.commit()
    await come_to(city, ended["record"], [("accepted", False), ("withdrawn", True)])
    assert await bodies(city, standing["record"]) == [("accepted", True)]


async def test_where_nobody_stands_above_it_goes_at_once(lonely: City):
    [ended] = await submitted(lonely, "示市监罚〔2026〕21号")
    await withdraw(lonely, ended["record"])
    await come_to(lonely, ended["record"], [("accepted", False), ("withdrawn", True)])


async def test_what_is_deleted_or_shared_no_more_goes_whoever_has_answered(parented: City):
    city = parented
    await publish_penalty(city, "fading_penalty")
    _, faded = await submit_one(city, "fading_penalty", "示市监罚〔2026〕412号")
    [purged] = await submitted(city, "示市监罚〔2026〕31号")
    await purge(city, purged["record"])
    await come_to(city, purged["record"], [("accepted", False)])
    assert await bodies(city, faded) == [("accepted", True)]
    await publish_penalty(city, "fading_penalty", shared_upwards=False)
    await come_to(city, faded, [("accepted", False)])


RULES: dict[tuple[str, ...], list[bool]] = {
    ("accepted", "marked"): [True, True],
    ("accepted", "marked", "corrected"): [False, False, True],
    ("accepted", "discharged"): [True, True],
    ("accepted", "discharged", "corrected"): [True, True, True],
    ("accepted", "corrected", "discharged"): [False, True, True],
    ("accepted", "discharged", "corrected", "withdrawn"): [False, False, False, False],
    ("accepted", "withdrawn", "reopened"): [False, False, True],
    ("accepted", "withheld"): [False, False],
    ("accepted", "waits", "corrected"): [False, False, True],
    ("accepted", "waits", "withdrawn"): [False, False, False],
}
"""What an older version wrote, whole in every entry: which bodies stay."""


@pytest.mark.parametrize("changes", RULES, ids="-".join)
async def test_marks_and_discharges_replace_nothing_and_say_who_was_discharged_until_the_end(
    lonely: City, changes: tuple[str, ...]
):
    record = uuid4()
    drafts = [
        Draft(line=LINE, salt=b"x", body='{"fields":{"a":1}}', record=record, rev=rev, change=change)
        for rev, change in enumerate(changes, start=1)
    ]
    async with lonely.node.context("exchange") as ctx:
        await append(ctx, "up", drafts)
        await ctx.commit()
    await looked_through(lonely)
    assert [there for _, there in await bodies(lonely, str(record))] == RULES[changes]


def of_one_each(count: int) -> list[Draft]:
    """Entries of so many records."""
    return [
        Draft(line=LINE, salt=b"x", body='{"fields":{"a":1}}', record=uuid4(), rev=1, change="accepted")
        for _ in range(count)
    ]


async def test_of_a_feed_that_grew_since_the_plan_was_made_each_look_reads_what_it_looks_through(lonely: City):
    """Of its few entries and what was said of their records: not the feed, and not once for each of them."""
    async with lonely.node.context("exchange") as ctx:
        session = await ctx.session()
        await append(ctx, "up", of_one_each(1))
        await forgetting.replaced(session, "up", first=0, until=1)
        await append(ctx, "up", of_one_each(600))
        before = await session.value(READ, {})
        await forgetting.replaced(session, "up", first=581, until=601)
        assert await session.value(READ, {}) - before < 200


async def test_after_what_was_left_the_forgetter_rests_however_fast_the_feed_grows(lonely: City):
    async with lonely.node.context("exchange") as ctx:
        more: bool | None = True
        while more is not False:
            more = await forget_next(ctx, waits_for=())
        await append(ctx, "up", of_one_each(3))
        assert await forget_next(ctx, waits_for=()) is False
        assert await forgetting.looked_through(await ctx.session(), "up") == 3


async def test_content_behind_which_something_only_waited_stays_for_who_comes_later(lonely: City):
    """A mark that had waited shows it again, and does not say it again."""
    [said] = await submitted(lonely, "示市监罚〔2026〕77号")
    async with lonely.node.database.session() as session:
        [row] = await session.fetch("select data from ingestion.revision where record = $1", UUID(said["record"]))
    shown = RecordChanged.model_validate_json(unpack(row["data"]))
    waits = {"rev": 2, "change": "withheld", "state": "withheld", "reason": NEWER_VERSION}
    events = [shown.model_copy(update=each) for each in (waits, {"rev": 2, "change": "marked", "mark": "disputed"})]
    async with lonely.node.context("exchange") as ctx:
        await append(ctx, "up", [record_draft(each, at=ctx.instant, sealed=None) for each in events])
        await ctx.commit()
    await looked_through(lonely)
    assert (await bodies(lonely, said["record"]))[0] == ("accepted", True)
