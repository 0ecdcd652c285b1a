"""A child that puts another child's record into its own feed gets none of the answers about it."""

from uuid import uuid4

import pytest

from creditmesh.exchange import events
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.exchange import AcknowledgedBody
from tests.exchange.conftest import NOW, City, Signer, neighbour, row_of
from tests.exchange.test_holders import Told, delivered

RECEIVED = """
insert into exchange.received_page (part, id, key, at, legal_date, peer, feed, first, until, records, revs, data)
values (0, gen_random_uuid(), $1 || '/up', now(), current_date, $1, 'up', $2::bigint, $2::bigint + 1,
        array[$3::uuid], array[$4::integer], '{}')
"""
RELAYED = "select body from exchange.feed_entry where feed = $1 order by index"


async def relayed(city: City, child: str) -> list[AcknowledgedBody]:
    async with city.node.database.session() as session:
        rows = await session.fetch(RELAYED, f"down-{child}")
    return [AcknowledgedBody.model_validate_json(row["body"]) for row in rows]


@pytest.mark.parametrize("first", ["district", "echo"])
async def test_an_answer_goes_to_who_sends_for_the_origin_whoever_else_has_the_record(
    city: City, signed: Signer, tmp_path, first: str
):
    await city.publish(
        "party", row_of("echo", neighbour("echo", tmp_path).keys, place="below", order=703, sends_for=["echo"])
    )
    about = Told(city.node)
    about.record = uuid4()
    changes: list[RecordChanged] = [
        about.end("accepted", 1).model_copy(update={"origin": "district"}),
        about.end("withdrawn", 2).model_copy(update={"origin": "district", "state": "withdrawn"}),
    ]
    place = 1000 if first == "echo" else 2000
    async with city.node.database.session() as session:
        for child in ("district", "echo") if first == "district" else ("echo", "district"):
            for rev in (1, 2):
                await session.execute(RECEIVED, child, place + rev, about.record, rev)
    async with city.node.context("exchange") as ctx:
        await events.on_record_changed(ctx, [delivered(each) for each in changes])
    before = len(await relayed(city, "district"))
    assert (await signed.hand_in(await signed.make())).status_code == 200
    assert await relayed(city, "echo") == []
    [*_, last] = await relayed(city, "district")
    assert len(await relayed(city, "district")) == before + 1
    assert [(each.record, each.rev, each.index) for each in last.entries] == [
        (about.record, 1, place + 1), (about.record, 2, place + 2),
    ]  # fmt: skip
    assert last.entries[1].proof is not None
    assert last.at == NOW
