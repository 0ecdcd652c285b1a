"""Feeds as they grow: signed heads in reach of each other, pages of bounded bytes, and proofs out of tiles."""

import asyncio
import random

import orjson
import pytest

from creditmesh.exchange.entries import Draft, key_draft
from creditmesh.exchange.operations.feeds import append
from creditmesh.exchange.store import feeds, tiles
from creditmesh.schemas.exchange import commitment
from creditmesh.schemas.tlog import (
    Range,
    consistency_plan,
    fold,
    inclusion_plan,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from tests.exchange.conftest import NOW, City

FEED = "down-district"
MIB = 1024 * 1024


def drafts(count: int, *, size: int = 0) -> list[Draft]:
    made = [key_draft(key=f"k{number}" + "x" * size, alg="a", wrapped=[], at=NOW) for number in range(min(count, 50))]
    return [made[number % len(made)] for number in range(count)]


async def appended(city: City, count: int, *, size: int = 0) -> int:
    async with city.node.context("exchange") as ctx:
        place = (await feeds.head(await ctx.session(), FEED)).size
        await append(ctx, FEED, drafts(count, size=size))
    return place


async def heads(city: City, after: int) -> list[int]:
    question = "select size from exchange.feed_checkpoint where feed = $1 and size > $2 order by size"
    async with city.node.database.session() as session:
        return [row["size"] for row in await session.fetch(question, FEED, after)]


async def weight(city: City, after: int, until: int) -> int:
    question = (
        "select sum(octet_length(line) + coalesce(weight, octet_length(body))) from exchange.feed_entry"
        " where feed = $1 and index >= $2 and index < $3"
    )
    async with city.node.database.session() as session:
        return await session.fetchval(question, FEED, after, until)


async def whole(city: City) -> Range:
    """The feed pulled from its beginning, page by page."""
    at = Range.empty()
    while True:
        answer = await city.client("district").get(f"/v1/exchange/feeds/{FEED}/entries", params={"after": at.size})
        if not answer.content:
            return at
        entries, note = await city.page(FEED, by="district", after=at.size)
        at = city.verified(entries, note, feed=FEED, before=at).after


async def test_no_two_heads_are_further_apart_than_a_thousand_entries(city: City):
    first = await appended(city, 2300)
    assert await heads(city, first) == [first + 1000, first + 2000, first + 2300]


async def test_no_two_heads_are_further_apart_than_half_a_mebibyte(city: City):
    first = await appended(city, 9, size=200_000)
    assert await heads(city, first) == [first + 2, first + 4, first + 6, first + 8, first + 9]
    first = await appended(city, 3, size=MIB)
    assert await heads(city, first) == [first + 1, first + 2, first + 3]


@pytest.mark.parametrize("limit", [1000, 5000])
async def test_a_page_has_a_mebibyte_at_most_however_many_entries_are_asked_for(city: City, limit: int):
    first = await appended(city, 400, size=20_000)
    after = first
    while after < first + 400:
        entries, note = await city.page(FEED, by="district", after=after, limit=limit)
        assert sum(len(entry.line) + len(entry.body) for entry in entries) <= MIB
        assert f"\n{entries[-1].index + 1}\n" in note
        after += len(entries)
    assert after == first + 400


async def test_what_was_appended_in_larger_steps_is_sent_in_pieces_and_fits(city: City):
    first = await appended(city, 200, size=20_000)
    async with city.node.database.session() as session:
        gone = "delete from exchange.feed_checkpoint where feed = $1 and size > $2 and size < $3"
        await session.execute(gone, FEED, first, first + 200)
    sent: list[int] = []

    async def send(message: dict) -> None:
        sent.append(len(message.get("body", b"")))

    await called(city, f"/v1/exchange/feeds/{FEED}/entries", f"after={first}", send)
    assert len([size for size in sent if size]) > 4
    assert max(sent) < 1.5 * MIB
    entries, _ = await city.page(FEED, by="district", after=first)
    assert len(entries) == 200
    before = await whole(city)
    assert before.size == first + 200


async def called(city: City, path: str, query: str, send) -> None:
    """Call the service's application as a server does: what it sends is seen message by message."""
    client = city.client("district")
    headers = [(name.encode(), value.encode()) for name, value in client.headers.items()]
    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": query.encode(),
        "headers": headers, "http_version": "1.1", "scheme": "http", "server": ("node", 80), "client": ("test", 1),
    }  # fmt: skip
    asked = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict:
        return next(asked, None) or await asyncio.Event().wait()

    await client._transport.app(scope, receive, send)


async def test_a_head_knows_how_many_bytes_lie_before_it(city: City):
    for count in (1, 1200, 3):
        await appended(city, count, size=100)
    async with city.node.database.session() as session:
        question = "select size, bytes from exchange.feed_checkpoint where feed = $1 order by size"
        found = await session.fetch(question, FEED)
        head = await session.fetchrow("select size, bytes from exchange.feed_head where feed = $1", FEED)
    assert tuple(found[-1]) == tuple(head)
    for size, bytes_ in (found[0], found[len(found) // 2], found[-1]):
        assert bytes_ == await weight(city, 0, size)


async def test_proofs_of_a_feed_that_grew_in_steps_of_any_size_hold(city: City):
    feed, sizes = "down-proofs", random.Random(7)
    entry, lines = drafts(1)[0], list[bytes]()
    async with city.node.context("exchange") as ctx:
        while len(lines) < 66_500:  # beyond a whole tile of tiles
            more = [entry] * sizes.choice((1, 2, 255, 256, 257, 700, 5000))
            await append(ctx, feed, more)
            lines += [draft.line.encode() for draft in more]
    leaves = [leaf_hash(line) for line in lines]
    size, roots = len(leaves), {0: Range.empty()}
    for old in [*sorted(sizes.sample(range(1, size), 20)), size]:
        last = max(roots)
        roots[old] = roots[last].extended(leaves[last:old])[0]
    root = roots[size].root()
    async with city.node.context("exchange") as ctx:
        for index in (0, 255, 256, 65_535, 65_536, size - 1, *sizes.sample(range(size), 30)):
            path = await proof(ctx, feed, inclusion_plan(index, size))
            assert verify_inclusion(leaf=leaves[index], index=index, size=size, path=path, root=root)
        for old, was in list(roots.items())[1:]:
            path = await proof(ctx, feed, consistency_plan(old, size))
            assert verify_consistency(old=old, new=size, old_root=was.root(), new_root=root, proof=path)
    async with city.node.database.session() as session:
        kept = await session.fetch(
            "select tier, count(*) as rows, min(length(hashes)) as least from exchange.feed_tile where feed = $1"
            " group by tier order by tier",
            feed,
        )
    assert [tuple(row) for row in kept] == [(0, size // 256, 8192), (1, 1, 8192)]


async def proof(ctx, feed: str, plan) -> list[bytes]:
    found = await tiles.subtrees(await ctx.alone(), feed, {place for each in plan for place in each})
    return [fold([found[place] for place in each]) for each in plan]


def test_a_draft_weighs_what_is_sent_of_it():
    [draft] = drafts(1, size=7)
    said = orjson.loads(draft.line)
    assert said["commitment"] == commitment(draft.salt, draft.body.encode())
    assert draft.weight == len(draft.line) + len(draft.body)
