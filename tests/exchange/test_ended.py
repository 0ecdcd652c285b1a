"""What was refused of a record is so no more when the record has ended: nobody waits for who refused it."""

from collections.abc import Sequence

import pytest

from creditmesh.chassis.ids import new_id
from creditmesh.exchange import events
from creditmesh.exchange.operations import answering
from creditmesh.exchange.store.copies import Unsent
from creditmesh.schemas.acknowledgements import Acknowledgement
from creditmesh.schemas.signed import SignedText, said
from tests.exchange.conftest import NOW, City
from tests.exchange.sender import Puller
from tests.exchange.test_catching_up import Records, records, told  # noqa: F401 - fixtures
from tests.exchange.test_holders import Told
from tests.exchange.test_pulling import puller  # noqa: F401 - a fixture
from tests.support.eventually import eventually

MADE = "select data from exchange.acknowledgement_made where peer = $1 order by number"
SENT = "insert into exchange.sent_revision (record, rev, peer, index, change) values ($1, 2, 'district', 7, $2)"


async def refused(at: Puller) -> dict[int, str]:
    """What the peer is told that is refused: of each entry what was said last."""
    await at.city.node.settled()
    async with at.city.node.database.session() as session:
        rows = await session.fetch(MADE, at.sender.who.code)
    found: dict[int, str] = {}
    for given in (Acknowledgement.model_validate_json(row["data"]) for row in rows):
        found = {index: code for index, code in found.items() if not given.first <= index < given.until}
        found |= {each.index: each.code for each in given.refused}
    return found


async def come_to(at: Puller, expected: set[int]) -> None:
    """The passer has seen to what was refused of records that ended, and these entries are refused still."""
    await eventually(lambda: _is_refused(at, expected))


async def _is_refused(at: Puller, expected: set[int]) -> bool:
    async with at.city.node.database.session() as session:
        unseen = await session.fetchval("select count(*) from exchange.refused_entry where not seen_to")
    return not unseen and (await refused(at)).keys() == expected


@pytest.mark.parametrize("pages", [[1, 1, 1, 1, 1], [1, 3, 1], [1, 2, 2], [1, 4]])
@pytest.mark.parametrize("change", ["reopened", "corrected"])
async def test_what_holders_answer_for_is_refused_until_the_record_ends(
    puller: Puller,  # noqa: F811
    change: str,
    pages: Sequence[int],
):
    record = {"type": "record", "origin": puller.sender.who.code, "record": str(new_id())}
    entries = [("accepted", 1), ("repaired", 2), (change, 3), ("corrected", 4), ("repaired", 5)]
    for count in pages:
        for name, rev in entries[:count]:
            puller.sender.add(rev=rev, change=name, **record)
        del entries[:count]
        await puller.step()
        if entries:
            assert (await refused(puller)).keys() == {0, 2, 3} & set(range(len(puller.sender.entries)))
    # Of others nobody waits for an answer.
    again = [2] if change == "reopened" else []
    await come_to(puller, {0, 2, 3}.difference(again))
    assert await told(puller) == [*range(5), *again]


async def test_what_a_copy_held_back_until_it_had_caught_up_counts_too(puller: Puller, records: Records):  # noqa: F811
    record, records.announced = new_id(), 3
    for rev, change in ((1, "accepted"), (2, "repaired"), (3, "reopened")):
        records.add(record, rev, change)
    await puller.step()
    assert (await refused(puller)).keys() == {2}
    puller.pulling._announced, puller.pulling._at = False, None
    records.announced = records.acknowledged = 5  # this node has lost what it had answered for
    records.add(record, 4, "repaired")
    await puller.step()
    assert ((await refused(puller)).keys(), (await puller.copy()).behind) == ({2}, True)
    records.add(new_id(), 1, "accepted")
    await puller.step()
    await come_to(puller, {4})


async def test_what_its_sender_had_no_more_is_not_offered_and_refused_until_the_record_ends(puller: Puller):  # noqa: F811
    code = puller.sender.who.code
    record = {"type": "record", "origin": code, "record": str(new_id())}
    puller.sender.add(rev=2, change="repaired", **record)
    await puller.step()
    puller.sender.add(rev=3, change="reopened", **record)
    puller.sender.entries[-1] |= {"salt": None, "body": None}
    await puller.step()
    assert await refused(puller) == {1: "content_gone"}
    offered = await puller.city.node.operator().post(f"/v1/admin/feeds/{code}/up/offer")
    assert (offered.status_code, offered.json()["offered"]) == (200, 0)
    puller.sender.add(rev=4, change="repaired", **record)
    await puller.step()
    await come_to(puller, set())


async def test_what_is_refused_for_who_sends_it_stays_so_and_is_told_once(puller: Puller):  # noqa: F811
    record = {"type": "record", "origin": "elsewhere", "record": str(new_id())}
    for rev, change in ((2, "repaired"), (3, "reopened"), (4, "repaired")):
        puller.sender.add(rev=rev, change=change, **record)
        await puller.step()
    assert (await refused(puller)).keys() == {0, 1, 2}
    assert await told(puller) == [0, 1, 2]


@pytest.mark.parametrize(("change", "kept"), [("withheld", (7,)), ("discharged", ())])
async def test_who_is_above_owes_an_answer_for_what_was_passed_on_as_it_is(
    city: City, change: str, kept: tuple[int, ...]
):
    at = Told(city.node)
    await at.hand(events.on_record_changed, at.end("accepted", 1), at.end(change, 2))
    async with city.node.database.session("ddl") as session:
        await session.execute(SENT, at.record, "discharged")
    given = Acknowledgement(
        feed="creditmesh/district/up",
        by="city",
        first=7,
        until=8,
        size=8,
        root="00" * 32,
        at=NOW,
        key="k",
        alg="ed25519",
    )
    made = Unsent(7, 8, given.model_dump_json(), [], [], [7], [at.record], "ingestion", 1)
    async with city.node.context("exchange") as ctx:
        texts = await answering.signed(await ctx.session(), city.node.host.equipment["exchange"], "district", made)
    [signed] = [said(Acknowledgement, SignedText.model_validate_json(text)) for text in texts]
    assert (signed.above, signed.kept) == (("province",), kept)
