"""A nation that holds the row of a city takes of its records what the city said, and nothing that others made of it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest

from creditmesh.catalogue import operations as catalogue
from creditmesh.catalogue.objects import entry_of
from creditmesh.exchange.entries import place_of, record_draft, sealed_fields
from creditmesh.exchange.operations import chain, originals, sealing, sharing
from creditmesh.exchange.operations.feeds import append
from creditmesh.exchange.operations.sealing import cipher_of
from creditmesh.exchange.peer import Peer
from creditmesh.exchange.store import chain as rows
from creditmesh.schemas.chain import PASSED
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.exchange import UP
from creditmesh.schemas.origins import OriginRun
from creditmesh.schemas.signed import sign
from tests.exchange.conftest import NOW, neighbour, row_of
from tests.journeys.mesh import Mesh, accepted, act, done, enterprise, filed
from tests.journeys.mesh import assembled as everywhere
from tests.journeys.test_chain_repair import certificate
from tests.support.cast import penalty, resident
from tests.support.chain import Place, chained, enrol
from tests.support.eventually import eventually
from tests.support.postgres import Postgres

THREE = (
    Place(code="nation", tier="nation"),
    Place(code="province", tier="province", above="nation"),
    Place(code="city", tier="city", above="province"),
)
LINES = "select line, salt, index from exchange.feed_entry where feed = 'up' and record = $1 order by index"
REFUSED = "select code from exchange.refused_entry where peer = 'province' and feed = 'up' order by index"


@pytest.fixture(scope="module")
async def three(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    """A city, its province and the nation, of which the last knows its neighbour alone."""
    async with chained(postgres, tmp_path_factory.mktemp("three"), *THREE) as made:
        yield await everywhere(made)


async def lines_of(mesh: Mesh, record: str, code: str) -> list[str]:
    async with mesh.chain[code].database.session() as session:
        return [row["line"] for row in await session.fetch(LINES, UUID(record))]


@pytest.fixture(scope="module")
async def demanding(three: Mesh) -> Mesh:
    """The same, when the city's operator has handed the nation the city's row."""
    await enrol(three.chain["nation"], three.chain["city"], place=None)
    return three


async def held(mesh: Mesh, record: str, code: str = "nation") -> list[tuple[str, int, Any]]:
    found = (await mesh.revisions(record))[code]
    return [(row["change"], row["rev"], row["fields"].get("CF_WFXW")) for row in found]


async def refused(mesh: Mesh) -> list[str]:
    async with mesh.chain["nation"].database.session() as session:
        return [row["code"] for row in await session.fetch(REFUSED)]


async def forge(mesh: Mesh, record: str, *, rev: int, content_of: str | None = None, **said: Any) -> None:
    """The province writes an entry of its own about the record, with what it likes, sealed as it seals its own."""
    said_there = (await mesh.revisions(content_of or record))["province"]
    source = RecordChanged.model_validate_json(orjson.dumps(said_there[0]))
    fields = source.fields | said.pop("fields", {})
    told = {"record": UUID(record), "rev": rev, "revision": uuid4(), "change": "corrected", "fields": fields}
    event = source.model_copy(update=told | said)
    async with mesh.chain["province"].context("exchange") as ctx:
        opened = await sharing._opened(ctx, [source])
        sealed = (await cipher_of(ctx, UP)).seal(
            sealed_fields(source, opened[source.revision]), place=place_of("province", UP, event.record, rev)
        )
        await append(ctx, UP, [record_draft(event, at=NOW, sealed=sealed)])
    await mesh.settled()


async def test_without_the_row_of_the_city_the_nation_has_the_word_of_the_province_alone(three: Mesh):
    record = await accepted(three.city, enterprise(three.city, "示市监罚〔2026〕941号", 941))
    await three.settled()
    await forge(three, record, rev=2, fields={"CF_WFXW": "其他"})
    assert [change for change, _, _ in await held(three, record)] == ["accepted", "corrected"]
    assert await refused(three) == []


async def says_that_it_reads(mesh: Mesh, reads: tuple[str, ...]) -> None:
    """The province has of the nation the row of a version that reads these."""
    equipment = mesh.chain["nation"].host.equipment["exchange"]
    row = chain.own_row(equipment)
    assert row is not None
    said = sign(row.model_copy(update={"reads": reads}), by=equipment.keys.sign)
    async with mesh.chain["province"].context("exchange") as ctx:
        await rows.keep(await ctx.session(), "nation", "nation", said.model_dump_json(), at=ctx.instant)


async def test_a_nation_that_does_not_say_that_it_reads_such_entries_is_given_what_it_can_open(three: Mesh):
    for reads in ((), (PASSED,)):
        await says_that_it_reads(three, reads)
        record = await accepted(
            three.city, enterprise(three.city, f"示市监罚〔2026〕95{len(reads)}号", 950 + len(reads))
        )
        await three.settled()
        assert [change for change, _, _ in await held(three, record)] == ["accepted"]
        passed = await lines_of(three, record, "province") == await lines_of(three, record, "city")
        assert passed is bool(reads)


async def test_who_has_said_nothing_of_itself_yet_is_given_what_came_for_it_may_demand_the_proof(three: Mesh):
    async with three.chain["province"].database.session() as session:
        data = await session.fetchval("delete from exchange.chain where peer = 'nation' returning data")
    record = await accepted(three.city, enterprise(three.city, "示市监罚〔2026〕953号", 953))
    await three.settled()
    assert [change for change, _, _ in await held(three, record)] == ["accepted"]
    assert await lines_of(three, record, "province") == await lines_of(three, record, "city")
    async with three.chain["province"].context("exchange") as ctx:
        await rows.keep(await ctx.session(), "nation", "nation", data, at=ctx.instant)


async def test_of_one_origin_so_many_keys_are_passed_on_and_no_more(three: Mesh, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sealing, "MOST_PASSED", 0)
    async with three.chain["province"].database.session() as session:
        await session.execute("update exchange.feed_key set key = 'other/' || key where key like 'city/%'")
    record = await accepted(
        three.city, penalty("示市监罚〔2026〕954号", today=three.city.today, CF_XDR_ZJHM=resident(954))
    )
    await three.settled()
    assert [change for change, _, _ in await held(three, record)] == ["accepted"], "it is sealed anew"
    assert await lines_of(three, record, "province") != await lines_of(three, record, "city")
    async with three.chain["province"].database.session() as session:
        await session.execute("update exchange.feed_key set key = substr(key, 7) where key like 'other/city/%'")


async def test_what_the_city_says_crosses_to_the_letter_and_is_proven(demanding: Mesh):
    row = enterprise(demanding.city, "示市监罚〔2026〕942号", 942)
    await demanding.person("subject", row["CF_XDR_SHXYM"], kind="organisation", document="uscc", at=("city",))
    record = await accepted(demanding.city, row)
    person = await accepted(
        demanding.city, penalty("示市监罚〔2026〕943号", today=demanding.city.today, CF_XDR_ZJHM=resident(943))
    )
    await demanding.settled()
    said = {"fields": row | {"CF_WFXW": "其他"}, "reason": "error"}
    done(
        await demanding.city.door("owner").post(
            f"/v1/records/{record}/corrections", json=said, headers={"If-Match": '"1"'}
        )
    )
    case = await filed(demanding.city, "objection", record)
    await act(demanding.city, case, action="approve", remedy="withdraw", basis="示市监撤〔2026〕2号")
    await demanding.settled()
    assert [change for change, _, _ in await held(demanding, record)] == [
        "accepted", "corrected", "marked", "withdrawn",
    ]  # fmt: skip
    assert await held(demanding, record) == await held(demanding, record, "city")
    await demanding["nation"].person("person", resident(943))
    (mine,) = done(await demanding["nation"].door("person").get("/v1/me/file"))["records"]
    assert (mine["record"], mine["fields"]["CF_XDR_ZJHM"]) == (person, resident(943))
    for each in (record, person):
        assert await lines_of(demanding, each, "province") == await lines_of(demanding, each, "city") != []
    assert await refused(demanding) == []
    assert (await certificate(demanding, case)).complete


async def test_one_answer_gives_so_many_leaves_and_says_from_where_to_ask_on(
    demanding: Mesh, monkeypatch: pytest.MonkeyPatch
):
    equipment = demanding.chain["nation"].host.equipment["exchange"]
    async with demanding.chain["province"].database.session() as session:
        size = await session.fetchval("select max(index)::int + 1 from exchange.feed_entry where feed = 'up'")
    async with httpx.AsyncClient() as client:
        asked = Peer(
            party=equipment.followed.party("province"),
            node="nation",
            keys=equipment.keys,
            clock=equipment.clock,
            client=client,
        )
        whole = await asked.origins("up", after=0, until=size + 10)
        assert whole is not None
        assert (whole.until, len(whole.runs) > 1) == (size, True)
        monkeypatch.setattr(originals, "MOST_GIVEN", 1)
        after, found = 0, list[OriginRun]()
        while after < size:
            given = await asked.origins("up", after=after, until=size)
            assert given is not None
            assert (len(given.runs) <= 1, given.until > after) == (True, True)
            found, after = [*found, *given.runs], given.until
    assert {run.first: run for run in found} == {run.first: run for run in whole.runs}


async def test_a_province_that_alters_swaps_replays_or_ends_is_refused_entry_by_entry(demanding: Mesh):
    row = enterprise(demanding.city, "示市监罚〔2026〕944号", 944)
    record = await accepted(demanding.city, row)
    other = await accepted(demanding.city, enterprise(demanding.city, "示市监罚〔2026〕945号", 945))
    await demanding.settled()
    said = {"fields": row | {"CF_WFXW": "其他"}, "reason": "error"}
    done(
        await demanding.city.door("owner").post(
            f"/v1/records/{record}/corrections", json=said, headers={"If-Match": '"1"'}
        )
    )
    await demanding.settled()
    before, known = await held(demanding, record), len(await refused(demanding))
    assert [(change, rev) for change, rev, _ in before] == [("accepted", 1), ("corrected", 2)]
    await forge(demanding, record, rev=13, fields={"CF_WFXW": "未按规定公示"})
    await forge(demanding, record, rev=14, content_of=other)
    await forge(demanding, record, rev=15)  # what the first revision said
    await forge(demanding, record, rev=16, change="withdrawn", state="withdrawn", reason="revoked")
    await forge(demanding, str(uuid4()), rev=1, content_of=record, change="accepted")
    shown_no_more = ("withheld", 3, before[-1][2])
    assert await held(demanding, record) == [*before, shown_no_more], "it may hide, and say nothing else"
    assert (await refused(demanding))[known:] == ["not_of_origin"] * 5
    again = {"fields": row | {"CF_WFXW": "其他", "CF_YJ": "示例依据"}, "reason": "error"}
    done(
        await demanding.city.door("owner").post(
            f"/v1/records/{record}/corrections", json=again, headers={"If-Match": '"2"'}
        )
    )
    await demanding.settled()
    assert [(change, rev) for change, rev, _ in await held(demanding, record)][3:] == [("corrected", 4)]


async def test_what_comes_without_a_proof_is_not_taken_and_no_certificate_says_it_was(demanding: Mesh):
    row = enterprise(demanding.city, "示市监罚〔2026〕946号", 946)
    await demanding.person("subject", row["CF_XDR_SHXYM"], kind="organisation", document="uscc", at=("city",))
    record = await accepted(demanding.city, row)
    await demanding.settled()
    known = len(await refused(demanding))
    await says_that_it_reads(demanding, ())  # so that the province seals everything anew, as an older version does
    late = await accepted(demanding.city, enterprise(demanding.city, "示市监罚〔2026〕947号", 947))
    case = await filed(demanding.city, "objection", record)
    await act(demanding.city, case, action="approve", remedy="withdraw", basis="示市监撤〔2026〕3号")
    await demanding.settled()
    assert [change for change, _, _ in await held(demanding, record)] == ["accepted", "withheld"]
    assert [change for change, _, _ in await held(demanding, record, "province")] == ["accepted", "marked", "withdrawn"]
    assert await held(demanding, late) == []
    assert (await refused(demanding))[known:] == ["not_of_origin"] * 3
    assert not (await certificate(demanding, case)).complete
    await says_that_it_reads(demanding, (PASSED,))


async def test_a_city_with_a_new_key_is_refused_until_its_row_is_handed_over_and_then_offered(
    demanding: Mesh, tmp_path: Path
):
    nation = demanding.chain["nation"]
    other = row_of("city", neighbour("city", tmp_path / "keys").keys, place="below", order=947) | {"place": None}
    await demanding.publish("nation", "party", other)
    record = await accepted(demanding.city, enterprise(demanding.city, "示市监罚〔2026〕948号", 948))
    await demanding.settled()
    assert await held(demanding, record) == []
    assert (await refused(demanding))[-1] == "not_of_origin"
    await enrol(nation, demanding.chain["city"], place=None, again=True)
    await demanding.settled()
    after: int | None = 0
    while after is not None:
        answer = await nation.operator().post("/v1/admin/feeds/province/up/offer", params={"after": after})
        after = done(answer)["next"]
    await demanding.settled()
    assert [change for change, _, _ in await held(demanding, record)] == ["accepted"]
    assert set(await refused(demanding)) == {"not_of_origin"}, "what was never the city's stays refused"


async def say_of(mesh: Mesh, body: dict[str, Any]) -> None:
    """The operator of the province says this of a node, and the province has heard it."""
    province = mesh.chain["province"]
    async with province.context("catalogue") as ctx:
        await catalogue.publish(ctx, [entry_of("party", body)], issued_by="province")

    def is_heard() -> bool:
        party = province.host.followed.party(body["code"])
        return party is not None and party.active is body.get("active", True)

    await eventually(is_heard)


async def take_out(mesh: Mesh, code: str) -> None:
    body = mesh.chain["province"].host.followed.party(code)
    assert body is not None
    await say_of(mesh, body.model_dump(mode="json", exclude_none=True) | {"active": False})


async def test_what_came_while_a_node_above_was_taken_out_is_proven_when_it_is_enrolled_again(demanding: Mesh):
    known = len(await refused(demanding))
    await take_out(demanding, "nation")
    row = enterprise(demanding.city, "示市监罚〔2026〕949号", 949)
    record = await accepted(demanding.city, row)

    async def is_shared() -> bool:
        return bool(await lines_of(demanding, record, "province"))

    await eventually(is_shared)
    assert await lines_of(demanding, record, "province") == await lines_of(demanding, record, "city")
    await enrol(demanding.chain["province"], demanding.chain["nation"], place="above", again=True)
    await demanding.settled()
    assert [change for change, _, _ in await held(demanding, record)] == ["accepted"]
    assert len(await refused(demanding)) == known


async def test_a_second_node_above_that_has_said_nothing_of_itself_yet_costs_the_first_nothing(
    demanding: Mesh, tmp_path: Path
):
    province = demanding.chain["province"]
    silent = row_of("nation2", neighbour("nation2", tmp_path / "keys").keys, place="above", order=950)
    await say_of(demanding, silent)
    async with province.context("exchange") as ctx:
        assert {peer.code for peer in ctx.followed(Directory).peers("above")} == {"nation", "nation2"}
        assert await originals._is_read(ctx)
    await take_out(demanding, "nation2")
    async with province.context("exchange") as ctx:
        assert await originals._is_read(ctx)
