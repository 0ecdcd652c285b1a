"""What a node holds of a peer is what the peer's feed says, or it is found and made so; what is so is left alone."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from creditmesh.chassis.database.session import Session
from creditmesh.exchange.entries import Draft, _line
from creditmesh.exchange.operations import reconciling, telling
from creditmesh.exchange.operations.feeds import append
from creditmesh.exchange.store import pages
from creditmesh.node import run_files
from creditmesh.node.declaration import NODE
from creditmesh.node.run_files import RunFile
from creditmesh.schemas.exchange import FeedEntry, commitment
from tests.exchange.conftest import NOW
from tests.exchange.test_restoring import MARKET, publish_item, submit, withdraw
from tests.support.bodies import alter, said
from tests.support.cast import ITEM, penalty, resident
from tests.support.chain import Chain, Place, chained, copied, enrol
from tests.support.eventually import eventually
from tests.support.node import TestNode
from tests.support.postgres import Postgres
from tests.support.reconciling import OperatorInside, reconciled

NEWEST = """
select distinct on (record) record, state, mark, rev, id, data from ingestion.revision order by record, rev desc
"""
OWN = {"subject", "sealed", "related", "item_version", "rev", "origin_rev", "submission", "officer", "lane"}
STALE = """
select count(*) from query.record q
 where not exists (select from ingestion.revision i where i.id = q.body and i.record = q.record and i.rev = q.rev)
    or exists (select from ingestion.revision i where i.record = q.record and i.rev > q.rev)
"""
REFUSED = "select code from exchange.refused_entry"
DEAD = " union all ".join(f"select error from {each.name}.dead_letter" for each in NODE.services if each.handles)
WRITTEN = """
select (select count(*) from ingestion.revision), (select count(*) from exchange.received_page),
       (select count(*) from bus.event_order), (select count(*) from bus.event_queue), (select count(*) from bus.event),
       (select count(*) from exchange.acknowledgement_made), (select count(*) from exchange.feed_entry)
"""
ANOTHER = """
insert into ingestion.revision (at, legal_date, part, rev, item_version, id, record, subject, natural_key, fingerprint,
                                mac_key, mac_alg, item, party, origin, lane, state, data)
select at, legal_date, part, $2, item_version, $3, $4, subject, $5, fingerprint, mac_key, mac_alg, item, party, origin,
       lane, 'published', $6
  from ingestion.revision where record = $1 and rev = 1
"""


@pytest.fixture
async def chain(postgres: Postgres, tmp_path: Path) -> AsyncIterator[Chain]:
    places = (
        Place(code="nation", tier="nation"),
        Place(code="province", tier="province", above="nation"),
        Place(code="city", tier="city", above="province"),
    )
    async with chained(postgres, tmp_path, *places) as made:
        yield made


async def execute(node: TestNode, statement: str, *values: Any) -> None:
    async with node.database.session() as session:
        await session.execute(statement, *values)


async def newest(node: TestNode) -> dict[str, tuple[str, str | None, dict[str, Any]]]:
    """What stands of each record, but for what is each node's own."""
    async with node.database.session() as session:
        return {
            str(row["record"]): (
                row["state"],
                row["mark"],
                {name: value for name, value in said(row["data"]).items() if name not in OWN},
            )
            for row in await session.fetch(NEWEST)
        }


async def counted(node: TestNode, statement: str) -> int:
    async with node.database.session() as session:
        return sum(row[0] for row in await session.fetch(statement))


async def written(node: TestNode) -> tuple[int, ...]:
    async with node.database.session() as session:
        return tuple(await session.fetchrow(WRITTEN))


async def correct(city: TestNode, record: str, number: int, said: str) -> None:
    row = penalty(
        f"示市监罚〔2026〕{number}号", today=city.host.clock.legal_date(), CF_XDR_ZJHM=resident(number), CF_WFXW=said
    )
    answer = await city.client("ingestion", MARKET).post(
        f"/v1/records/{record}/corrections", json={"fields": row, "reason": "error"}, headers={"If-Match": '"1"'}
    )
    assert answer.is_success, answer.text


