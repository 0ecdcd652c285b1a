"""What was refused for want of something here is offered again: by itself nothing comes back."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from uuid import UUID, uuid4

import orjson
import pytest

from creditmesh.chassis.packing import unpack
from creditmesh.exchange.chunks import alone
from creditmesh.exchange.operations import offering, telling
from creditmesh.exchange.peer import Peer, PulledPage
from creditmesh.exchange.store import revisions
from creditmesh.exchange.store.revisions import ContentPlace
from creditmesh.schemas.events import PageReceived
from creditmesh.schemas.exchange import FeedEntry
from tests.exchange.conftest import City
from tests.exchange.sender import Puller
from tests.exchange.test_catching_up import PAGES, chain_revisions
from tests.exchange.test_pulling import puller  # noqa: F401 - a fixture
from tests.exchange.test_restoring import submit, withdraw
from tests.support.chain import Chain, Place, chained, enrol
from tests.support.node import TestNode
from tests.support.postgres import Postgres

REFUSED = "select refused::text from exchange.answer where feed = 'up' and node = 'province'"


@pytest.fixture
async def chain(postgres: Postgres, tmp_path: Path) -> AsyncIterator[Chain]:
    places = (
        Place(code="province", tier="province"),
        Place(code="city", tier="city", above="province"),
        Place(code="county", tier="city", above="city"),
    )
    async with chained(postgres, tmp_path, *places) as made:
        yield made


async def refused(chain: Chain) -> str:
    async with chain["city"].database.session() as session:
        return str(await session.fetchval(REFUSED))


async def offer(chain: Chain) -> int:
    offered, after = 0, 0
    while after is not None:
        answer = await chain["province"].operator().post(f"/v1/admin/feeds/city/up/offer?after={after}")
        assert answer.status_code == 200, answer.text
        offered, after = offered + answer.json()["offered"], answer.json()["next"]
    await chain.settled()
    return offered


async def test_what_was_refused_for_want_of_a_right_is_taken_when_it_is_there(chain: Chain):
    county, city, province = chain["county"], chain["city"], chain["province"]
    held = await submit(county, 1)
    await chain.settled()
    await enrol(province, city, place="below", sends_for=("city",))
    ended, kept = await submit(county, 2), await submit(county, 3)
    await withdraw(county, ended, 1)
    await chain.settled()
    assert (await chain_revisions(chain, "province")).keys() == {UUID(held)}
    before = await refused(chain)
    assert before != "{}"
    assert await said(province) == {"origin_not_allowed": 3}, "its own operator sees it too"
    assert await offer(chain) == 3
    assert await refused(chain) == before, "what is refused once more stays so"
    await enrol(province, city, place="below", sends_for=("city", "county", "town"))
    await chain.settled()
    assert await offer(chain) == 3
    assert await chain_revisions(chain, "province") == {UUID(held): ["accepted"], UUID(kept): ["accepted"]}
    assert await refused(chain) == "{}"
    assert await said(province) == {}
    assert await offer(chain) == 0


async def said(province: TestNode) -> dict[str, int]:
    """What the province's operator is told of what it refuses of the city's feed."""
    found = (await province.operator().get("/v1/admin/feeds")).raise_for_status().json()["items"]
    (copy,) = (each for each in found if (each["peer"], each["feed"]) == ("city", "up"))
    return dict(copy["refused"])


async def offered_while(at: Puller, monkeypatch: pytest.MonkeyPatch, *changes: str) -> list[PageReceived]:
    """The pages that are told when refused content is offered, and this comes of its record while it is asked for."""
    code, record = at.sender.who.code, str(uuid4())
    of_record = {"type": "record", "origin": code, "record": record}
    at.sender.add(rev=1, change="accepted", **of_record)
    await at.step()
    await at.city.node.settled()

    async def asked(*args: object) -> dict[int, FeedEntry]:
        entries = args[-1]
        assert isinstance(entries, Sequence)
        for rev, change in enumerate(changes, start=2):
            at.sender.add(rev=rev, change=change, **of_record)
            await at.step()
        return {
            each.index: FeedEntry.model_validate_json(orjson.dumps(at.sender.entries[each.index])) for each in entries
        }

    monkeypatch.setattr(offering, "_asked", asked)
    async with at.city.node.database.session() as session:
        before = {row["data"] for row in await session.fetch(PAGES, code)}
    answer = await at.city.node.operator().post(f"/v1/admin/feeds/{code}/up/offer")
    assert (answer.status_code, answer.json()["offered"]) == (200, 1), answer.text
    async with at.city.node.database.session() as session:
        rows = await session.fetch(PAGES, code)
    return [PageReceived.model_validate_json(unpack(row["data"])) for row in rows if row["data"] not in before]


async def test_what_ends_while_it_is_asked_for_is_told_without_its_content(
    puller: Puller,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
):
    told = await offered_while(puller, monkeypatch, "withdrawn")
    again = [page for page in told if page.first == 0]
    assert [page.replaced for page in again] == [(0,)]
    assert [page.entries[0].body for page in again] == [None]
    assert len([page for page in told if page.first == 1]) == 2, "and its end behind it"


async def test_what_is_the_same_when_it_was_asked_for_is_told_whole(puller: Puller, monkeypatch: pytest.MonkeyPatch):  # noqa: F811
    told = await offered_while(puller, monkeypatch)
    assert [(page.first, page.replaced) for page in told] == [(0, ())]
    assert told[0].entries[0].body is not None


REVISIONS = """
insert into exchange.sent_revision (record, rev, peer, index, change)
select $1, n, $2, n, case when n % 10000 = 0 then 'discharged' else 'corrected' end from generate_series(1, 50000) n
"""


async def test_a_record_that_was_corrected_again_and_again_is_read_once_however_much_of_it_is_asked_for(city: City):
    peer, record = "district", uuid4()
    async with city.node.database.session() as session:
        await session.execute(REVISIONS, record, peer)
    content = [ContentPlace(record, rev, rev) for rev in range(1, 50_001) if rev % 10_000]
    async with city.node.context("exchange") as ctx:
        session = await ctx.session()
        gone = await revisions.replaced(session, peer, content)
        told, beyond = dict[int, bool](), -1
        while behind := await revisions.following(session, peer, "up", [1], {record: 1}, beyond=beyond, limit=5000):
            told, beyond = told | behind, max(behind)
    says = set(range(9_999, 50_000, 10_000))
    assert gone == {each.index for each in content} - says, "one that was discharged from says who that was"
    assert list(told) == list(range(1, 50_001))
    assert {index for index, replaced in told.items() if replaced} == gone - {1}, "of a place itself it is asked apart"


async def in_turns(at: Puller, monkeypatch: pytest.MonkeyPatch) -> list[set[int]]:
    """Of four records whose content is refused, of which two came again at once: which entries each turn tells."""
    code, records = at.sender.who.code, [str(uuid4()) for _ in range(4)]
    for rev, change, some in ((1, "accepted", records), (2, "corrected", records[:2])):
        for record in some:
            at.sender.add(type="record", origin=code, record=record, rev=rev, change=change)
    await at.step()
    await at.city.node.settled()

    async def pull(_: Peer, feed: str, *, after: int, **__: object) -> PulledPage:
        entry = FeedEntry.model_validate_json(orjson.dumps(at.sender.entries[after]))
        return PulledPage([alone(code, feed, entry)], "")

    monkeypatch.setattr(Peer, "pull", pull)
    told: list[set[int]] = []
    after: int | None = 0
    while after is not None:
        async with at.city.node.database.session() as session:
            before = {row["data"] for row in await session.fetch(PAGES, code)}
        answer = await at.city.node.operator().post(f"/v1/admin/feeds/{code}/up/offer?after={after}")
        assert answer.status_code == 200, answer.text
        after = answer.json()["next"]
        await at.city.node.settled()
        async with at.city.node.database.session() as session:
            rows = await session.fetch(PAGES, code)
        pages = [PageReceived.model_validate_json(unpack(row["data"])) for row in rows if row["data"] not in before]
        told.append({index for page in pages for index in range(page.first, page.until)})
    return [turn for turn in told if turn]


@pytest.mark.parametrize(
    ("size", "entries", "turns"), [(1, 5000, [{2}, {3}, {4}, {5}]), (10**6, 3, [{2, 3}, {4}, {5}])]
)
async def test_of_what_is_offered_no_more_is_told_at_once_than_some_bytes_and_some_entries(
    puller: Puller,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    size: int,
    entries: int,
    turns: list[set[int]],
):
    monkeypatch.setattr(offering, "_MOST_BYTES", size, raising=False)
    monkeypatch.setattr(telling, "_MOST_OF_RECORDS", entries, raising=False)
    assert await in_turns(puller, monkeypatch) == turns
