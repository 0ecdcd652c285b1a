"""A province that passes on what the nation never said: answers without its signature, of other entries, for others."""

import threading
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Transient
from creditmesh.exchange import events, passer
from creditmesh.exchange.chunks import PageChunk
from creditmesh.exchange.operations import chain, relaying, telling
from creditmesh.exchange.operations.chain import MOST_ABOVE, MOST_AT_ONCE
from creditmesh.exchange.store import pages as received
from creditmesh.exchange.store.chain import GROWN
from creditmesh.schemas.acknowledgements import Acknowledgement, Proof
from creditmesh.schemas.chain import NodeBody, NodeKey, NodeRow
from creditmesh.schemas.events import ChainChanged, HolderChanged, PageReceived
from creditmesh.schemas.exchange import AcknowledgedBody, EntryLine, FeedEntry, LineType, RelayedEntry, base64_text
from creditmesh.schemas.signed import SignedText, sign
from creditmesh.schemas.tlog import Range, fold, inclusion_plan, leaf_hash
from tests.exchange.conftest import NOW, City, Neighbour, Signer, neighbour, row_of
from tests.exchange.test_acknowledging import withdrawn
from tests.exchange.test_feeds import submitted
from tests.exchange.test_holders import delivered
from tests.support.eventually import eventually

_numbers = iter(range(800, 1000))
_places = iter(range(10**6))


def told(feed: str, type_: LineType, index: int, body: str | None) -> PageReceived:
    """A page of the province's of one entry."""
    line = EntryLine(type=type_, at=NOW, commitment="00" * 32).model_dump_json()
    entry = FeedEntry(index=index, line=line, body=body)
    return PageReceived(peer="province", feed=feed, first=index, until=index + 1, entries=(entry,))


async def keep(ctx: Context, pages: Sequence[PageReceived]) -> None:
    """As the puller has kept them, and nobody has told them yet."""
    rows = [telling._row(ctx, PageChunk(page, page.model_dump_json().encode())) for page in pages]
    await received.write(await ctx.session(), rows)


@dataclass
class Province:
    """What the province passes on: rows and answers, each as the test makes it."""

    city: City
    nation: Neighbour
    signed: Signer
    ticks: int = 0
    indices: Any = field(default_factory=lambda: _places)

    def row(
        self, who: Neighbour, *, above: tuple[str, ...] = (), by: Neighbour | None = None, **more: Any
    ) -> SignedText:
        """The row of a node, each newer than the one before, signed by itself or by another."""
        self.ticks += 1
        by = by or who
        public = who.keys.public("node")
        said = {
            "node": who.code, "tier": "nation", "above": above, "at": NOW + timedelta(seconds=self.ticks),
            "keys": (NodeKey(id=public.id, public=base64_text(public.raw)),),
            "key": by.keys.key_id("node"), "alg": "ed25519",
        }  # fmt: skip
        return sign(NodeRow(**said | more), by=by.keys.sign)

    async def tells(self, code: str, row: SignedText) -> None:
        body = NodeBody(code=code, row=row).model_dump_json()
        event = told("down", "catalogue", next(self.indices), body)
        async with self.city.node.context("exchange") as ctx:
            await keep(ctx, [event])
            await events.on_page_received(ctx, [delivered(event)])
        await eventually(self.all_taken)
        await self.city.node.settled()

    async def all_taken(self) -> bool:
        """Whether what waited for rows that are known is taken."""
        async with self.city.node.database.session() as session:
            return not await session.fetch("select from exchange.grown")

    async def tells_chain(self) -> None:
        await self.tells("province", self.row(self.city.above, above=(self.nation.code,), tier="province"))
        await self.tells(self.nation.code, self.row(self.nation))

    def proof(
        self, record: str, *, rev: int = 2, change: str = "withdrawn", by: Neighbour | None = None, **more: Any
    ) -> Proof:
        """That the nation signed for that revision, the third entry of five in the province's feed."""
        who = by or self.nation
        said = {"type": "record", "at": NOW, "commitment": "00" * 32, "origin": "city", "change": change}
        lines = [EntryLine(**said, record=uuid4(), rev=1).model_dump_json() for _ in range(5)]
        lines[2] = EntryLine(**said, record=UUID(record), rev=rev).model_dump_json()
        leaves = [leaf_hash(line.encode()) for line in lines]
        grown, completed = Range.empty().extended(leaves)
        trees = {(0, index): leaf for index, leaf in enumerate(leaves)}
        trees |= {(level, index): hashed for level, index, hashed in completed}
        path = tuple(fold([trees[place] for place in places]).hex() for places in inclusion_plan(2, grown.size))
        given = {
            "feed": "creditmesh/province/up", "by": self.nation.code, "first": 0, "until": 5, "size": grown.size,
            "root": grown.root().hex(), "at": NOW, "key": who.keys.key_id("node"), "alg": "ed25519",
        }  # fmt: skip
        acknowledgement = sign(Acknowledgement(**given | more), by=who.keys.sign)
        public = base64_text(who.keys.public("node").raw)
        return Proof(acknowledgement=acknowledgement, public=public, index=2, line=lines[2], path=path)

    async def passes_on(
        self, record: str, proof: Proof | None, *, by: str | None = None, rev: int = 2, at: datetime = NOW, **more: Any
    ) -> None:
        index = await self.index_of(record, rev)
        entry = RelayedEntry(index=index, own=2, record=UUID(record), rev=rev, proof=proof, **more)
        body = AcknowledgedBody(by=by or self.nation.code, at=at, entries=(entry,)).model_dump_json()
        event = told("down-city", "acknowledged", next(self.indices), body)
        async with self.city.node.context("exchange") as ctx:
            await keep(ctx, [event])
            await events.on_page_received(ctx, [delivered(event)])
        await self.city.node.settled()

    async def index_of(self, record: str, rev: int) -> int:
        query = "select index from exchange.feed_entry where feed = 'up' and record = $1::text::uuid and rev = $2"
        async with self.city.node.database.session() as session:
            found: int = await session.fetchval(query, record, rev)
        return found

    async def said(self, record: str) -> list[HolderChanged]:
        """What is told of the nation."""
        return [each for each in await self.signed.told(record) if each.holder == self.nation.code]

    async def withdrawn(self) -> str:
        return await withdrawn(self.city, f"示市监罚〔2026〕{next(_numbers)}号")


