"""What a page that anybody may ask for reads where one item has nearly all records: the rows of the page."""

from collections.abc import Awaitable, Callable

import pytest

from creditmesh.chassis.caller import PUBLIC
from creditmesh.chassis.context import Context
from creditmesh.query.operations import public
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.queries import PublicRecord, PublicSearch
from tests.query.conftest import PARTS, House
from tests.query.samples import a_directory, a_record, an_item

ROWS = 24_000
CODE = "91990000MA0000001R"
_FILL = f"""
    insert into query.public_record (part, record, rev, item, kind, state, display_from, name, code, data)
    select n % {PARTS}, gen_random_uuid(), 1, 'large', 'organisation', 'published', '2020-01-01',
           '沙盒大' || n % 5000, '{CODE}',
           convert_to(replace(convert_from(data, 'UTF8'), '沙盒一号有限公司', '沙盒大' || n % 5000), 'UTF8')
      from query.public_record, generate_series(1, {ROWS}) n where record = $1
"""
_READ = """
    select coalesce(sum(idx_tup_fetch + seq_tup_read), 0)
      from pg_stat_xact_user_tables where relname like 'public\\_record\\_%'
"""
Ask = Callable[[Context, str | None], Awaitable[Page[PublicRecord]]]


@pytest.fixture(scope="module")
async def large(house: House) -> House:
    """One item with nearly all records, all of one beginning of a name and of one code."""
    house.follow(a_directory([an_item("large"), *(an_item(f"other{number}") for number in range(20))]))
    first = a_record(item="large")
    await house.load(first)
    async with house.database.session() as session:
        await session.execute(_FILL, first.record)
        await session.execute("analyze query.public_record")
    return house


async def an_item_of(ctx: Context, after: str | None) -> Page[PublicRecord]:
    return await public.public_records(ctx, "large", after=after, limit=50)


async def a_beginning(ctx: Context, after: str | None) -> Page[PublicRecord]:
    return await public.search(ctx, PublicSearch(name="沙盒大", cursor=after))


async def a_code(ctx: Context, after: str | None) -> Page[PublicRecord]:
    return await public.search(ctx, PublicSearch(code=CODE, cursor=after))


@pytest.mark.parametrize("ask", [an_item_of, a_beginning, a_code])
async def test_a_page_reads_its_own_rows_and_not_all_that_match(large: House, ask: Ask):
    after: str | None = None
    context = large.context(PUBLIC)
    try:
        session = await context.session()
        for _ in range(4):
            before = await session.value(_READ)
            page = await ask(context, after)
            read, after = await session.value(_READ) - before, page.next
            assert len(page.items) == 50
            assert read < 50 + 2 * PARTS, f"{read} rows were read for a page of 50"
    finally:
        await context.rollback()
