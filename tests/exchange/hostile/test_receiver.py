"""A node above that answers as it likes: out of order, again, otherwise, about everything; and what it lacks."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditmesh.chassis.bus.faults import PATIENCE
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import Uncertain
from creditmesh.chassis.http.bodies import MOST
from creditmesh.exchange import pulling
from creditmesh.exchange.backoff import Backoff
from creditmesh.exchange.operations import acknowledging
from creditmesh.exchange.operations.answering import cut
from creditmesh.exchange.peer import NotNow, Peer, PeerRefused, PeerUnreachable
from creditmesh.exchange.pulling import SECONDS_TO_ASK, SECONDS_TO_COME, SECONDS_TO_LOOK, Sending
from creditmesh.exchange.store import answers, copies
from creditmesh.schemas.acknowledgements import MOST_ANSWERED, MOST_NAMED, Acknowledgement, EntryRange
from creditmesh.schemas.signed import SignedText, said
from tests.exchange.conftest import City, Signer
from tests.exchange.test_acknowledging import withdrawn
from tests.support.eventually import eventually

ANSWERS = "select applied::text, refused::text from exchange.answer where feed = 'up' and node = 'province'"
_numbers = iter(range(700, 800))
QUEUED = "select count(*) from bus.event where type = 'holder.changed'"


async def row(city: City, query: str) -> tuple[Any, ...]:
    async with city.node.database.session() as session:
        found = await session.fetchrow(query)
    return () if found is None else tuple(found)


async def all_answered(signed: Signer) -> int:
    """Answer for everything there is, and something there is; up to where that goes."""
    await withdrawn(signed.city, f"示市监罚〔2026〕{next(_numbers)}号")
    await signed.hand_in(await signed.make(first=0))
    return await signed.reached()


async def test_a_longer_run_from_the_same_entry_is_no_repetition(city: City, signed: Signer):
    first = await all_answered(signed)
    records = [await withdrawn(city, f"示市监罚〔2026〕4{n}号") for n in range(2)]
    assert (await signed.hand_in(await signed.make(first=first, until=first + 2))).json() == {"missing": []}
    assert (await signed.hand_in(await signed.make(first=first))).json() == {"missing": []}
    for record in records:
        assert [each.outcome for each in await signed.told(record)] == ["told", "acknowledged"]


async def test_runs_in_any_order_and_over_one_another_leave_no_hole_and_are_told_once(city: City, signed: Signer):
    first = await all_answered(signed)
    records = [await withdrawn(city, f"示市监罚〔2026〕5{n}号") for n in range(3)]
    until = (await signed.city.page())[0][-1].index + 1
    runs = [(n, min(n + 3, until)) for n in range(first, until)]
    random.Random(7).shuffle(runs)
    for begin, end in runs:
        answer = await signed.hand_in(await signed.make(first=begin, until=end))
        assert answer.status_code == 200, answer.text
    assert answer.json() == {"missing": []}
    assert await row(city, ANSWERS) == (f"{{[0,{until})}}", "{}")
    for record in records:
        assert [each.outcome for each in await signed.told(record)] == ["told", "acknowledged"]


async def test_what_was_applied_is_not_refused_afterwards_however_often_and_from_wherever_it_is_said(
    city: City, signed: Signer
):
    record = await withdrawn(city, "示市监罚〔2026〕601号")
    until = await all_answered(signed)
    before = await row(city, QUEUED), await row(city, ANSWERS)
    for first in range(0, until, max(until // 10, 1)):
        refused = [{"index": index, "code": "x"} for index in range(first, until)]
        assert (await signed.hand_in(await signed.make(first=first, refused=refused))).status_code == 200
    assert (await row(city, QUEUED), await row(city, ANSWERS)) == before
    assert [each.outcome for each in await signed.told(record)] == ["told", "acknowledged"]


async def test_what_was_refused_is_told_once_and_may_be_applied_later(city: City, signed: Signer):
    first = await all_answered(signed)
    record = await withdrawn(city, "示市监罚〔2026〕602号")
    end = (await city.page())[0][-1].index
    for code in ("unknown_item", "unknown_item", "another_word"):
        given = await signed.make(first=first, refused=[{"index": end, "code": code}])
        assert (await signed.hand_in(given)).status_code == 200
    assert [(each.outcome, each.code) for each in await signed.told(record)] == [
        ("told", None), ("refused", "unknown_item"),
    ]  # fmt: skip
    assert await row(city, f"select code from exchange.refusal where index = {end}") == ("unknown_item",)
    await signed.hand_in(await signed.make(first=end))
    assert [each.outcome for each in await signed.told(record)] == ["told", "refused", "acknowledged"]
    assert await row(city, f"select code from exchange.refusal where index = {end}") == ()


async def test_an_answer_is_told_by_this_nodes_clock_and_never_by_the_peers(city: City, signed: Signer):
    record = await withdrawn(city, "示市监罚〔2026〕603号")
    await signed.hand_in(await signed.make(at="1931-09-18T00:00:00Z"))
    told, acknowledged = await signed.told(record)
    assert acknowledged.at >= told.at
    assert acknowledged.proof is not None
    assert said(Acknowledgement, acknowledged.proof.acknowledgement).at.year == 1931


@dataclass
class Receiver:
    """A peer that takes what this node signs, and answers as the test wants."""

    answer: Callable[[Acknowledgement], httpx.Response]
    taken: list[tuple[int, int]] = field(default_factory=list)

    def take(self, request: httpx.Request) -> httpx.Response:
        given = said(Acknowledgement, SignedText.model_validate_json(request.content))
        self.taken.append((given.first, given.until))
        answer = self.answer(given)
        return httpx.Response(answer.status_code, stream=httpx.ByteStream(answer.content))  # not read yet


@pytest.fixture
async def sending(city: City) -> AsyncIterator[Callable[[Receiver], Sending]]:
    """The loop that sends the district what was signed about its feed: three runs, of which it has had two."""
    made = (
        "insert into exchange.acknowledgement_made (peer, feed, first, until, data, beyond, sent_at)"
        " select 'district', 'up', $1, $2, $3, '{}', case when $1::bigint < 6 then now() end"
    )
    equipment, clients = city.node.host.equipment["exchange"], []
    async with city.node.database.session() as session:
        for first in (0, 3, 6):
            members = {"feed": "creditmesh/district/up", "by": "city", "first": first, "until": first + 3, "size": 9}
            members |= {"root": "00" * 32, "at": "2026-11-27T00:00:00Z", "key": "k", "alg": "ed25519"}
            text = Acknowledgement.model_validate(members).model_dump_json()
            await session.execute(made, first, first + 3, text)

    def loop(receiver: Receiver) -> Sending:
        client = httpx.AsyncClient(transport=httpx.MockTransport(receiver.take))
        clients.append(client)

        def peer() -> Peer:
            party = city.node.host.followed.party("district").model_copy(update={"url": "http://district"})
            return Peer(party=party, node="city", keys=equipment.keys, clock=equipment.clock, client=client)

        return Sending(equipment, peer, "up")

    yield loop
    for client in clients:
        await client.aclose()
    async with city.node.database.session() as session:
        await session.execute("delete from exchange.acknowledgement_made")


Loop = Callable[[Receiver], Sending]


def lacking(*ranges: tuple[int, int]) -> httpx.Response:
    return httpx.Response(200, json={"missing": [{"first": first, "until": until} for first, until in ranges]})


async def test_a_node_that_was_restored_is_sent_what_it_lacks_and_nothing_else(sending: Loop):
    has: set[int] = set()

    def restored(given: Acknowledgement) -> httpx.Response:
        has.update(range(given.first, given.until))
        return lacking(*((index, index + 1) for index in range(max(has)) if index not in has))

    receiver = Receiver(restored)
    loop = sending(receiver)
    await loop._send()
    assert receiver.taken == [(3, 6), (6, 9)], "the last it has had asks what else it lacks"
    await loop._send()
    assert receiver.taken[2:] == [(0, 3)]
    await loop._send()
    assert len(receiver.taken) == 3
    assert has == set(range(9))


async def test_a_node_that_is_restored_while_nothing_is_new_is_asked_within_a_minute_and_sent_what_it_lacks(
    sending: Loop,
):
    has: set[int] = set(range(9))

    def restored(given: Acknowledgement) -> httpx.Response:
        has.update(range(given.first, given.until))
        return lacking(*((index, index + 1) for index in range(max(has)) if index not in has))

    receiver = Receiver(restored)
    loop = sending(receiver)
    await loop._send()
    assert receiver.taken == [(3, 6), (6, 9)]
    has.clear()
    loop._asked -= SECONDS_TO_ASK / 2
    await loop._send()
    assert receiver.taken[2:] == [], "it is asked no sooner"
    loop._asked -= SECONDS_TO_ASK
    await loop._send()
    assert receiver.taken[2:] == [(6, 9)]
    await loop._send()
    assert receiver.taken[3:] == [(0, 3), (3, 6)]
    assert has == set(range(9))
    await loop._send()
    assert len(receiver.taken) == 5


async def test_a_node_that_lacks_everything_for_ever_is_no_hot_loop(sending: Loop):
    receiver = Receiver(lambda _: lacking((0, 2**53)))
    loop = sending(receiver)
    for turn in range(1, 4):
        assert await loop._send() == SECONDS_TO_LOOK
        assert len(receiver.taken) <= 3 * turn + 1


async def test_a_node_that_lacks_what_was_never_signed_is_left_alone(sending: Loop):
    receiver = Receiver(lambda _: lacking((100, 200)))
    loop = sending(receiver)
    await loop._send()
    taken = len(receiver.taken)
    await loop._send()
    assert len(receiver.taken) == taken


async def test_a_node_of_an_older_version_that_finds_a_gap_is_sent_what_comes_before(sending: Loop):
    reached = [0]

    def older(given: Acknowledgement) -> httpx.Response:
        if given.first > reached[0]:
            return httpx.Response(409, json={"code": "acknowledgement_gap"})
        reached[0] = max(reached[0], given.until)
        return httpx.Response(204)

    loop = sending(Receiver(older))
    for _ in range(4):
        await loop._send()
    assert reached == [9]


@pytest.mark.parametrize("content", [b"", b"[]", b'{"missing": 1}', b'{"missing": [{"first": -1, "until": 10}]}'])
async def test_what_says_nothing_that_can_be_read_is_tried_again(sending: Loop, content: bytes):
    with pytest.raises(PeerRefused):
        await sending(Receiver(lambda _: httpx.Response(200, content=content)))._send()


async def test_what_is_new_is_sent_before_what_is_lacked_and_no_row_is_written_for_that(city: City, sending: Loop):
    receiver = Receiver(lambda _: lacking((0, 2**53)))
    loop = sending(receiver)
    await loop._send()
    unsent = "select count(*) from exchange.acknowledgement_made where sent_at is null"
    assert await row(city, unsent) == (0,)
    async with city.node.database.session() as session:
        await session.execute(
            "insert into exchange.acknowledgement_made (peer, feed, first, until, data, beyond)"
            " select peer, feed, 9, 12, data, beyond from exchange.acknowledgement_made where first = 6"
        )
    before = len(receiver.taken)
    await loop._send()
    assert len(receiver.taken) == before + 4
    assert receiver.taken[before:][1:] == [(0, 3), (3, 6), (6, 9)], "the new one first, which says what it says"
    assert await row(city, unsent) == (0,)


async def test_what_is_new_leaves_although_what_is_lacked_cannot_be_found(
    city: City, sending: Loop, monkeypatch: pytest.MonkeyPatch
):
    async def slow(*given: Any, **_: Any) -> list[Any]:
        if given[3]:
            raise TimeoutError
        return []

    async with city.node.database.session() as session:
        await session.execute("update exchange.acknowledgement_made set sent_at = null where first = 3")
    monkeypatch.setattr(copies, "sent_about", slow)
    monkeypatch.setattr(pulling, "SECONDS_TO_LOOK", 0.05)
    receiver = Receiver(lambda _: lacking((0, 3)))
    loop = sending(receiver)
    loop._lacks = (EntryRange(first=0, until=9),)
    for _ in range(2):
        with pytest.raises(Uncertain):
            await loop.run()
    assert {(3, 6), (6, 9)} <= set(receiver.taken)
    assert await row(city, "select count(*) from exchange.acknowledgement_made where sent_at is null") == (0,)


async def test_what_a_peer_lacks_is_found_by_where_it_lies_and_whole(city: City, sending: Loop):
    made = """
        insert into exchange.acknowledgement_made (peer, feed, first, until, data, beyond, sent_at)
        select 'district', 'many', n * 100, n * 100 + 100, '{}', '{}'::bigint[], now() from generate_series(0, 99999) n
         union all select 'district', 'many', 500, 9900, '{}', '{}'::bigint[], now()
    """
    async with city.node.database.session() as session:
        await session.execute(made)
    above = [EntryRange(first=10**12 + 2 * n, until=10**12 + 2 * n + 1) for n in range(1000)]
    async with city.node.host.equipment["exchange"].pool.transaction() as session:
        await session.execute("set local statement_timeout = '3s'", {})
        assert await copies.sent_about(session, "district", "many", above, limit=100) == []
        everything = [EntryRange(first=0, until=2**53)]
        found = await copies.sent_about(session, "district", "many", everything, limit=100)
        assert [each.first for each in found] == [0, 100, 200, 300, 400, 500, 500, *range(600, 9900, 100)]
        some = [EntryRange(first=9850, until=9901), EntryRange(first=9_999_999, until=2**53)]
        found = await copies.sent_about(session, "district", "many", some, limit=100)
        assert [(each.first, each.until) for each in found] == [
            (500, 9900), (9800, 9900), (9900, 10_000), (9_999_900, 10_000_000),
        ]  # fmt: skip


async def test_a_peer_that_goes_on_refusing_what_is_signed_is_told_in_readiness(city: City, sending: Loop):
    stopped = city.node.host.equipment["exchange"].stopped
    answers = iter([413] * (PATIENCE + 2))
    receiver = Receiver(lambda _: httpx.Response(next(answers, 200), json={"missing": []}))
    loop = sending(receiver)
    task = asyncio.create_task(loop.run())
    try:
        await eventually(lambda: "413" in stopped.get("district/up acknowledgements", ""))
        await eventually(lambda: "district/up acknowledgements" not in stopped)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@given(
    st.integers(0, 2**52), st.lists(st.integers(0, 20_000), unique=True), st.lists(st.integers(0, 20_000)), st.data()
)
def test_however_much_was_judged_what_is_signed_is_taken_and_says_the_same(base, refused, tracked, data):
    code = "x" * 64
    kept = data.draw(st.lists(st.sampled_from(sorted(tracked)), unique=True)) if tracked else []
    whole = Acknowledgement(
        feed="creditmesh/abcdefghijklmnop/down-abcdefghijklmnop", by="abcdefghijklmnop", first=base,
        until=base + 20_001, size=2**53 - 1, root="0" * 64, at=datetime.now(UTC), key="k" * 64, alg="ed25519",
        above=tuple(f"abcdefghijklmn{n}" for n in range(10, 74)),
        refused=tuple({"index": base + index, "code": code} for index in sorted(refused)),
        kept=tuple(base + index for index in sorted(kept)),
    )  # fmt: skip
    runs = cut(whole, [base + index for index in tracked])
    for each in runs:
        assert is_taken(each, {base + index for index in (*refused, *tracked)})
    assert [each.first for each in runs[1:]] + [whole.until] == [each.until for each in runs]
    assert tuple(one for each in runs for one in each.refused) == whole.refused
    assert tuple(one for each in runs for one in each.kept) == whole.kept


def is_taken(given: Acknowledgement, proven: Collection[int]) -> bool:
    """Whether its receiver takes it, who keeps it with each of these entries that it is about."""
    signed = SignedText(signed=given.model_dump_json(), signature="A" * 88)
    kept = len(signed.signed) * sum(given.first <= index < given.until for index in proven)
    return (
        len(signed.model_dump_json().encode()) <= MOST
        and given.until - given.first <= MOST_ANSWERED
        and kept <= acknowledging._MOST_KEPT
    )


@pytest.mark.parametrize("kept", [(), range(1, 5000, 2)])
def test_a_run_of_refusals_and_of_ends_that_were_passed_on_is_cut_until_it_is_taken(kept: Sequence[int]):
    whole = Acknowledgement(
        feed="creditmesh/city/up", by="province", first=0, until=5000, size=5000, root="0" * 64,
        at=datetime.now(UTC), key="k", alg="ed25519", above=("nation",), kept=tuple(kept),
        refused=tuple({"index": index, "code": "x" * 64} for index in range(0, 500, 2)),
    )  # fmt: skip
    assert not is_taken(whole, range(5000)), "its text is more than 3 kB, with each of 5,000"
    runs = cut(whole, range(1, 5000, 2))
    assert all(is_taken(each, range(5000)) for each in runs)
    assert len(runs) == (250 + 2500) // MOST_NAMED


async def test_what_proves_many_ends_leaves_in_several_texts_though_it_names_none(city: City, sending: Loop):
    shared = await withdrawn(city, f"示市监罚〔2026〕{next(_numbers)}号")
    async with city.node.database.session() as session:
        await session.execute(
            "update exchange.acknowledgement_made set sent_at = null, until = 600,"
            "       tracked = array(select generate_series(0, 599)), records = array_fill($1::text::uuid, array[600]),"
            "       data = jsonb_set(jsonb_set(data::jsonb, '{until}', '600'), '{size}', '600')"
            " where first = 0",
            shared,
        )
    receiver = Receiver(lambda _: lacking())
    await sending(receiver)._send()
    assert [each for each in receiver.taken if each not in {(3, 6), (6, 9)}] == [(0, 250), (250, 500), (500, 600)]


async def test_what_is_about_more_than_is_read_at_once_is_refused(city: City, signed: Signer):
    record = await withdrawn(city, f"示市监罚〔2026〕{next(_numbers)}号")
    answer = await signed.hand_in(await signed.make(until=10_001 + 10**6, size=2**40))
    assert [each["pointer"] for each in answer.json()["errors"]] == ["/signed/until"]
    assert [each.outcome for each in await signed.told(record)] == ["told"]
    assert (await signed.hand_in(await signed.make(first=0))).status_code == 200


async def test_an_answer_costs_what_it_says_however_the_others_lie(city: City):
    sizes = "select max(greatest(pg_column_size(applied), pg_column_size(refused))) from exchange.answer"
    far = 60_000
    try:
        async with city.node.host.equipment["exchange"].pool.transaction() as session:
            await answers.add(session, "up", "scattered", [(far, far + 1)], {})
            for first in range(far - 10_000, -1, -10_000):  # from above downwards, and a refusal between any two
                given = [(index, index + 1) for index in range(first, first + 10_000, 2)]
                await answers.add(session, "up", "scattered", given, {index: "minor" for index, _ in given[::2]})
            assert len(await answers.missing(session, "up", "scattered", limit=40_000)) == far // 2
            [(size,)] = await session.fetch(sizes, {})
            assert size < 40 * 1024
            assert await answers.reach(session, "up", "scattered") == far + 1
            wanted = {"feed": "up", "node": "scattered", "limit": 10}
            assert await taken_apart(session, answers._MISSING, wanted) < 3_000, "of 30,000 gaps those of a row"
            assert await taken_apart(session, answers._OF, wanted) < 6_000, "of 15,000 ranges"
            [newest] = [each for each in await answers.of_feed(session, "up", limit=3) if each.node == "scattered"]
            assert newest.applied == [(far - 6, far - 5), (far - 2, far - 1), (far, far + 1)]
            added = await answers.add(session, "up", "scattered", [(0, far)], {})
            assert await answers.missing(session, "up", "scattered", limit=10) == []
            assert sum(until - first for first, until in added.applied) == far - far // 4
            [(node, applied, refused)] = [
                each for each in await answers.of_feed(session, "up", limit=100) if each.node == "scattered"
            ]
            assert (node, applied, refused) == ("scattered", [(0, far + 1)], "{}")
    finally:
        async with city.node.database.session("ddl") as session:
            await session.execute("delete from exchange.answer where node = 'scattered'")


async def taken_apart(session: Session, statement: str, wanted: dict[str, Any]) -> int:
    """How many rows the functions of a statement make."""
    used = {name: value for name, value in wanted.items() if f":{name}" in statement}
    [(explained,)] = await session.fetch(f"explain (analyze, format json) {statement}", used)
    left, rows = [json.loads(explained)[0]["Plan"]], 0
    while left:
        plan = left.pop()
        left += plan.get("Plans", [])
        if plan["Node Type"] in ("Function Scan", "ProjectSet"):
            rows += plan["Actual Rows"] * plan["Actual Loops"]
    return rows


async def test_what_was_answered_is_the_sum_of_what_was_said_across_the_rows(city: City):
    applied, refused = set[int](), set[int]()
    dice = random.Random(11)
    try:
        async with city.node.host.equipment["exchange"].pool.transaction() as session:
            for _ in range(80):
                first = dice.choice([4080, 8180, 12_280]) + dice.randrange(20)
                until = first + dice.choice([1, 5, 30, 5000])
                denied = {index for index in range(first, until) if dice.random() < 0.3}
                said = set(range(first, until)) - denied
                added = await answers.add(session, "up", "many", [(first, until)], dict.fromkeys(denied, "minor"))
                assert indices(added.applied) == said - applied
                assert indices(added.refused) == denied - applied - refused
                refused = (refused | denied) - applied - said
                applied |= said
                gaps = await answers.missing(session, "up", "many", limit=100)
                assert indices(gaps) == set(range(max(applied | refused))) - applied - refused
                assert all(one[1] < other[0] for one, other in pairwise(gaps)), "each whole"
            kept = await session.fetch("select index from exchange.refusal where node = 'many'", {})
            assert {row[0] for row in kept} == refused
    finally:
        async with city.node.database.session("ddl") as session:
            await session.execute("delete from exchange.answer where node = 'many'")
            await session.execute("delete from exchange.refusal where node = 'many'")


def indices(ranges: Sequence[tuple[int, int]]) -> set[int]:
    return {index for first, until in ranges for index in range(first, until)}


async def test_of_a_peer_that_does_not_know_this_node_the_log_says_what_its_operator_has_to_do(city: City):
    body = json.dumps({"code": "signature_invalid", "detail": "what a peer says is not repeated"}).encode()
    transport = httpx.MockTransport(lambda _: httpx.Response(401, stream=httpx.ByteStream(body)))
    equipment = city.node.host.equipment["exchange"]
    party = city.node.host.followed.party("district").model_copy(update={"url": "http://district"})
    async with httpx.AsyncClient(transport=transport) as client:
        peer = Peer(party=party, node="city", keys=equipment.keys, clock=equipment.clock, client=client)
        with pytest.raises(
            PeerRefused, match="401 signature_invalid: the peer does not know this node's key yet"
        ) as said:
            await peer.pull("up", after=0)
    assert "`peers add`" in str(said.value)
    assert "repeated" not in str(said.value)


@pytest.mark.parametrize("said", [{"size": 2**63}, {"size": -1}, {"size": 1, "acknowledged": 2**63}])
async def test_a_size_that_no_feed_has_is_kept_by_nobody(city: City, said: dict[str, int]):
    page = {"items": [{"feed": "up", "root": "", **said}]}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=httpx.ByteStream(json.dumps(page).encode())))
    equipment = city.node.host.equipment["exchange"]
    party = city.node.host.followed.party("district").model_copy(update={"url": "http://district"})
    async with httpx.AsyncClient(transport=transport) as client:
        peer = Peer(party=party, node="city", keys=equipment.keys, clock=equipment.clock, client=client)
        with pytest.raises(PeerRefused):
            await peer.standing("up")


@pytest.mark.parametrize(
    ("status", "body", "shown"),
    [
        (502, b"<html>Bad Gateway</html>", False),
        (503, b"", False),
        (504, b"", False),
        (503, b'{"code": "feed_behind"}', True),
        (403, b'{"code": "no_party"}', True),
        (400, b"<html>Bad Request</html>", True),
    ],
)
async def test_a_peer_that_is_away_behind_its_proxy_is_not_one_that_refuses(
    city: City, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, *, shown: bool
):
    monkeypatch.setattr(asyncio, "sleep", resting)
    transport = httpx.MockTransport(lambda _: httpx.Response(status, stream=httpx.ByteStream(body)))
    equipment = city.node.host.equipment["exchange"]
    party = city.node.host.followed.party("district").model_copy(update={"url": "http://district"})
    patience = Backoff("up")
    async with httpx.AsyncClient(transport=transport) as client:
        peer = Peer(party=party, node="city", keys=equipment.keys, clock=equipment.clock, client=client)
        for _ in range(PATIENCE + 1):
            with pytest.raises(NotNow) as said:
                await peer.pull("up", after=0)
            await patience.after("district", said.value)
    assert (patience.refusal is not None) == shown


async def test_one_refusal_of_a_peer_that_was_away_for_long_is_not_again_and_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(asyncio, "sleep", resting)
    patience = Backoff("up")
    for _ in range(100):
        await patience.after("district", PeerUnreachable("it does not answer"))
    await patience.after("district", PeerRefused("403 no_party"))
    assert patience.refusal is None


async def resting(_: float) -> None:
    """No time passes."""


async def test_a_process_that_has_not_followed_the_catalogue_signs_nothing(city: City, sending: Loop):
    """What it signs says who is above: of that it may know what was so before."""
    receiver = Receiver(lambda _: lacking())
    followed = city.node.host.followed
    passed, followed.passed = followed.passed, 0
    running = asyncio.create_task(sending(receiver).run())
    try:
        await asyncio.sleep(2 * SECONDS_TO_COME)
        assert receiver.taken == []
        followed.passed = passed
        await eventually(lambda: bool(receiver.taken))
    finally:
        followed.passed = passed
        running.cancel()
        await asyncio.wait([running])