_nations = iter(f"nation{n}" for n in range(100))


@pytest.fixture
async def province(city: City, signed: Signer, tmp_path: Path) -> Province:
    async with city.node.database.session() as session:
        await session.execute("update exchange.chain set due = null")  # what other tests said of it
    return Province(city, neighbour(next(_nations), tmp_path / "nation"), signed, ticks=300 * (next(_numbers) - 800))


async def test_what_the_nation_signed_is_told_by_our_clock_with_the_key_that_is_pinned(province: Province):
    await province.tells_chain()
    record = await province.withdrawn()
    proof = province.proof(record)
    await province.passes_on(record, proof, at=datetime.fromisoformat("9000-01-01T00:00:00+00:00"))
    [told] = await province.said(record)
    assert (told.outcome, told.proof, told.rev) == ("acknowledged", proof, 2)
    assert told.at.year < 9000
    await province.passes_on(record, proof)
    assert len(await province.said(record)) == 1, "what is said twice is told once"


async def test_proofs_are_verified_beside_the_loop_however_many_a_body_has(
    province: Province, monkeypatch: pytest.MonkeyPatch
):
    threads, proven = list[bool](), relaying.proven

    def noted(*given: Any, **more: Any) -> Acknowledgement:
        threads.append(threading.current_thread() is threading.main_thread())
        return proven(*given, **more)

    monkeypatch.setattr(relaying, "proven", noted)
    await province.tells_chain()
    record = await province.withdrawn()
    await province.passes_on(record, province.proof(record))
    assert threads
    assert not any(threads)


async def test_what_it_refused_is_told_with_the_proof_of_that(province: Province):
    await province.tells_chain()
    record = await province.withdrawn()
    refused = ({"index": 2, "code": "minor"},)
    await province.passes_on(record, province.proof(record, refused=refused), code="minor")
    assert [(each.outcome, each.code) for each in await province.said(record)] == [("refused", "minor")]


