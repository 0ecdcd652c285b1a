"""A higher tier's catalogue arrives over the bus: it holds here, is told on, and nothing of it stops the rest."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest

from creditmesh.catalogue import operations, service
from creditmesh.catalogue.errors import CatalogueRefused
from creditmesh.catalogue.objects import CatalogueObject, entry_of
from creditmesh.catalogue.operations import from_above
from creditmesh.chassis.service import Declaration, Service
from creditmesh.schemas.acknowledgements import MOST_ANSWERED
from creditmesh.schemas.catalogue import Basis, Item, Matter, Measure
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import EntriesJudged, PageReceived
from creditmesh.schemas.exchange import EntryLine, FeedEntry
from tests.catalogue import neighbour
from tests.support.node import TestNode, running
from tests.support.postgres import Postgres
from tests.support.shipped import SHIPPED

EXCHANGE = Service(
    name="exchange",
    package="tests.catalogue",
    summary="Tells what it pulled",
    summary_zh="转告所拉取的内容",
    emits=(PageReceived,),
    lock_class=98,
)
WITH_EXCHANGE = Declaration(services=(service, EXCHANGE), follow="catalogue", followed=Directory)
LINE = EntryLine(type="catalogue", at=datetime(2026, 11, 27, tzinfo=UTC), commitment="0" * 64).model_dump_json()


def shipped(code: str) -> Any:
    return next(entry.body for entry in SHIPPED if entry.code == code)


CODE = "".join(sha256(bytes([i])).hexdigest() for i in range(64))
"""Longer than what PostgreSQL puts into an index."""
PENALTY: Item = shipped("administrative_penalty")
MATTER: Matter = shipped("procurement_review")
MEASURE: Measure = shipped("procurement_bar")
LOCAL = Basis(law="Regulation", law_zh="条例", in_force_from=date(2024, 1, 1), level="province")


@dataclass
class Below:
    """A city, and what the province above tells it."""

    node: TestNode
    today: date
    index: int = 0

    async def hears(self, *entries: dict[str, Any], peer: str = "province") -> None:
        """These entries of the province's feed arrive, in one batch or in some."""
        async with self.node.context("exchange") as ctx:
            for entry in entries:
                body = orjson.dumps(entry).decode()
                told = FeedEntry(index=self.index, line=LINE, body=body)
                ctx.emit(PageReceived(peer=peer, feed="down", first=self.index, until=self.index + 1, entries=(told,)))
                self.index += 1
        await self.node.settled()

    async def judged(self) -> list[EntriesJudged]:
        async with self.node.database.session() as session:
            rows = await session.fetch("select data from bus.event where type = 'entries.judged' order by id")
        return [EntriesJudged.model_validate_json(row["data"]) for row in rows]

    def published(self, kind: str, body: Any, **other: Any) -> dict[str, Any]:
        said = {"kind": kind, "code": body.code, "state": "published", "effective": self.today.isoformat()}
        return {**said, "issued_by": "nation", "basis": None, "body": body.model_dump(mode="json"), **other}

    def withdrawn(self, kind: str, body: Any, **other: Any) -> dict[str, Any]:
        return self.published(kind, body, state="withdrawn", basis="repealed", **other)

    async def publishes(self, kind: str, body: Any, **how: Any) -> None:
        """The city itself publishes."""
        async with self.node.context("catalogue") as ctx:
            await operations.publish(ctx, [CatalogueObject(kind, body)], **{"issued_by": "city", **how})
        await self.node.settled()

    @property
    def directory(self) -> Directory:
        return self.node.host.followed

    def item(self, *, on: date | None = None) -> Item | None:
        return self.directory.item(PENALTY.code, on=on or self.today)

    async def waiting(self) -> list[tuple[str | None, str | None, tuple[str, ...]]]:
        """What the operator is shown as refused."""
        told = (await self.node.operator().get("/v1/admin/peers")).json()["refused"]
        return [(each["kind"], each["code"], tuple(error["code"] for error in each["errors"])) for each in told]

    async def changes(self) -> list[tuple[str, int, str, str]]:
        """What was told to everybody of the catalogue, this node's own `down` feed among them."""
        async with self.node.database.session() as session:
            rows = await session.fetch("select data from bus.event where type = 'catalogue.changed' order by id")
        told = [orjson.loads(row["data"]) for row in rows]
        return [(each["code"], each["number"], each["state"], each["issued_by"]) for each in told]


