"""After a restore: a revision whose entries came back is told once more only if they do not say it."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.packing import unpack
from creditmesh.exchange.entries import record_draft
from creditmesh.exchange.operations.feeds import append
from creditmesh.exchange.operations.sharing import share_records
from creditmesh.exchange.store import feeds, lost
from creditmesh.exchange.store.lost import COPY, LostEntry
from creditmesh.schemas.events import RecordChanged
from tests.exchange.conftest import NOW, City
from tests.exchange.test_feeds import publish_penalty, submit_one

# Whether its item is shared, what stands of the number, what was made again; what is told, and what stays lost.
WITHHELD, CORRECTED, OTHER, MARKED = "withheld", "corrected", "corrected otherwise", "marked"


@pytest.mark.parametrize("whose", ["a child's", "own"])
@pytest.mark.parametrize(
    "case",
    [
        (False, [WITHHELD], CORRECTED, [], []),
        (True, [WITHHELD], CORRECTED, [CORRECTED], []),
        (True, [WITHHELD, CORRECTED], CORRECTED, [], []),
        (False, [WITHHELD, CORRECTED], CORRECTED, [], []),
        (True, [CORRECTED], CORRECTED, [], []),
        (True, [WITHHELD, OTHER], CORRECTED, [], [CORRECTED]),
        (True, [WITHHELD], MARKED, [MARKED], []),
        (True, [WITHHELD, MARKED], MARKED, [], []),
        (True, [WITHHELD], WITHHELD, [], [WITHHELD]),
    ],
)
async def test_a_number_that_came_back_is_told_once(
    city: City, whose: str, case: tuple[bool, list[str], str, list[str], list[str]]
):
    shared, stand, made, told, left = case
    code = f"penalty_{uuid4().hex[:8]}"
    await publish_penalty(city, code)
    _, record = await submit_one(city, code, "示市监罚〔2026〕502号")
    if not shared:
        await publish_penalty(city, code, shared_upwards=False)
    events = {each: await event(city, record, each, version=1 if shared else 2) for each in {*stand, made}}
    async with city.node.context("exchange") as ctx:
        session, size = await ctx.session(), (await feeds.head(await ctx.session(), "up")).size
        await append(ctx, "up", [record_draft(events[each], at=NOW, sealed=None) for each in stand])
        lines = [
            LostEntry("up", size + n, UUID(record), 2, events[each].change, why=None if whose == "own" else COPY)
            for n, each in enumerate(stand)
        ]
        await lost.add(session, lines)
        await share_records(ctx, [(delivered(events[made]), events[made])])
        behind = "select change from exchange.feed_entry where feed = 'up' and index >= :first and record = :record"
        found = await session.fetch(f"{behind} order by index", {"first": size + len(stand), "record": UUID(record)})
        remain = await lost.of_records(session, "up", [UUID(record)])
    assert [row.change for row in found] == told
    if whose != "own" and made == WITHHELD:
        left = []  # what is withheld of an own record stays listed until somebody has seen to it
    assert [each.change for each in remain] == left


async def event(city: City, record: str, what: str, *, version: int) -> RecordChanged:
    """The second revision of the record."""
    async with city.node.database.session() as session:
        [row] = await session.fetch("select data from ingestion.revision where record = $1", UUID(record))
    change: Any = what.split(maxsplit=1)[0]
    update = {"rev": 2, "change": change, "revision": uuid4(), "item_version": version}
    return RecordChanged.model_validate_json(unpack(row["data"])).model_copy(update=update)


def delivered(of: RecordChanged) -> Delivered:
    return Delivered(
        stream="records", part=0, number=1, before=None, id=of.revision, type=of.type, version=1, key=of.key, at=NOW,
        legal_date=NOW.date(), traceparent=None, data=of.model_dump_json().encode(),
    )  # fmt: skip