async def altered(province: TestNode, records: list[str]) -> dict[str, str]:
    """Do to these copies whatever may be done to a row behind the node's back; how each differs then."""
    says, ended, unplaced, lost, opened, half, marked = (UUID(each) for each in records)
    async with province.database.session() as session:
        await alter(session, says, {"CF_WFXW": "未公示信息"}, field="fields")
        await alter(session, ended, {"state": "withdrawn"})
    await execute(province, "update ingestion.revision set state = 'withdrawn' where record = $1", ended)
    await execute(province, "delete from ingestion.copy where record = $1", unplaced)
    await execute(province, "delete from ingestion.revision where record = $1", lost)
    await execute(province, "delete from ingestion.copy where record = $1", lost)
    async with province.database.session() as session:
        key = await session.fetchval("select natural_key from ingestion.revision where record = $1 and rev = 1", opened)
        again, added = uuid4(), uuid4()
        first = "select data from ingestion.revision where record = $1 and rev = 1"
        more: dict[str, Any] = {"rev": 3, "revision": str(again), "state": "published", "change": "reopened"}
        data = orjson.dumps(said(await session.fetchval(first, opened)) | more)
        await session.execute(ANOTHER, opened, 3, again, opened, key, data)
        more = {"record": str(added), "revision": str(added)}
        data = orjson.dumps(said(await session.fetchval(first, says)) | more)
        await session.execute(ANOTHER, says, 1, added, added, os.urandom(32), data)
    await execute(province, "delete from ingestion.revision where record = $1 and rev = 2", half)
    await execute(province, "update ingestion.revision set mark = 'disputed' where record = $1", marked)
    return {
        str(says): "differing",
        str(ended): "differing",
        str(unplaced): "missing",
        str(lost): "missing",
        str(opened): "shown",
        str(half): "differing",
        str(marked): "differing",
        str(added): "not in the feed",
    }


async def test_whatever_was_done_to_copies_behind_the_nodes_back_is_found_and_repaired(chain: Chain):
    city, province, nation = chain["city"], chain["province"], chain["nation"]
    records = [await submit(city, number) for number in range(1, 10)]
    await chain.settled()  # a copy that still catches up has of each record the newest alone
    await withdraw(city, records[4], 1)
    await withdraw(city, records[8], 1)
    await correct(city, records[3], 4, "未按时公示信息")
    await correct(city, records[5], 6, "未按时公示信息")
    await chain.settled()
    before = {code: await newest(chain[code]) for code in chain.nodes}
    differs = await altered(province, records[:7])
    extra = next(record for record, difference in differs.items() if difference == "not in the feed")

    at_rest = await written(province)
    report = await reconciled(province, "city")
    assert {record: difference for record, _, difference, _ in report.found} == differs
    assert {item for _, item, _, _ in report.found} == {ITEM}
    assert not report.equal
    assert dict(report.counts[ITEM]) == {
        "equal": 2,
        "differing": 4,
        "missing": 2,
        "shown": 1,
        "not in the feed": 1,
    }
    assert await written(province) == at_rest, "it was looked at, and no more"

    report = await reconciled(province, "city", repair=True)
    assert report.equal, report.found
    assert {record: repaired for record, _, _, repaired in report.found} == dict.fromkeys(differs, "yes")
    await chain.settled()
    stands = await newest(province)
    assert stands.pop(extra)[0] == "withheld"
    assert stands == before["province"]
    assert await counted(province, STALE) == 0, "queries know what stands, and where it says so"
    assert {record: each for record, each in (await newest(nation)).items() if record != extra} == before["nation"]
    for node, peer in ((province, "city"), (nation, "province")):
        report = await reconciled(node, peer)
        assert (report.equal, report.found) == (True, [])
        async with node.database.session() as session:
            assert [tuple(row) for row in await session.fetch(f"{REFUSED} union all {DEAD}")] == []


async def test_where_all_is_as_the_feed_says_nothing_is_found_and_nothing_written(chain: Chain):
    city, province = chain["city"], chain["province"]
    records = [await submit(city, number) for number in range(1, 4)]
    await withdraw(city, records[0], 1)
    await correct(city, records[1], 2, "未按时公示信息")
    await chain.settled()
    before = {code: await written(node) for code, node in chain.nodes.items()}
    for node, peer in ((province, "city"), (province, "nation"), (city, "province"), (chain["nation"], "province")):
        report = await reconciled(node, peer, repair=True)
        assert (report.equal, report.found) == (True, [])
        assert {row[-1] for row in report.heads} == {"equal"}
        code = node.host.settings.node
        child, parent = (peer, code) if chain.places[peer].above == code else (code, peer)
        feeds = {("up", child), ("down", parent), (f"down-{child}", parent)}
        assert {(row[0], row[1]) for row in report.heads} == feeds
    assert {code: await written(node) for code, node in chain.nodes.items()} == before


