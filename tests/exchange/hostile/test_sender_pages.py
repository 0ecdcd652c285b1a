"""What a hostile or newer sender writes into its own feed: of every entry something becomes, and no other suffers."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import orjson
import pytest

from creditmesh.chassis.packing import unpack
from creditmesh.exchange import chunks
from creditmesh.exchange.operations import answering, telling
from creditmesh.exchange.store import pages as stored
from creditmesh.schemas.events import EntriesJudged, PageReceived
from creditmesh.schemas.exchange import FeedEntry
from creditmesh.schemas.pages import extended
from creditmesh.schemas.tlog import Range
from tests.exchange.conftest import City
from tests.exchange.sender import Puller, answered, pulling_from_a_sender

JUDGED = "select data from bus.event where type = 'entries.judged' and key = $1 order by id"
KEPT = "select data from exchange.received_page where key = $1 and not keys order by first"


@pytest.fixture
async def pulls(city: City, tmp_path: Path) -> AsyncIterator[Puller]:
    async with pulling_from_a_sender(city, tmp_path / "keys") as made:
        yield made


async def kept(pulls: Puller) -> list[PageReceived]:
    async with pulls.city.node.database.session() as session:
        rows = await session.fetch(KEPT, f"{pulls.sender.who.code}/up")
    return [PageReceived.model_validate_json(unpack(row["data"])) for row in rows]


async def judged(pulls: Puller) -> tuple[list[int], list[tuple[int, str]]]:
    """The entries that were judged, in the order in which that was told, and which were refused with which codes."""
    await pulls.city.node.settled()
    async with pulls.city.node.database.session() as session:
        rows = await session.fetch(JUDGED, f"{pulls.sender.who.code}/up")
    told = [EntriesJudged.model_validate_json(row["data"]) for row in rows]
    places = [index for each in told for index in range(each.first, each.until)]
    return places, [(refused.index, refused.code) for each in told for refused in each.refused]


def nested(depth: int) -> str:
    return '{"x":' + "[" * depth + "]" * depth + "}"


async def test_every_entry_is_judged_once_whatever_it_is_and_the_feed_goes_on(pulls: Puller):
    record = str(uuid4())
    of_record = {"type": "record", "record": record, "change": "accepted", "origin": "city"}
    pulls.sender.add()  # a catalogue has no business here
    pulls.sender.add(type="erased", record=record, rev="whatever a newer version puts here")
    pulls.sender.add(**of_record, rev=1)
    pulls.sender.add(**of_record | {"change": "annulled"}, rev=2)
    pulls.sender.add(type="record")
    pulls.sender.add(**of_record, rev=10**11)
    pulls.sender.add(v=2)
    pulls.sender.add(type="<script>")
    pulls.sender.add(type=7)
    pulls.sender.add(type="feed.key")
    pulls.sender.add(**of_record, rev=3)
    await pulls.step()
    assert (await pulls.copy()).alarm is None
    places, refused = await judged(pulls)
    assert places == list(range(11)), "each once, and none is missing"
    codes = dict(refused)
    newer = dict.fromkeys((1, 2, 3, 6, 10), "newer_version")
    assert codes == dict.fromkeys(range(11), "unreadable_entry") | newer
    assert len(refused) == len(codes)


async def test_a_page_without_records_is_judged_as_well(pulls: Puller):
    pulls.sender.add(3, type="feed.key")
    await pulls.step()
    pulls.sender.add(2, type="erased")
    await pulls.step()
    places, _ = await judged(pulls)
    assert places == [0, 1, 2, 3, 4]


async def test_what_stands_between_or_in_the_lines_says_nothing_that_was_not_verified(pulls: Puller):
    pulls.sender.add(2)
    first, second = (orjson.dumps(entry) for entry in pulls.sender.entries)
    end = orjson.dumps({"checkpoint": pulls.sender.note(pulls.sender.entries)})
    other = b'],"peer":"city","entries":[' + second
    beside = b'{"index":9}],"anew":true,"entries":[' + first
    whole = ((first + other, end), (first + b",", second, end), (first, b"", second, end), (b"[]", second, end))
    for lines in (*whole, (beside, second, end)):
        pulls.sender.instead = lambda _, lines=lines: answered(b"\n".join(lines) + b"\n")
        await pulls.step()
        assert (await pulls.copy()).alarm in {"malformed at index 0", "malformed at index 1"}
        assert await kept(pulls) == []
        await pulls.city.node.operator().post(f"/v1/admin/feeds/{pulls.sender.who.code}/up/resume")
    # One that is read by nobody, and hides the first entry from a reader that takes the first of two members.
    hidden = b'{"index":9}],"entries":[' + first
    pulls.sender.instead = lambda _: answered(b"\n".join((hidden, second, end)) + b"\n")
    await pulls.step()
    pages = await kept(pulls)
    assert [entry.line for page in pages for entry in page.entries] == [each["line"] for each in pulls.sender.entries]


@pytest.mark.parametrize("depth", [50, 190, 197, 198, 199, 200, 250, 5000])
async def test_a_line_is_nested_as_deep_as_it_likes(pulls: Puller, depth: int):
    pulls.sender.add()
    entry = orjson.dumps(pulls.sender.entries[0])
    line = b'%b,"more":%b}' % (entry[:-1], nested(depth).encode())
    end = orjson.dumps({"checkpoint": pulls.sender.note(pulls.sender.entries)})
    pulls.sender.instead = lambda _: answered(line + b"\n" + end + b"\n")
    await pulls.step()
    pulls.sender.instead = None
    stopped = (await pulls.copy()).alarm
    assert [page.received[0].type for page in await kept(pulls)] == ([] if stopped else ["catalogue"])
    assert stopped in {None, "malformed at index 0"}
    await judged(pulls)
    async with pulls.city.node.database.session() as session:
        assert await session.fetchval("select count(*) from ingestion.dead_letter") == 0


async def test_a_page_is_kept_and_told_in_chunks_that_are_its_lines(pulls: Puller):
    pulls.sender.add(20, text="字" * 5000)
    pulls.sender.add(1, text="大" * 100_000)
    pulls.sender.add(1200)
    await pulls.step()
    pages = await kept(pulls)
    assert [page.first for page in pages] == [0, *(page.until for page in pages[:-1])]
    entries = [FeedEntry.model_validate_json(orjson.dumps(each)) for each in pulls.sender.entries]
    assert [entry for page in pages for entry in page.entries] == entries
    sizes = [sum(len(orjson.dumps(each)) for each in pulls.sender.entries[p.first : p.until]) for p in pages]
    assert all(
        page.until - page.first == 1 or (size <= chunks.MOST_BYTES and page.until - page.first <= chunks.MOST_ENTRIES)
        for page, size in zip(pages, sizes, strict=True)
    )
    assert len(pages) < 20
    assert (await judged(pulls))[0] == list(range(1221))


async def test_of_what_is_refused_the_bodies_go_and_the_log_still_verifies(pulls: Puller):
    pulls.sender.add(3, type="feed.key", text="\0 \U0001f600 \u2028")
    pulls.sender.add(600, type="feed.key")
    await pulls.step()
    await judged(pulls)  # all are refused by now
    pages = await kept(pulls)
    assert [entry.index for page in pages for entry in page.entries if entry.body or entry.salt] == []
    grown, _ = extended(Range.empty(), [entry for page in pages for entry in page.entries])
    assert grown == (await pulls.copy()).range


async def test_only_what_was_refused_goes(city: City):
    lines = [
        orjson.dumps({"index": n, "line": "{}", "salt": "c2FsdA==", "body": f"body {n}"}) for n in range(100, 1300)
    ]
    async with city.node.context("exchange") as ctx:
        session = await ctx.session()
        await stored.write(
            session, [telling._row(ctx, each) for each in chunks.chunks_of("far", "up", first=100, lines=lines)]
        )
        await answering.forget(session, [("far", "up", index) for index in (100, 599, 600, 1299)])
        await answering.forget(session, [("far", "up", 7), ("near", "up", 101)])
        rows = await session.fetch("select data from exchange.received_page where peer = 'far' order by first")
    entries = [entry for row in rows for entry in PageReceived.model_validate_json(unpack(row.data)).entries]
    assert [entry.index for entry in entries if entry.body is None] == [100, 599, 600, 1299]
    assert all(entry.body == f"body {entry.index}" for entry in entries if entry.body is not None)
    assert [entry.index for entry in entries] == list(range(100, 1300))


async def test_an_acknowledgement_that_cannot_be_read_concerns_no_other(city: City):
    bodies = ["{", '{"by":"nation"}', '{"by":"nation","at":"9999-12-31T23:59:59-12:00","entries":[]}', None]
    line = '{"v":1,"type":"acknowledged","at":"2026-11-27T00:00:00Z","commitment":"' + "0" * 64 + '"}'
    lines = [orjson.dumps({"index": n, "line": line, "body": body}) for n, body in enumerate(bodies)]
    async with city.node.context("exchange") as ctx:
        [chunk] = chunks.chunks_of("province", "down-city", first=0, lines=lines)
        row = telling._row(ctx, chunk)
        ctx.emit_row(row.id, part=row.part)
        await stored.write(await ctx.session(), [row])
    await city.node.settled()
    assert city.node.host.readers.consumers["exchange"].alarms == {}
    async with city.node.database.session() as session:
        assert await session.fetchval("select count(*) from exchange.dead_letter") == 0


async def test_what_nobody_signed_is_not_kept(pulls: Puller):
    pulls.sender.add(3)
    pulls.sender.spoil = lambda lines: [{**line, "hidden": "甲" * 100_000} for line in lines]
    await pulls.step()
    assert (await pulls.copy()).range.size == 3
    async with pulls.city.node.database.session() as session:
        rows = await session.fetch("select data from exchange.received_page where peer = $1", pulls.sender.who.code)
    assert rows
    for row in rows:
        assert b"hidden" not in unpack(row["data"])
        assert "甲".encode() not in unpack(row["data"])
    kept = [entry for row in rows for entry in PageReceived.model_validate_json(unpack(row["data"])).entries]
    # They are no records: when they have been refused their bodies go.
    assert [(entry.index, entry.line) for entry in kept] == [
        (each["index"], each["line"]) for each in pulls.sender.entries
    ]


async def test_a_line_has_a_most_for_it_stays_where_a_body_is_taken_out(pulls: Puller):
    pulls.sender.add(2)
    pulls.sender.add(1, more="x" * 5000)
    await pulls.step()
    copy = await pulls.copy()
    assert (copy.alarm, copy.range.size) == ("too_large at index 2", 0)