@pytest.fixture
async def below(postgres: Postgres, tmp_path: Path) -> AsyncIterator[Below]:
    async with running(postgres, tmp_path, declaration=WITH_EXCHANGE) as node:
        async with node.context("catalogue") as ctx:
            made = Below(node, ctx.legal_date)
        answer = await node.operator().post("/v1/admin/peers", json=neighbour.row())
        assert answer.status_code == 200, answer.text
        await node.settled()
        yield made


def kept(months: int, item: Item = PENALTY, **other: Any) -> Item:
    return item.model_copy(update={"retention_months": months, **other})


async def test_a_new_version_from_above_holds_here_and_is_told_on_under_the_name_of_who_issued_it(below: Below):
    await below.hears(below.published("item", kept(50)))
    assert (below.item().number, below.item().retention_months) == (2, 50)
    assert (await below.changes())[-1] == (PENALTY.code, 2, "published", "nation")
    async with below.node.database.session() as session:
        assert await session.fetchval("select by from catalogue.publication where number = 2") == "province"


async def test_no_answer_is_about_more_entries_than_one_may_be(below: Below):
    each = MOST_ANSWERED // 2
    async with below.node.context("exchange") as ctx:
        for n in range(3):
            ctx.emit(PageReceived(peer="province", feed="down", first=n * each, until=(n + 1) * each, entries=()))
    await below.node.settled()
    runs = [(run.first, run.until) for run in await below.judged()]
    assert runs[-1][1] == 3 * each
    assert max(until - first for first, until in runs) <= MOST_ANSWERED


async def test_a_version_for_a_day_to_come_holds_from_that_day(below: Below):
    later = below.today + timedelta(days=30)
    await below.hears(below.published("item", kept(50), effective=later.isoformat()))
    assert [below.item(on=day).number for day in (below.today, later)] == [1, 2]


async def test_what_is_here_already_is_left_as_it_is_however_often_it_comes(below: Below):
    number = below.directory.number
    whole = [below.published(entry.kind, entry.body) for entry in SHIPPED]
    await below.hears(*whole)
    await below.hears(*whole, below.published("item", kept(50)), below.published("item", kept(50)))
    assert below.directory.number == number + 1
    assert await below.waiting() == []


async def test_an_earlier_body_that_comes_again_from_above_is_no_stale_copy(below: Below):
    await below.hears(*(below.published("item", kept(months)) for months in (50, 40, 50)))
    assert (below.item().number, below.item().retention_months) == (4, 50)


async def test_a_withdrawal_from_above_holds_from_its_day_though_that_is_past(below: Below):
    past = (below.today - timedelta(days=9)).isoformat()
    await below.hears(below.withdrawn("item", PENALTY, effective=past))
    assert below.item() is None
    assert PENALTY.code in below.directory.withdrawn(below.today)
    number = below.directory.number
    await below.hears(below.withdrawn("item", PENALTY, effective=past))
    assert below.directory.number == number
    await below.hears(below.published("item", PENALTY))
    assert below.item() == PENALTY.model_copy(update={"number": 3}), "published again, it is back as it was"


async def test_a_withdrawal_of_what_is_not_here_changes_nothing(below: Below):
    number = below.directory.number
    await below.hears(below.withdrawn("item", PENALTY.model_copy(update={"code": "unheard_of"})))
    assert below.directory.number == number


@pytest.mark.parametrize(
    "row",
    [neighbour.row(place="below"), neighbour.row("another")],
    ids=["below", "never enrolled under that code"],
)
async def test_nobody_publishes_here_but_an_enrolled_peer_above(below: Below, row: dict[str, Any]):
    peer = "province" if row["code"] == "province" else "unknown"
    await below.node.operator().post("/v1/admin/peers", json=row)
    await below.node.settled()
    number = below.directory.number
    await below.hears(below.published("item", kept(50)), peer=peer)
    assert below.directory.number == number
    assert await below.waiting() == []


async def test_a_peer_publishes_neither_parties_nor_in_the_name_of_this_tier(below: Below):
    number = below.directory.number
    court = below.directory.party("court").model_copy(update={"active": False})
    await below.hears(below.published("party", court), below.published("item", kept(50), issued_by="city"))
    assert below.directory.number == number
    assert await below.waiting() == []


async def test_what_cannot_be_taken_over_waits_where_the_operator_sees_it_and_stops_nothing(below: Below):
    dangling = MEASURE.model_copy(update={"code": "new_bar", "lists": ("new_list",)})
    unread = below.published("item", kept(50)) | {"code": "unread"}
    await below.hears(below.published("measure", dangling), unread, below.published("item", kept(50)))
    assert below.item().retention_months == 50
    assert await below.waiting() == [("measure", "new_bar", ("not_there",)), ("item", "unread", ("unreadable",))]


