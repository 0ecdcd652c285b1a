"""A child that puts another child's record into its own feed gets none of the answers about it."""

import asyncio
import json
from itertools import pairwise
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditmesh.exchange import entries, events
from creditmesh.exchange.operations import passing, relaying
from creditmesh.exchange.operations.comparing import compared
from creditmesh.exchange.store.child_entries import ChildEntry
from creditmesh.exchange.store.feeds import Placed
from creditmesh.schemas.acknowledgements import Proof
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.exchange import AcknowledgedBody
from creditmesh.schemas.signed import SignedText
from tests.exchange.conftest import NOW, City, Signer, neighbour, row_of
from tests.exchange.sender import pulling_from_a_sender
from tests.exchange.test_holders import Told, delivered
from tests.support.eventually import eventually

RECEIVED = "insert into exchange.sent_revision (peer, index, record, rev) values ($1, $2, $3, $4)"
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


async def test_a_child_that_repeats_a_line_is_told_of_it_once_and_no_body_is_larger_than_its_puller_takes(
    city: City, tmp_path
):
    async with pulling_from_a_sender(city, tmp_path / "sender") as puller:
        record, who = uuid4(), puller.sender.who.code
        heard = compared(city.node.host.equipment["exchange"])
        await eventually(lambda: f"down-{who}" in heard.known)
        puller.sender.add(600, type="record", record=str(record), rev=1, change="withdrawn", origin=who)
        await puller.step()
        text = SignedText(signed="y" * 60_000, signature="A" * 88)
        about = {"rev": 1, "subject": uuid4(), "change": "withdrawn", "item": "i", "party": "p"}
        line = json.dumps({"origin": who})
        entries = [Placed(index=0, line=line, record=record, **about)]
        for n in range(1, 100):
            each = uuid4()
            puller.sender.add(1, type="record", record=str(each), rev=1, change="withdrawn", origin=who)
            entries.append(Placed(index=n, line=line, record=each, **about))
        await puller.step()
        proofs = {
            each.index: Proof(acknowledgement=text, public="A" * 44, index=each.index, line="l" * 300, path=("0" * 64,))
            for each in entries
        }
        async with city.node.context("exchange") as ctx:
            found = await relaying.relayed(ctx, entries, by="province", at=NOW, refused={}, proofs=proofs)
            await passing.pass_on(ctx, found)
        bodies = await relayed(city, who)
        assert [each.record for body in bodies for each in body.entries] == [each.record for each in entries]
        assert max(len(body.model_dump_json()) for body in bodies) < 2 * 1024 * 1024
        async with city.node.database.session() as session:
            heads = await session.fetch(
                "select size from exchange.feed_checkpoint where feed = $1 order by size", f"down-{who}"
            )
        assert len(heads) > 1, "a page ends at a head, and there is one before it is too large"


async def test_the_feeds_of_children_are_held_in_the_order_of_their_codes_whatever_came_first(city: City):
    about = [
        ChildEntry(child, "acknowledged", AcknowledgedBody(by="nation", at=NOW, entries=()).model_dump_json())
        for child in ("zulu", "alfa")
    ]
    async with city.node.context("exchange") as ctx:
        await passing.pass_on(ctx, about)

    async def passed_on() -> None:
        async with city.node.context("exchange") as ctx:
            await passing.pass_on(ctx, about)

    async def held(child: str) -> bool:
        query = "select feed from exchange.feed_head where feed = $1 for update skip locked"
        async with city.node.database.session() as session:
            return await session.fetchval(query, f"down-{child}") is None

    async with city.node.database.session() as session, session.transaction():
        await session.fetch("select from exchange.feed_head where feed = 'down-zulu' for update")
        task = asyncio.create_task(passed_on())
        await eventually(lambda: held("alfa"))
    await task


@given(st.lists(st.integers(0, 50)), st.integers(1, 100))
def test_stretches_are_everything_in_its_order_and_none_is_heavier_than_one_thing_or_the_most(weights, most):
    found = list(entries.stretches(weights, weight=lambda each: each, most=most))
    assert [each for some in found for each in some] == weights
    assert all(len(some) == 1 or sum(some) <= most for some in found)
    assert all(sum(a) + b[0] > most for a, b in pairwise(found))