async def test_what_this_node_refused_or_withholds_is_no_difference(chain: Chain):
    city, province, nation = chain["city"], chain["province"], chain["nation"]
    corrected, stands = await submit(city, 1), await submit(city, 2)
    await chain.settled()
    await enrol(nation, province, place="below", sends_for=("province",))
    await submit(city, 3)
    await correct(city, corrected, 1, "未按时公示信息")
    await chain.settled()
    assert (await newest(nation)).keys() == {corrected, stands}
    before = await written(nation)
    report = await reconciled(nation, "province", repair=True)
    assert (report.equal, report.found) == (True, [])
    assert report.counts["-"]["kept back"] == 2
    assert await written(nation) == before

    await execute(nation, "update ingestion.revision set mark = 'disputed' where record = $1", UUID(stands))
    for repair in (False, True):
        report = await reconciled(nation, "province", repair=repair)
        assert [(record, difference) for record, _, difference, _ in report.found] == [(stands, "differing")]
        assert report.equal == repair
    assert (await newest(nation))[stands][0] == "withheld", "what it should be is refused now"


async def test_what_no_feed_says_is_shown_above_no_more_either(chain: Chain):
    city, province, nation = chain["city"], chain["province"], chain["nation"]
    record = await submit(city, 1)
    await chain.settled()
    await execute(province, "delete from exchange.sent_revision where record = $1", UUID(record))
    report = await reconciled(province, "city", repair=True)
    assert [(found, difference) for found, _, difference, _ in report.found] == [(record, "not in the feed")]
    await chain.settled()
    assert {code: (await newest(chain[code]))[record][0] for code in ("province", "nation")} == {
        "province": "withheld",
        "nation": "withheld",
    }
    report = await reconciled(nation, "province")
    assert (report.equal, report.found) == (True, [])
    assert await counted(nation, "select count(*) from exchange.refused_entry") == 0
    assert (await newest(city))[record][0] == "published"


async def test_what_its_sender_withheld_and_is_shown_all_the_same_is_found_and_repaired(chain: Chain):
    city, province = chain["city"], chain["province"]
    record = await submit(city, 1)
    await chain.settled()
    await publish_item(city, shared_upwards=False)
    await correct(city, record, 1, "未按时公示信息")
    await chain.settled()
    assert (await newest(province))[record][0] == "withheld"
    assert (await reconciled(province, "city")).counts == {ITEM: {"equal": 1}}
    shown = "update ingestion.revision set state = 'published' where record = $1 and rev = 2"
    async with province.database.session() as session:
        await alter(session, UUID(record), {"state": "published"})
    await execute(province, shown, UUID(record))
    report = await reconciled(province, "city")
    assert [(found, difference) for found, _, difference, _ in report.found] == [(record, "shown")]
    assert (await reconciled(province, "city", repair=True)).equal
    await chain.settled()
    assert (await newest(province))[record][0] == "withheld"
    assert await counted(province, STALE) == 0


async def waits(city: TestNode, record: str) -> None:
    """A newer city says of it what nobody above has a word for."""
    async with city.context("exchange") as ctx:
        line = {"record": record, "rev": 2, "change": "refined", "origin": "city"}
        said = _line("record", ctx.instant, bytes(16), "{}", line)
        await append(ctx, "up", [Draft(line=said, salt=bytes(16), body="{}")])
        await ctx.commit()