async def test_what_waited_is_taken_over_when_what_it_named_has_come(below: Below):
    dangling = MEASURE.model_copy(update={"code": "new_bar", "lists": ("new_list",)})
    listed = shipped("judgment_defaulters").model_copy(update={"code": "new_list"})
    await below.hears(below.published("measure", dangling))
    assert below.directory.measure("new_bar", on=below.today) is None
    await below.hears(below.published("list", listed))
    assert below.directory.measure("new_bar", on=below.today) == dangling
    assert await below.waiting() == []


async def test_what_became_of_each_entry_is_told_and_once_more_when_what_waited_is_taken_over(below: Below):
    dangling = MEASURE.model_copy(update={"code": "new_bar", "lists": ("new_list",)})
    listed = shipped("judgment_defaulters").model_copy(update={"code": "new_list"})
    row = {"kind": "node", "code": "nation", "row": {"signed": "{}", "signature": ""}}
    await below.hears(below.published("item", kept(50)), below.published("measure", dangling), row)
    await below.hears(below.published("list", listed))
    told = [  # in one run or in some
        (index, {refusal.index: refusal.code for refusal in each.refused}.get(index))
        for each in await below.judged()
        for index in range(each.first, each.until)
    ]
    assert told == [(0, None), (1, "not_there"), (2, None), (3, None), (1, None)]
    number = below.directory.number
    await below.hears(below.published("item", kept(60)))
    assert below.directory.number > number, "what is judged is no version of the catalogue, whatever part it stands in"
    assert below.item().retention_months == 60


async def test_the_row_of_a_node_is_no_object_and_does_not_wait(below: Below):
    await below.hears({"kind": "node", "code": "nation", "row": {"signed": "{}", "signature": ""}})
    assert await below.waiting() == []


async def test_two_that_name_each_other_come_one_after_the_other(below: Below):
    measure = MEASURE.model_copy(update={"code": "new_bar", "matters": ("new_matter",)})
    matter = MATTER.model_copy(update={"code": "new_matter", "measures": ("new_bar",)})
    await below.hears(below.published("measure", measure))
    await below.hears(below.published("matter", matter))
    assert below.directory.measure("new_bar", on=below.today) == measure
    assert below.directory.matter("new_matter", on=below.today) == matter


async def test_what_waited_is_forgotten_when_a_later_version_has_come(below: Below):
    dangling = MEASURE.model_copy(update={"lists": ("new_list",)})
    await below.hears(below.published("measure", dangling))
    assert len(await below.waiting()) == 1
    await below.hears(below.published("measure", MEASURE.model_copy(update={"months": 12})))
    assert await below.waiting() == []
    assert below.directory.measure(MEASURE.code, on=below.today).months == 12


async def test_a_body_that_only_a_later_version_reads_waits_for_the_upgrade(below: Below):
    said = below.published("item", kept(50))
    await below.hears({**said, "body": {**said["body"], "nature": "invented_later"}}, {"kind": "invented_later"})
    assert [each[::2] for each in await below.waiting()] == [("item", ("unreadable",)), (None, ("unreadable",))]
    assert below.item().number == 1


async def test_a_narrowing_of_this_tier_stays_when_it_still_narrows_the_new_version(below: Below):
    await below.publishes("item", kept(24))
    await below.hears(below.published("item", kept(50)))
    assert (below.item().number, below.item().retention_months) == (4, 24)
    assert (await below.changes())[-2:] == [
        (PENALTY.code, 3, "published", "nation"),
        (PENALTY.code, 4, "published", "city"),
    ]
    number = below.directory.number
    await below.hears(below.published("item", kept(50)))
    assert below.directory.number == number, "and the same once more changes nothing"


@pytest.mark.parametrize(
    ("kind", "code", "narrower"),
    [
        ("item", "taxpayer_rating_a", {"retention_months": 24}),
        ("measure", "procurement_bar", {"months": 6}),
        ("measure", "green_channel", {"months": 6}),
        ("matter", "procurement_review", {"measures": ()}),
    ],
)
async def test_what_the_nation_confirms_acts_where_it_was_narrowed_before_and_stays_narrower(
    below: Below, kind: str, code: str, narrower: dict[str, Any]
):
    unread = shipped(code)
    below.directory.sandbox = False
    assert not below.directory.confirms(unread)
    await below.publishes(kind, unread.model_copy(update=narrower))
    read = tuple(each.model_copy(update={"verified": True, "source": "read"}) for each in unread.basis)
    await below.hears(below.published(kind, unread.model_copy(update={"basis": read, "verified": True})))
    assert [change[3] for change in (await below.changes())[-2:]] == ["nation", "city"]
    (here,) = (each for each in below.directory.objects(kind, on=below.today) if each.code == code)
    assert below.directory.confirms(here)
    assert {name: getattr(here, name) for name in narrower} == narrower