FORGED: dict[str, Callable[[Province, str, Neighbour], tuple[Proof | None, dict[str, Any]]]] = {
    "by a fresh key": lambda p, r, other: (p.proof(r, by=other), {}),
    "by a fresh key under the name of the nation's": lambda p, r, other: (
        p.proof(r, by=other, key=p.nation.keys.key_id("node")), {},
    ),
    "by the nation, the key beside it another": lambda p, r, other: (
        p.proof(r).model_copy(update={"public": base64_text(other.keys.public("node").raw)}), {},
    ),
    "without a proof": lambda p, r, other: (None, {}),
    "of another record": lambda p, r, other: (p.proof(str(uuid4())), {}),
    "of another revision": lambda p, r, other: (p.proof(r, rev=1), {}),
    "of another change": lambda p, r, other: (p.proof(r, change="marked"), {}),
    "of a feed that is none of a node below it": lambda p, r, other: (p.proof(r, feed="creditmesh/other/up"), {}),
    "of another feed of the node below it": lambda p, r, other: (p.proof(r, feed="creditmesh/province/down"), {}),
    "by another node": lambda p, r, other: (p.proof(r, by=p.city.above), {}),
    "of entries before it": lambda p, r, other: (p.proof(r, until=2), {}),
    "of a tree it is not in": lambda p, r, other: (p.proof(r, root="00" * 32), {}),
    "on another path": lambda p, r, other: (p.proof(r).model_copy(update={"path": ()}), {}),
    "at another place": lambda p, r, other: (p.proof(r).model_copy(update={"index": 3}), {}),
    "refused, and said to be applied": lambda p, r, other: (p.proof(r, refused=({"index": 2, "code": "minor"},)), {}),
    "applied, and said to be refused": lambda p, r, other: (p.proof(r), {"code": "minor"}),
    "refused, with another code": lambda p, r, other: (
        p.proof(r, refused=({"index": 2, "code": "minor"},)), {"code": "unknown_item"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", FORGED)
async def test_what_the_nation_did_not_sign_so_is_told_to_nobody_and_does_not_stand_before_what_it_did(
    province: Province, tmp_path: Path, how: str
):
    await province.tells_chain()
    record = await province.withdrawn()
    proof, more = FORGED[how](province, record, neighbour("other", tmp_path / "other"))
    await province.passes_on(record, proof, **more)
    assert await province.said(record) == []
    await province.passes_on(record, province.proof(record))
    assert [each.outcome for each in await province.said(record)] == ["acknowledged"]


async def test_what_comes_before_its_signer_is_known_waits_for_that(province: Province):
    record = await province.withdrawn()
    await province.passes_on(record, province.proof(record))
    assert await province.said(record) == []
    await province.tells(province.nation.code, province.row(province.nation))
    assert await province.said(record) == [], "nobody says yet that it stands above the province"
    await province.tells("province", province.row(province.city.above, above=(province.nation.code,)))
    assert [each.outcome for each in await province.said(record)] == ["acknowledged"]


async def test_a_node_that_nobody_named_above_is_no_holder(province: Province, tmp_path: Path):
    await province.tells_chain()
    stranger = neighbour("stranger", tmp_path / "stranger")
    await province.tells("stranger", province.row(stranger))
    record = await province.withdrawn()
    await province.passes_on(record, province.proof(record, by=stranger), by="stranger")
    assert {each.holder for each in await province.signed.told(record)} == {"city"}


async def test_a_nations_key_is_replaced_by_itself_alone_and_never_by_the_province(province: Province, tmp_path: Path):
    await province.tells_chain()
    code = province.nation.code
    forged, renewed = (
        Neighbour(code, neighbour("x", tmp_path / "x").keys),
        Neighbour(code, neighbour("y", tmp_path / "y").keys),
    )
    first = province.row(province.nation)
    record = await province.withdrawn()
    await province.tells(code, province.row(forged))
    await province.tells(code, province.row(forged, by=province.city.above))
    await province.passes_on(record, province.proof(record, by=forged))
    assert await province.said(record) == []
    await province.tells(code, province.row(renewed, by=province.nation))
    await province.tells(code, first)
    await province.passes_on(record, province.proof(record))
    assert await province.said(record) == [], "a row of before brings no key back"
    await province.passes_on(record, province.proof(record, by=renewed))
    assert [each.outcome for each in await province.said(record)] == ["acknowledged"]


async def test_a_key_that_nobody_vouches_for_is_taken_by_an_operator_alone(province: Province, tmp_path: Path):
    await province.tells_chain()
    code, place = province.nation.code, f"/v1/admin/chain/province/{province.nation.code}/accept"
    fresh = Neighbour(code, neighbour("x", tmp_path / "x").keys)
    operator = province.city.node.operator()
    assert (await operator.post(place)).json()["code"] == "nothing_offered"
    await province.tells(code, province.row(fresh))
    record = await province.withdrawn()
    [row] = [each for each in (await operator.get("/v1/admin/chain")).json()["items"] if each["node"] == code]
    assert [key["public"] for key in row["offered"]] == [base64_text(fresh.keys.public("node").raw)]
    assert (await operator.post(place)).status_code == 200
    await province.passes_on(record, province.proof(record, by=fresh))
    assert [each.outcome for each in await province.said(record)] == ["acknowledged"]


async def test_the_rows_of_a_direct_peer_are_signed_by_the_key_that_its_operator_handed_over(
    province: Province, tmp_path: Path
):
    forged = Neighbour("province", neighbour("z", tmp_path / "z").keys)
    await province.tells("province", province.row(forged, above=(province.nation.code,)))
    await province.tells(province.nation.code, province.row(province.nation))
    record = await province.withdrawn()
    await province.passes_on(record, province.proof(record))
    assert await province.said(record) == []


async def test_a_row_is_passed_on_as_it_was_signed_and_this_nodes_own_is_there(province: Province):
    await province.tells("province", province.row(province.city.above, above=(province.nation.code,)))
    row = province.row(province.nation)
    await province.tells(province.nation.code, row)
    entries, _ = await province.city.page("down", by="district")
    bodies = [NodeBody.model_validate_json(each.body or "") for each in entries if '"kind":"node"' in (each.body or "")]
    assert [each.row for each in bodies if each.code == province.nation.code] == [row]
    [own] = [each for each in bodies if each.code == "city"]
    said = NodeRow.model_validate_json(own.row.signed)
    assert (said.node, said.tier, said.above) == ("city", "city", ("province",))


async def test_content_needs_no_proof_and_is_told_to_nobody(province: Province):
    await province.tells_chain()
    [verdict] = await submitted(province.city, f"示市监罚〔2026〕{next(_numbers)}号")
    await province.passes_on(verdict["record"], None, rev=1)
    index = await province.index_of(verdict["record"], 1)
    query = "select applied::text from exchange.answer where node = $1"
    async with province.city.node.database.session() as session:
        assert await session.fetchval(query, province.nation.code) == f"{{[{index},{index + 1})}}"
    assert await province.said(verdict["record"]) == []


@pytest.mark.parametrize("body", [None, "", "{}", '{"by": "nation", "at": "0001-01-01T00:00:00+14:00", "entries": []}'])
async def test_what_cannot_be_read_stops_nothing(province: Province, body: str | None):
    event = told("down-city", "acknowledged", 0, body)
    row = told("down", "catalogue", 0, body)
    async with province.city.node.context("exchange") as ctx:
        await events.on_page_received(ctx, [delivered(event), delivered(row)])


FAR = datetime.fromisoformat("2126-01-01T00:00:00+00:00")


async def standing(province: Province, code: str) -> dict[str, Any]:
    """The row of a node that came from the province, as the operator sees it."""
    items = (await province.city.node.operator().get("/v1/admin/chain")).json()["items"]
    [row] = [each for each in items if (each["peer"], each["node"]) == ("province", code)]
    return row


@pytest.mark.parametrize("known", [False, True])
async def test_a_row_of_a_time_to_come_is_believed_by_nobody_and_stands_before_no_other(
    province: Province, tmp_path: Path, *, known: bool
):
    code = province.nation.code
    await province.tells("province", province.row(province.city.above, above=(code,), tier="province"))
    if known:
        await province.tells(code, province.row(province.nation))
    renewed = Neighbour(code, neighbour("y", tmp_path / "y").keys)
    await province.tells(code, province.row(renewed if known else province.nation, by=province.nation, at=FAR))
    if known:
        await province.tells(code, province.row(renewed, by=province.nation))
    else:
        await province.tells(code, province.row(renewed))
    record = await province.withdrawn()
    await province.passes_on(record, province.proof(record, by=renewed))
    assert [each.outcome for each in await province.said(record)] == ["acknowledged"]
    assert (await standing(province, code))["at"] < "2126"


async def test_a_row_of_a_time_to_come_that_an_older_version_believed_gives_way_to_the_next(
    province: Province, tmp_path: Path
):
    await province.tells_chain()
    code = province.nation.code
    async with province.city.node.database.session() as session:
        await session.execute(
            "update exchange.chain set data = $1 where peer = 'province' and node = $2",
            province.row(province.nation, at=FAR).model_dump_json(), code,
        )  # fmt: skip
    renewed = Neighbour(code, neighbour("y", tmp_path / "y").keys)
    await province.tells(code, province.row(renewed, by=province.nation))
    row = await standing(province, code)
    assert [key["public"] for key in row["keys"]] == [base64_text(renewed.keys.public("node").raw)]


@pytest.mark.parametrize("at", [FAR, NOW - timedelta(days=1)])
async def test_a_row_of_another_time_is_offered_to_the_operator_who_may_take_it(
    province: Province, tmp_path: Path, at: datetime
):
    await province.tells_chain()
    code = province.nation.code
    renewed = Neighbour(code, neighbour("y", tmp_path / "y").keys)
    await province.tells(code, province.row(renewed, at=at))
    keys = [base64_text(renewed.keys.public("node").raw)]
    assert [key["public"] for key in (await standing(province, code))["offered"]] == keys
    answer = await province.city.node.operator().post(f"/v1/admin/chain/province/{code}/accept")
    assert answer.status_code == 200, answer.text
    assert [key["public"] for key in (await standing(province, code))["keys"]] == keys


async def count(province: Province, query: str) -> int:
    async with province.city.node.database.session() as session:
        found: int = await session.fetchval(query)
    return found


async def test_rows_of_nodes_that_nobody_names_are_neither_believed_nor_passed_on_and_wait(
    province: Province, tmp_path: Path
):
    await province.tells_chain()
    believed = "select count(*) from exchange.chain where peer = 'province'"
    down = "select size from exchange.feed_head where feed = 'down'"
    before = await count(province, believed), await count(province, down)
    some = neighbour("some", tmp_path / "some").keys
    strangers = [Neighbour(f"stranger{n}", some) for n in range(150)]
    rows = {each.code: province.row(each) for each in strangers}
    pages = [
        told("down", "catalogue", next(province.indices), NodeBody(code=code, row=row).model_dump_json())
        for code, row in rows.items()
    ]
    async with province.city.node.context("exchange") as ctx:
        await keep(ctx, pages)
        await events.on_page_received(ctx, [delivered(page) for page in pages])
    assert (await count(province, believed), await count(province, down)) == before
    named = tuple(rows)[:60]
    await province.tells("province", province.row(province.city.above, above=(province.nation.code, *named)))
    assert await count(province, believed) == before[0] + len(named), "what waited is believed when it is named"
    await province.tells(named[0], province.row(strangers[0], above=tuple(rows)[60:120]))
    assert await count(province, believed) < before[0] + MOST_ABOVE


async def test_a_row_that_says_what_it_said_is_not_passed_on_again(province: Province):
    await province.tells_chain()
    down = "select size from exchange.feed_head where feed = 'down'"
    before = await count(province, down)
    for _ in range(3):
        await province.tells(province.nation.code, province.row(province.nation))
    assert await count(province, down) == before


async def test_who_is_above_is_told_once_and_the_city_itself_is_not_among_them(province: Province):
    await province.tells("province", province.row(province.city.above, above=(province.nation.code, "city")))
    await province.tells(province.nation.code, province.row(province.nation))
    told = await chains_told(province)
    assert told[-1] == ChainChanged(peer="province", above=("province", province.nation.code))
    await province.tells(province.nation.code, province.row(province.nation, tier="province"))
    await province.tells("nobody", province.row(province.nation))
    assert await chains_told(province) == told, "the nation says something else of itself, and stands where it stood"


async def chains_told(province: Province) -> list[ChainChanged]:
    async with province.city.node.database.session() as session:
        rows = await session.fetch("select data from bus.event where type = 'chain.changed' order by id")
    return [ChainChanged.model_validate_json(row["data"]) for row in rows]


async def test_what_came_while_a_peer_took_part_is_taken_after_it_was_taken_out(province: Province):
    await province.tells_chain()
    record = await province.withdrawn()
    keys = province.city.above.keys
    await province.city.publish("party", row_of("province", keys, place="above", order=701, active=False))
    await province.passes_on(record, province.proof(record))
    assert [each.outcome for each in await province.said(record)] == ["acknowledged"]
    await province.city.publish("party", row_of("province", keys, place="above", order=701), again=True)


async def test_nobody_says_that_this_node_stands_above_itself(province: Province, tmp_path: Path):
    province.nation = neighbour("city", tmp_path / "fake")
    await province.tells("province", province.row(province.city.above, above=("city",), tier="province"))
    await province.tells("city", province.row(province.nation, above=("province",)))
    record = await province.withdrawn()
    await province.passes_on(record, province.proof(record, above=()))
    assert [(each.holder, each.outcome, each.above) for each in await province.signed.told(record)] == [
        ("city", "told", ("province",))
    ]


async def test_the_keys_of_a_peer_are_those_of_its_row_here_whichever_peer_passes_another_on(
    province: Province, tmp_path: Path
):
    province.nation = Neighbour("district", neighbour("forged", tmp_path / "forged").keys)
    await province.tells("province", province.row(province.city.above, above=("district",), tier="province"))
    down = "select size from exchange.feed_head where feed = 'down'"
    before = await count(province, down)
    await province.tells("district", province.row(province.nation))
    assert await count(province, down) == before
    record = await province.withdrawn()
    await province.passes_on(record, province.proof(record))
    assert await province.said(record) == []


async def test_a_forged_row_of_a_peer_that_an_older_version_believed_proves_nothing(province: Province, tmp_path: Path):
    province.nation = Neighbour("district", neighbour("forged", tmp_path / "forged").keys)
    await province.tells("province", province.row(province.city.above, above=("district",), tier="province"))
    async with province.city.node.database.session() as session:
        await session.execute(
            "insert into exchange.chain (peer, node, data) values ('province', 'district', $1)",
            province.row(province.nation).model_dump_json(),
        )
    record = await province.withdrawn()
    await province.passes_on(record, province.proof(record))
    async with province.city.node.database.session() as session:
        await session.execute("delete from exchange.chain where node = 'district'")
    assert await province.said(record) == []


async def told_at_once(province: Province, rows: Sequence[tuple[str, SignedText]]) -> None:
    pages = [
        told("down", "catalogue", next(province.indices), NodeBody(code=code, row=row).model_dump_json())
        for code, row in rows
    ]
    async with province.city.node.context("exchange") as ctx:
        await keep(ctx, pages)
        await events.on_page_received(ctx, [delivered(page) for page in pages])


async def test_a_node_that_says_something_else_again_and_again_fills_nobodys_feed(province: Province):
    await province.tells_chain()
    code, place = province.nation.code, f"/v1/admin/chain/province/{province.nation.code}/accept"
    down = "select size from exchange.feed_head where feed = 'down'"
    before = await count(province, down)
    for _ in range(2):
        rows = [province.row(province.nation, above=("xx", "yy")[: 1 + n % 2]) for n in range(100)]
        await told_at_once(province, [(code, row) for row in rows])
    assert await count(province, down) == before + MOST_AT_ONCE // timedelta(hours=1) - 1
    assert (await province.city.node.operator().post(place)).json()["above"] == ["xx", "yy"], "the last one waits"
    async with province.city.node.database.session() as session:
        await session.execute("update exchange.chain set due = due - interval '2 hours' where node = $1", code)
    await told_at_once(province, [(code, province.row(province.nation, above=("xx",)))])
    assert (await standing(province, code))["above"] == ["xx"], "one an hour"


async def test_of_a_node_that_nobody_names_the_newest_row_waits(province: Province):
    rows = [province.row(province.nation, above=(f"xx{n}",)) for n in range(30)]
    await told_at_once(province, [(province.nation.code, row) for row in rows])
    waits = f"select count(*) from exchange.unnamed where node = '{province.nation.code}'"
    assert await count(province, waits) == 1
    await province.tells("province", province.row(province.city.above, above=(province.nation.code,), tier="province"))
    assert (await standing(province, province.nation.code))["above"] == ["xx29"]


async def test_a_row_that_says_much_that_nobody_reads_is_not_passed_on(province: Province):
    await province.tells("province", province.row(province.city.above, above=(province.nation.code,), tier="province"))
    down = "select size from exchange.feed_head where feed = 'down'"
    before = await count(province, down)
    plain = NodeRow.model_validate_json(province.row(province.nation).signed)
    text = plain.model_dump_json()[:-1] + f', "more": "{"x" * 20_000}"}}'
    signature = b64encode(province.nation.keys.sign(text.encode())).decode()
    await province.tells(province.nation.code, SignedText(signed=text, signature=signature))
    assert await count(province, down) == before


async def test_an_answer_is_bounded_before_it_is_read(province: Province):
    await province.tells_chain()
    record = await province.withdrawn()
    index = await province.index_of(record, 2)
    entry = RelayedEntry(index=index, own=2, record=UUID(record), rev=2, proof=province.proof(record))
    body = AcknowledgedBody(by=province.nation.code, at=NOW, entries=(entry,)).model_dump_json()
    for more, outcomes in ((4 * 1024 * 1024, []), (1024 * 1024, ["acknowledged"])):
        event = told("down-city", "acknowledged", next(province.indices), body[:-1] + f', "more": "{"x" * more}"}}')
        async with province.city.node.context("exchange") as ctx:
            await events.on_page_received(ctx, [delivered(event)])
        await province.city.node.settled()
        assert [each.outcome for each in await province.said(record)] == outcomes


async def test_what_waited_for_a_row_is_taken_some_at_a_time_and_not_where_the_row_is_taken(
    province: Province, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(relaying, "_MOST_WAITING", 2)
    records = [await province.withdrawn() for _ in range(5)]
    for record in records:
        await province.passes_on(record, province.proof(record))
    waits = f"select count(*) from exchange.unnamed where node = '{province.nation.code}' and type = 'acknowledged'"
    taken: list[int] = []
    take = relaying.take_waiting

    async def counted(ctx: Context, *peer: str) -> bool:
        done = await take(ctx, *peer)
        taken.append(await (await ctx.session()).value(waits, {}))
        return done

    monkeypatch.setattr(relaying, "take_waiting", counted)
    await province.tells_chain()
    assert [left for left in dict.fromkeys(taken) if left < 5] == [3, 1, 0], "each turn commits by itself"
    assert [[each.outcome for each in await province.said(record)] for record in records] == [["acknowledged"]] * 5


async def test_what_waited_is_taken_as_soon_as_more_is_known(province: Province, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(passer, "SECONDS_TO_LOOK", 600.0)
    try:
        for _ in range(2):  # it may still rest a second, and then it would rest for long
            await province.tells_chain()
    finally:
        monkeypatch.undo()
        province.city.node.host.notifications.notice(GROWN)


async def test_a_peer_whose_answers_cannot_be_taken_yet_holds_up_no_other(
    province: Province, monkeypatch: pytest.MonkeyPatch
):
    await province.tells("province", province.row(province.city.above, above=(province.nation.code,), tier="province"))
    record = await province.withdrawn()
    await province.passes_on(record, province.proof(record))
    links = chain.links

    async def not_yet(ctx: Context, peer: str) -> dict[str, chain.Link]:
        if peer == "a_peer":
            raise Transient("an answer is about a revision that is being made again")
        return await links(ctx, peer)

    async def taken() -> bool:
        return [each.outcome for each in await province.said(record)] == ["acknowledged"]

    monkeypatch.setattr(chain, "links", not_yet)
    async with province.city.node.database.session() as session:
        await session.execute("insert into exchange.grown (peer) values ('a_peer')")
    try:
        await told_at_once(province, [(province.nation.code, province.row(province.nation))])
        await eventually(taken)
    finally:
        async with province.city.node.database.session() as session:
            await session.execute("delete from exchange.grown where peer = 'a_peer'")


async def test_of_too_many_rows_the_last_is_believed_as_soon_as_it_is_due(province: Province):
    await province.tells_chain()
    code = province.nation.code
    rows = [province.row(province.nation, above=("xx", "yy")[: 1 + n % 2]) for n in range(100)]
    await told_at_once(province, [(code, row) for row in rows])
    assert (await standing(province, code))["above"] != ["xx", "yy"]
    async with province.city.node.database.session() as session:
        await session.execute("update exchange.chain set due = due - interval '2 hours' where node = $1", code)

    async def believed() -> bool:
        return (await standing(province, code))["above"] == ["xx", "yy"]

    await eventually(believed)
    assert (await standing(province, code))["offered"] == []