async def test_what_is_shown_though_something_of_it_waits_is_found_and_repaired(chain: Chain):
    """Here, as at the province, and at its sender, as at the nation; where it is not shown nothing differs."""
    city, province, nation = chain["city"], chain["province"], chain["nation"]
    record = await submit(city, 1)
    await chain.settled()
    await waits(city, record)
    await chain.settled()
    for node, peer in ((province, "city"), (nation, "province")):
        assert (await newest(node))[record][0] == "withheld"
        at_rest = await written(node)
        report = await reconciled(node, peer, repair=True)
        assert (report.equal, report.found, report.counts) == (True, [], {"-": {"kept back": 1}})
        assert await written(node) == at_rest
    for node, peer in ((province, "city"), (nation, "province")):
        async with node.database.session() as session:
            await alter(session, UUID(record), {"state": "published"})
        await execute(node, "update ingestion.revision set state = 'published' where record = $1", UUID(record))
        for repair in (False, True):
            report = await reconciled(node, peer, repair=repair)
            assert [(found, difference) for found, _, difference, _ in report.found] == [(record, "shown")]
            assert report.equal == repair
        await chain.settled()
        assert (await newest(node))[record][0] == "withheld"
        assert await counted(node, STALE) == 0
    async with province.database.session() as session:
        assert [tuple(row) for row in await session.fetch(f"{REFUSED} union all {DEAD}")] == []


async def test_what_begins_to_wait_before_it_is_told_anew_is_not_said_to_be_repaired(chain: Chain):
    city, province = chain["city"], chain["province"]
    record = await submit(city, 1)
    await chain.settled()
    await execute(province, "update ingestion.revision set mark = 'disputed' where record = $1", UUID(record))

    async def meanwhile() -> None:
        await waits(city, record)
        await chain.settled()

    busy = Busy(province, "/v1/admin/feeds/city/up/told", meanwhile)
    report = await reconciled(province, "city", repair=True, by=busy)
    assert report.found == [(record, ITEM, "differing", "no")]
    assert not report.equal
    assert (await newest(province))[record][:2] == ("withheld", "disputed"), "it stands beneath what waits"


async def test_records_are_told_anew_so_many_at_once(chain: Chain, monkeypatch: pytest.MonkeyPatch):
    city, province = chain["city"], chain["province"]
    for number in range(1, 4):
        await submit(city, number)
    await chain.settled()
    before = await newest(province)
    await execute(province, "update ingestion.revision set mark = 'disputed'")
    monkeypatch.setattr(telling, "_MOST_OF_RECORDS", 1)
    busy = Busy(province, "/v1/admin/feeds/city/up/told", chain.settled)
    report = await reconciled(province, "city", repair=True, by=busy)
    assert (report.equal, len(report.found), busy.called) == (True, 3, 3)
    await chain.settled()
    assert await newest(province) == before


async def test_of_records_that_are_told_later_nothing_is_read(chain: Chain, monkeypatch: pytest.MonkeyPatch):
    city, province, read = chain["city"], chain["province"], set[int]()
    records = {UUID(await submit(city, number)) for number in range(4, 7)}
    await chain.settled()
    at = pages.at

    async def noted(session: Session, peer: str, feed: str, indices: Collection[int]) -> dict[int, FeedEntry]:
        read.update(indices)
        return await at(session, peer, feed, indices)

    monkeypatch.setattr(pages, "at", noted)
    monkeypatch.setattr(telling, "_MOST_OF_RECORDS", 1)
    async with province.context("exchange") as ctx:
        left = await reconciling.tell_records(ctx, "city", records)
        assert (len(left.left), set(left.left) < records, len(read)) == (2, True, 1)
        await ctx.rollback()


class Busy(OperatorInside):
    """An operator of a node at which something happens before a call."""

    def __init__(self, node: TestNode, path: str, deed: Any) -> None:
        super().__init__(node)
        self._path = path
        self._deed = deed
        self.called = 0

    async def _call(self, service: str, method: str, path: str, body: Any) -> Any:
        if path == self._path:
            self.called += 1
            if self.called == 1:
                await self._deed()
        return await super()._call(service, method, path, body)


async def test_a_record_that_changes_while_it_is_looked_at_is_looked_at_again(chain: Chain):
    city, province = chain["city"], chain["province"]
    record, other = await submit(city, 1), await submit(city, 2)
    await chain.settled()

    async def meanwhile() -> None:
        await correct(city, record, 1, "未按时公示信息")
        await withdraw(city, other, 1)
        await chain.settled()

    busy = Busy(province, "/v1/admin/copies/compared", meanwhile)
    before = await counted(province, "select count(*) from ingestion.revision")
    report = await reconciled(province, "city", repair=True, by=busy)
    assert (report.equal, report.found) == (True, [])
    assert report.counts[ITEM] == {"equal": 2}
    assert busy.called == 2
    assert await counted(province, "select count(*) from ingestion.revision") == before + 2