async def test_what_the_nation_did_not_confirm_of_a_narrower_version_stays_unconfirmed(below: Below):
    unread = shipped("procurement_bar")
    own = unread.basis[0].model_copy(update={"article": "another"})
    await below.publishes("measure", unread.model_copy(update={"months": 6, "basis": (own,)}))
    read = tuple(each.model_copy(update={"verified": True}) for each in unread.basis)
    await below.hears(below.published("measure", unread.model_copy(update={"basis": read, "verified": True})))
    below.directory.sandbox = False
    here = below.directory.measure("procurement_bar", on=below.today)
    assert here.months == 6
    assert not below.directory.confirms(here)


async def test_a_narrowing_gives_way_where_the_new_version_allows_less(below: Below):
    await below.publishes("item", kept(48))
    await below.hears(below.published("item", kept(36)))
    assert below.item().retention_months == 36
    await below.publishes("item", kept(24))
    assert below.item().retention_months == 24


async def test_a_version_of_this_tier_that_has_no_narrower_and_wider_gives_way(below: Below):
    await below.publishes("matter", MATTER.model_copy(update={"name": "Ours"}))
    theirs = MATTER.model_copy(update={"name": "Theirs"})
    await below.hears(below.published("matter", theirs))
    assert below.directory.matter(MATTER.code, on=below.today).name == "Theirs"


async def test_what_this_tier_withdrew_stays_withdrawn(below: Below):
    async with below.node.context("catalogue") as ctx:
        await operations.withdraw(ctx, "item", PENALTY.code, basis="not collected here")
    await below.node.settled()
    await below.hears(below.published("item", kept(50)))
    assert below.item() is None
    assert (await below.changes())[-1] == (PENALTY.code, 4, "withdrawn", "city")


async def test_what_a_higher_tier_withdrew_is_not_this_tiers_to_publish_again(below: Below):
    await below.hears(below.withdrawn("item", PENALTY))
    assert below.item() is None
    with pytest.raises(CatalogueRefused) as refusal:
        await below.publishes("item", kept(40), again=True)
    (error,) = refusal.value.errors
    assert (error.pointer, error.code) == (f"/item/{PENALTY.code}", "withdrawn_above")
    assert below.item() is None
    await below.hears(below.published("item", kept(50)))
    await below.publishes("item", kept(40), again=True)
    assert below.item().retention_months == 40


async def test_the_tier_between_narrows_what_the_nation_issued_and_is_followed(below: Below):
    await below.hears(below.published("item", kept(50)), below.published("item", kept(40), issued_by="province"))
    assert below.item().retention_months == 40
    assert [change[3] for change in (await below.changes())[-2:]] == ["nation", "province"]
    await below.hears(below.published("item", kept(70), issued_by="province"))
    assert below.item().retention_months == 40
    assert await below.waiting() == [("item", PENALTY.code, ("widens",))]


async def test_what_the_tier_between_narrowed_stays_over_the_next_version_of_the_nation(below: Below):
    await below.hears(below.published("item", kept(40), issued_by="province"))
    await below.hears(below.published("item", kept(50)))
    assert below.item().retention_months == 40
    assert [change[1::2] for change in (await below.changes())[-2:]] == [(3, "nation"), (4, "province")]
    number = below.directory.number
    await below.hears(below.published("item", kept(40), issued_by="province"))
    assert below.directory.number == number, "and the province's own repetition of it is known"


async def test_an_item_of_the_tier_between_stands_on_a_basis_of_its_own(below: Below):
    own = PENALTY.model_copy(update={"code": "province_item", "tier": "province", "basis": (LOCAL,)})
    await below.hears(below.published("item", own, issued_by="province"))
    assert below.directory.item("province_item", on=below.today).tier == "province"