async def test_of_what_was_found_to_differ_what_waits_by_then_is_not_told_anew(chain: Chain):
    """Between looking and telling a newer city says of it what the province has no word for."""
    city, province = chain["city"], chain["province"]
    record, other = await submit(city, 1), await submit(city, 2)
    await chain.settled()
    before = await newest(province)
    await execute(province, "update ingestion.revision set mark = 'disputed'")

    async def meanwhile() -> None:
        line = {"v": 1, "type": "record", "at": NOW, "commitment": commitment(b"salt", b"{}"), "origin": "city"}
        line |= {"record": record, "rev": 2, "change": "refined"}
        async with city.context("exchange") as ctx:
            await append(ctx, "up", [Draft(line=orjson.dumps(line).decode(), salt=b"salt", body="{}")])
        await chain.settled()

    busy = Busy(province, "/v1/admin/feeds/city/up/told", meanwhile)
    report = await reconciled(province, "city", repair=True, by=busy)
    await chain.settled()
    assert (busy.called, len(report.found)) == (1, 2)
    state, _, _ = (await newest(province))[record]
    assert state == "withheld", "nothing is shown of a record of which something waits"
    assert (await newest(province))[other] == before[other]


async def test_what_is_not_judged_yet_is_waited_for(chain: Chain):
    city, province = chain["city"], chain["province"]
    async with province.database.session() as session:
        under_way = session.transaction()
        await under_way.start()
        await session.execute("lock table ingestion.revision in exclusive mode")
        await submit(city, 1)
        await eventually(lambda: _has(province, 1))
        busy = Busy(province, "/v1/admin/feeds/city/up/said", under_way.rollback)
        report = await reconciled(province, "city", by=busy)
    assert (report.equal, report.found) == (True, [])
    assert report.counts == {ITEM: {"equal": 1}}
    assert busy.called >= 1


async def _has(node: TestNode, entries: int) -> bool:
    return await copied(node, "city", "up") > entries


async def test_another_history_shows_in_the_heads(chain: Chain):
    city, province = chain["city"], chain["province"]
    await submit(city, 1)
    await chain.settled()
    await execute(city, "update exchange.feed_head set stack = $1 where feed = 'up'", os.urandom(32))
    report = await reconciled(province, "city")
    assert {row[0]: row[-1] for row in report.heads if row[1] == "city"} == {"up": "differing"}
    assert not report.equal


async def commanded(node: TestNode, *words: str) -> tuple[int, str]:
    host = node.host
    run_files.write(
        host.settings.state,
        RunFile(process="node", pid=os.getpid(), services=tuple(host.hosted), url=host.url, operator=host.operator_url),
    )
    environment = {
        "CREDITMESH_NODE": host.settings.node,
        "CREDITMESH_TIER": host.settings.tier,
        "CREDITMESH_STATE": str(host.settings.state),
    }
    command = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "creditmesh.node", "reconcile", *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=os.environ | environment,
    )  # fmt: skip
    said, told = await command.communicate()
    assert command.returncode is not None
    return command.returncode, said.decode() + told.decode()


async def test_the_command_says_by_its_exit_code_whether_something_differs(chain: Chain):
    city, province = chain["city"], chain["province"]
    record = await submit(city, 1)
    await chain.settled()
    assert (await commanded(province, "--with", "city", "--check"))[0] == 0
    await execute(province, "update ingestion.revision set mark = 'disputed' where record = $1", UUID(record))
    code, said = await commanded(province, "--with", "city", "--check")
    assert code == 1, said
    assert f"{record}\t{ITEM}\tdiffering\tno" in said
    assert "not all is as the feeds say / 与日志不一致" in said
    code, said = await commanded(province, "--with", "city")
    assert code == 0, said
    assert f"{record}\t{ITEM}\tdiffering\tyes" in said
    assert (await commanded(province, "--with", "city", "--check"))[0] == 0
    code, said = await commanded(province, "--with", "nobody", "--check")
    assert code == 2, said
    assert "没有" in said or "无" in said, said