async def test_what_a_newer_tier_added_to_an_object_is_told_on_whole_and_read_without_it(below: Below):
    newer = kept(61).model_dump(mode="json") | {"added_later": {"x": 1}}
    newer["fields"][0]["added_later"] = "y"
    await below.hears({**below.published("item", PENALTY), "body": newer})
    item = below.item()
    assert item is not None
    assert item.retention_months == 61
    async with below.node.database.session() as session:
        told = await session.fetchval(
            "select data from bus.event where type = 'catalogue.changed' order by id desc limit 1"
        )
    body = orjson.loads(told)["body"]
    assert (body["added_later"], body["fields"][0]["added_later"]) == ({"x": 1}, "y")
    assert await below.waiting() == []


async def told_at(below: Below, index: int, entry: dict[str, Any], **line: Any) -> None:
    """One entry of the province's feed, at that place of it; `line`: as another version has it."""
    text = orjson.dumps(orjson.loads(LINE) | line).decode()
    told = FeedEntry(index=index, line=text, body=orjson.dumps(entry).decode())
    waiting = (index,) if line else ()
    async with below.node.context("exchange") as ctx:
        ctx.emit(
            PageReceived(peer="province", feed="down", first=index, until=index + 1, entries=(told,), waiting=waiting)
        )
    await below.node.settled()


async def test_what_is_told_late_does_not_undo_what_came_after_it(below: Below):
    looser, stricter = kept(48), kept(24)
    await told_at(below, 0, below.published("item", looser), v=2)
    await told_at(below, 1, below.published("item", stricter))
    item = below.item()
    assert item is not None
    await told_at(below, 0, below.published("item", looser))
    assert below.item() == item, "an older law comes back"
    await told_at(below, 2, below.withdrawn("item", PENALTY))
    withdrawn = below.directory.withdrawn(below.today)
    before = await below.changes()
    await told_at(below, 0, below.published("item", looser))
    assert below.directory.withdrawn(below.today) == withdrawn
    assert await below.changes() == before, "nor does the next tier hear of it"
    assert (await below.judged())[-1].refused == (), "it was applied, and what came later since"


async def test_what_could_not_be_read_then_and_is_told_late_waits_no_more(below: Below):
    await told_at(below, 3, below.withdrawn("item", PENALTY))
    await told_at(below, 2, below.published("item", PENALTY) | {"body": {"code": PENALTY.code, "newer": True}})
    assert await below.waiting() == []
    assert (await below.judged())[-1].refused == ()


async def test_what_was_pulled_from_a_peer_holds_whatever_its_row_leaves_out_since(below: Below):
    less = {name: value for name, value in neighbour.row().items() if name != "place"}
    async with below.node.context("catalogue") as ctx:
        await operations.publish(ctx, [entry_of("party", less)], issued_by="city")
    await below.node.settled()
    await below.hears(below.withdrawn("item", PENALTY))
    assert PENALTY.code in str(below.directory.withdrawn(below.today))


async def test_what_was_pulled_from_a_peer_holds_also_when_it_was_taken_out_since(below: Below):
    row = neighbour.row()
    assert (await below.node.operator().post("/v1/admin/peers", json=row | {"active": False})).status_code == 200
    await below.node.settled()
    await below.hears(below.withdrawn("item", PENALTY))
    assert PENALTY.code in str(below.directory.withdrawn(below.today))
    assert [(each.first, each.until) for each in await below.judged()] == [(0, 1)]


async def test_of_what_nobody_above_may_say_or_nobody_can_name_no_place_is_kept(below: Below):
    unread = below.published("item", PENALTY) | {"body": {}}
    court = below.directory.party("court")
    own = below.published("item", kept(50), issued_by="city")
    party = below.published("party", court)
    await below.hears(own, party, party | {"body": {}}, *(unread | {"code": code} for code in ("a\0b", CODE * 64)))
    assert [each[:2] for each in await below.waiting()] == [(None, None), (None, None)], "none of it stops the feed"
    await below.hears(below.withdrawn("item", PENALTY))
    async with below.node.database.session() as session:
        heard = await session.fetch("select kind, code from catalogue.heard")
    assert [tuple(row) for row in heard] == [("item", PENALTY.code)]


async def test_only_so_many_wait_and_are_tried_again_with_each_page(below: Below, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(from_above, "_MOST_WAITING", 3)
    unread = below.published("item", PENALTY) | {"body": {}}
    for codes in (("d1", "d2"), ("d3", "d4"), ("a1",)):
        await below.hears(*(unread | {"code": code} for code in codes))
    assert [each[1] for each in await below.waiting()] == ["d1", "d2", "d3"]
    refused = [each.code for judged in await below.judged() for each in judged.refused]
    assert refused == ["unreadable"] * 5, "and its sender learns of each"
    await below.hears(below.published("item", kept(50)))
    assert below.item().retention_months == 50
