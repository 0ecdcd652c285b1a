"""What peers send of their records becomes copies here, in the order of the feed, each entry once."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from creditmesh.chassis.bus.event import part_of
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import Transient
from creditmesh.ingestion.lawful import Judgement
from creditmesh.ingestion.operations.copying.peer_gate import PeerGate
from creditmesh.ingestion.store import feed_keys
from creditmesh.schemas.acknowledgements import MOST_ANSWERED
from creditmesh.schemas.bounds import MOST_REVISIONS
from creditmesh.schemas.catalogue import Item
from creditmesh.schemas.events import EntriesJudged, PageReceived, RecordChanged
from creditmesh.schemas.exchange import FeedKeyBody, RecordBody
from creditmesh.schemas.rules.compile import Row
from tests.ingestion.conftest import House, child
from tests.ingestion.entries import Feed, new_record, other_keys
from tests.ingestion.pages import SentEntry, pages
from tests.ingestion.rows import TODAY, items, penalty, person_penalty, resident, uscc
from tests.support.erasing import erase

PENALTY = "administrative_penalty"


async def opened_feed(house: House, **more: Any) -> Feed:
    """A feed whose key is here."""
    feed = Feed(house, **more)
    await house.deliver(feed.key())
    return feed


async def codes(house: House, *entries: Any) -> list[str]:
    """The codes these entries are refused with, as they are told."""
    before = len(await house.judged())
    await house.deliver(*entries)
    return [refused.code for each in (await house.judged())[before:] for refused in each.refused]


async def unsealed(house: House, event: RecordChanged) -> dict[str, Any]:
    fields = dict(event.fields)
    for sealed in event.sealed:
        (cipher,) = (await house.equipment.vault.open([sealed.about])).values()
        fields |= cipher.unseal(sealed, object=event.record, field=sealed.field)
    return fields


async def test_a_peers_record_becomes_a_copy_that_says_the_same(province: House):
    feed, record, number = await opened_feed(province), new_record(), province.number()
    row = penalty(number, CF_FR_ZJLX="身份证", CF_FR_ZJHM=resident(number), BZ="备注")
    entry = feed.entry(row, record=record, reason="error", basis="示市监〔2026〕1号")
    assert await codes(province, entry) == []
    (event,) = await province.events(record)
    body = RecordBody.model_validate_json(entry.body or "")
    for name in (
        "record", "rev", "revision", "change", "state", "mark", "origin", "party", "item", "kind", "severity",
        "decided_on", "display_from", "display_until", "issuer", "reason", "basis", "case", "fields",
    ):  # fmt: skip
        assert getattr(event, name) == getattr(body, name), name
    assert (event.item_version, event.submission, event.officer, event.lane) == (1, None, None, "live")
    assert await unsealed(province, event) == row
    assert {sealed.field: sealed.about for sealed in event.sealed} == {
        "subject": event.subject,
        "representative": event.related[0].subject,
    }
    assert event.related[0].subject != event.subject
    (queued,) = await province.fetch("select part, event from bus.event_queue where type = 'record.changed'")
    (row_,) = await province.fetch("select part, id from ingestion.revision where record = $1", record)
    assert (queued["part"], queued["event"]) == (row_["part"], row_["id"])


async def test_a_feeds_run_is_answered_once_and_a_key_too(province: House):
    feed, other = Feed(province), Feed(province, peer="harbour")
    before = len(await province.judged())
    key, other_key = feed.key(), other.key()
    entries = [feed.entry(penalty(province.number()), record=new_record()) for _ in range(3)]
    stray = other.entry(penalty(province.number()), record=new_record(), item="administrative_penalty")
    bad = feed.entry_of("{", new_record())
    await province.deliver(key, other_key, entries[0], stray, entries[1], entries[2], bad)
    found = (await province.judged())[before:]
    assert found == [
        EntriesJudged(
            peer="city",
            feed="up",
            first=key.index,
            until=bad.index + 1,
            refused=({"index": bad.index, "code": "unreadable_entry"},),
        ),
        EntriesJudged(peer="harbour", feed="up", first=other_key.index, until=stray.index + 1),
    ]


async def test_no_answer_is_about_more_entries_than_one_may_be(province: House):
    before, each = len(await province.judged()), MOST_ANSWERED // 2
    pages = [PageReceived(peer="city", feed="up", first=n * each, until=(n + 1) * each, entries=()) for n in range(5)]
    await province.deliver(*pages)
    assert [(run.first, run.until) for run in (await province.judged())[before:]] == [
        (0, 2 * each),
        (2 * each, 4 * each),
        (4 * each, 5 * each),
    ]


async def test_marks_and_ends_are_named_with_their_records_known_here_or_not(province: House):
    feed, record, unknown = await opened_feed(province), new_record(), new_record()
    row = penalty(province.number())
    entry = feed.entry(row, record=record)
    end, stray = (feed.entry(row, record=each, rev=2, change="withdrawn") for each in (record, unknown))
    await province.deliver(entry, end, stray)
    assert [(each.index, each.record) for each in (await province.judged())[-1].tracked] == [
        (end.index, record), (stray.index, unknown),
    ]  # fmt: skip


async def test_an_end_that_is_told_ahead_holds_at_once_and_is_answered_with_the_rest(province: House):
    feed, shown, fresh = await opened_feed(province), new_record(), new_record()
    row, other = penalty(province.number()), penalty(province.number())
    await province.deliver(feed.entry(row, record=shown))
    before = await province.judged()
    first = feed.entry(other, record=fresh)
    ends = [
        feed.entry(each, record=record, rev=2, change="withdrawn") for each, record in ((row, shown), (other, fresh))
    ]
    (whole,) = pages([first, *ends])
    told = tuple(entry for entry in whole.entries if entry.index != first.index)
    await province.deliver(whole.model_copy(update={"entries": told, "ahead": True}))
    assert [event.state for event in await province.events(shown)] == ["published", "withdrawn"]
    assert await province.judged() == before, "nobody answers for what is told ahead"
    (late,) = pages([first.model_copy(update={"replaced": True}), *ends])
    await province.deliver(late)
    assert [event.state for event in await province.events(shown)] == ["published", "withdrawn"], "once"
    assert not [event for event in await province.events(fresh) if event.state == "published"]
    (run,) = (await province.judged())[len(before) :]
    assert (run.first, run.until, run.refused) == (first.index, ends[-1].index + 1, ())


async def test_everybody_is_found_by_the_same_number_here(province: House):
    feed, number = await opened_feed(province), province.number()
    row, record = person_penalty(number), new_record()
    (own,) = [(await province.submit(row)).json()["record"]]
    await province.deliver(feed.entry(row, record=record))
    (mine,), (copy,) = await province.events(own), await province.events(record)
    assert (copy.subject, copy.origin) == (mine.subject, "city")
    assert (mine.origin, len(await province.events(own))) == ("province", 1)
    assert (await province.submit(row)).json()["verdict"] == "unchanged", "a copy is no earlier row of a department"


async def test_the_same_decision_of_two_children_is_two_records(province: House):
    number = province.number()
    city, harbour = await opened_feed(province), await opened_feed(province, peer="harbour")
    county = await opened_feed(province, origin="county")
    records = [new_record() for _ in range(3)]
    for feed, record in zip((city, harbour, county), records, strict=True):
        assert await codes(province, feed.entry(penalty(number), record=record)) == []
    events = [(await province.events(record))[0] for record in records]
    assert [event.origin for event in events] == ["city", "harbour", "county"]
    assert len({event.subject for event in events}) == 1


async def test_a_doubtful_number_is_the_origins_to_answer_for(province: House):
    feed, record = await opened_feed(province), new_record()
    good = resident(province.number())
    wrong = good[:-1] + ("1" if good[-1] != "1" else "2")
    row = person_penalty(province.number(), CF_XDR_ZJHM=wrong, CF_NR_FK="2000")
    assert (await province.submit(row)).json()["verdict"] == "held", "from a department it would be held"
    assert await codes(province, feed.entry(row, record=record)) == []
    (event,) = await province.events(record)
    assert await unsealed(province, event) == row


CITY = child("city", 900_001, sends_for=("city", "county"))


@pytest.mark.parametrize(
    ("row", "said", "code"),
    [
        (penalty(1), {"display_until": None}, "period_too_long"),
        (penalty(1), {"display_until": date(2027, 5, 12)}, "period_too_long"),
        (penalty(1, CF_GSJZQ="2026-12-31"), {"display_until": date(2027, 1, 2)}, "period_too_long"),
        (penalty(1, CF_JDRQ="2015-01-01"), {}, "basis_not_in_force"),
        (penalty(1, CF_JDRQ="2026-11-23"), {}, "future_date"),
        (person_penalty(1, born="20100101"), {}, "minor"),
        (penalty(1), {"issuer": uscc(77)}, "contradictory_entry"),
        (penalty(1), {"decided_on": date(2026, 5, 12)}, "contradictory_entry"),
        (penalty(1), {"display_from": date(2026, 5, 12)}, "contradictory_entry"),
        (penalty(1), {"kind": "sole_trader"}, "contradictory_entry"),
        (penalty(1), {"state": "withdrawn"}, "contradictory_entry"),
        (penalty(1), {"item": "horoscope"}, "unknown_item"),
    ],
)
async def test_content_that_is_not_lawful_here_is_refused(
    province: House, row: dict[str, str], said: dict[str, Any], code: str
):
    feed, record = await opened_feed(province), new_record()
    body = feed.body(row, record=record, rev=1, change="accepted").model_copy(update=said)
    assert await codes(province, feed.entry_of(body.model_dump_json(), record)) == [code]
    assert await province.events(record) == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"CF_WSH": None}, "field_required"),
        ({"血型": "A"}, "forbidden_attribute"),
        ({"SHOE_SIZE": "42"}, "unknown_field"),
        ({"CF_XDR_LB": "外星人"}, "bad_code"),
        ({"CF_XDR_SHXYM": "0" * 17 + "X", "CF_XDR_GSZC": "1"}, "placeholder_needs_registration"),
        ({"CF_NR_FK": {"much": 1}}, "bad_type"),
    ],
)
async def test_fields_that_do_not_fit_this_nodes_item_are_refused(province: House, fields: dict[str, Any], code: str):
    feed, record = await opened_feed(province), new_record()
    body = feed.body(penalty(province.number()), record=record, rev=1, change="accepted")
    said = {name: value for name, value in (body.fields | fields).items() if value is not None}
    text = body.model_copy(update={"fields": said}).model_dump_json()
    assert await codes(province, feed.entry_of(text, record)) == [code]


async def test_a_period_that_is_shorter_than_ours_or_as_long_is_the_origins(province: House):
    feed = await opened_feed(province)
    for until in (date(2027, 5, 11), date(2026, 12, 1)):
        record = new_record()
        entry = feed.entry(penalty(province.number()), record=record, display_until=until, severity="general")
        assert await codes(province, entry) == []
        assert [event.display_until for event in await province.events(record)] == [until]


async def test_a_peers_severity_and_end_are_no_wider_than_this_nodes_rule(province: House):
    feed = await opened_feed(province)
    warning = {"CF_CFLB": "警告", "CF_NR": "警告", "CF_NR_FK": None}
    for row, said, stored in (
        (warning, ("serious", date(2029, 5, 11)), ("minor", date(2026, 8, 11))),
        ({}, ("serious", date(2029, 5, 11)), ("general", date(2027, 5, 11))),
        ({}, ("minor", date(2026, 8, 11)), ("minor", date(2026, 8, 11))),
        ({}, (None, date(2026, 12, 1)), ("general", date(2026, 12, 1))),
    ):
        record, (severity, until) = new_record(), said
        entry = feed.entry(penalty(province.number(), **row), record=record, severity=severity, display_until=until)
        assert await codes(province, entry) == []
        assert [(each.severity, each.display_until) for each in await province.events(record)] == [stored]


@pytest.mark.parametrize(
    ("party", "origin", "code"),
    [
        (None, "city", "peer_not_enrolled"),
        (CITY.model_copy(update={"place": "above"}), "city", "peer_not_enrolled"),
        (CITY.model_copy(update={"kind": "department"}), "city", "peer_not_enrolled"),
        (CITY.model_copy(update={"sends_for": ("county",)}), "city", "origin_not_allowed"),
        (CITY, "harbour", "origin_not_allowed"),
        (CITY.model_copy(update={"sends_for": ("city", "province")}), "province", "origin_not_allowed"),
    ],
)
async def test_who_may_not_speak_is_refused_whatever_it_says(province: House, party: Any, origin: str, code: str):
    feed, held, record = await opened_feed(province), new_record(), new_record()
    row = penalty(province.number())
    await province.deliver(feed.entry(row, record=held))
    directory = province.equipment.followed
    directory.tell("party", CITY if party is None else party, state="withdrawn" if party is None else "published")
    feed.origin = origin
    try:
        found = await codes(
            province,
            feed.entry(penalty(province.number()), record=record),
            feed.entry(row, record=held, rev=2, change="withdrawn"),
        )
    finally:
        directory.tell("party", CITY)
    assert found == [code, code]
    assert (await province.events(record), len(await province.events(held))) == ([], 1)


async def test_a_row_that_leaves_out_where_a_peer_stands_takes_nobody_out(province: House):
    feed, record, row = await opened_feed(province), new_record(), penalty(province.number())
    directory = province.equipment.followed
    directory.tell("party", CITY.model_copy(update={"place": None}))
    try:
        said = feed.entry(row, record=record), feed.entry(row, record=record, rev=2, change="withdrawn")
        assert await codes(province, *said) == []
    finally:
        directory.tell("party", CITY)
    assert [each.state for each in await province.events(record)] == ["published", "withdrawn"]


async def test_what_was_pulled_from_a_peer_is_applied_also_when_it_was_taken_out_since(province: House):
    feed, record, row = await opened_feed(province), new_record(), penalty(province.number())
    await province.deliver(feed.entry(row, record=record))
    directory = province.equipment.followed
    directory.tell("party", CITY.model_copy(update={"active": False}))
    try:
        assert await codes(province, feed.entry(row, record=record, rev=2, change="repaired")) == []
    finally:
        directory.tell("party", CITY)
    assert [each.state for each in await province.events(record)] == ["published", "repaired"]


def told(house: House, item: Item, **more: Any) -> None:
    house.equipment.followed.tell("item", item, **more)


async def test_an_item_that_is_not_shared_upwards_here_is_refused(province: House):
    feed, record, item = await opened_feed(province), new_record(), items()[PENALTY]
    told(province, item.model_copy(update={"number": 2, "shared_upwards": False}), number=2)
    try:
        assert await codes(province, feed.entry(penalty(province.number()), record=record)) == ["item_not_shared"]
    finally:
        told(province, item)


async def test_the_copy_of_an_item_withdrawn_since_can_still_be_marked_and_end(province: House):
    feed, record, row = await opened_feed(province), new_record(), penalty(province.number())
    await province.deliver(feed.entry(row, record=record))
    item = items()[PENALTY]
    told(province, item, state="withdrawn", number=2)
    try:
        assert await codes(province, feed.entry(row, record=record, rev=2, change="corrected")) == ["unknown_item"]
        for rev, change in ((3, "marked"), (4, "unmarked"), (5, "repaired")):
            assert await codes(province, feed.entry(row, record=record, rev=rev, change=change)) == []
    finally:
        told(province, item)
    first, *turned = await province.events(record)
    assert [(each.rev, each.change, each.state, each.mark) for each in turned] == [
        (2, "withheld", "withheld", None),
        (3, "marked", "withheld", "disputed"),
        (4, "unmarked", "withheld", None),
        (5, "repaired", "repaired", None),
    ]
    assert all((each.fields, each.sealed) == (first.fields, first.sealed) for each in turned), "nothing sealed anew"


async def test_a_whole_life_follows_the_origins(province: House):
    feed, record, row = await opened_feed(province), new_record(), person_penalty(province.number())
    changes = ("accepted", "marked", "corrected", "unmarked", "withdrawn", "reopened", "repaired")
    entries = [
        feed.entry(
            row | {"BZ": str(rev)}, record=record, rev=rev, change=change, mark="disputed" if rev in {2, 3} else None
        )
        for rev, change in enumerate(changes, 1)
    ]
    await province.deliver(*entries[:2])
    await province.deliver(*entries[2:])
    events = await province.events(record)
    assert [(each.rev, each.change, each.state, each.mark) for each in events] == [
        (1, "accepted", "published", None),
        (2, "marked", "published", "disputed"),
        (3, "corrected", "published", "disputed"),
        (4, "unmarked", "published", None),
        (5, "withdrawn", "withdrawn", None),
        (6, "reopened", "published", None),
        (7, "repaired", "repaired", None),
    ]
    assert [(await unsealed(province, each))["BZ"] for each in events] == ["1", "1", "3", "3", "3", "6", "6"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("CF_SY", "/"),
        ("CF_FRDB", "无"),
        ("CF_XDR_MC", "示例××公司"),
        ("CF_WSH", "2026年度"),
        ("CF_CFLB", "其他-罚款500"),
    ],
)
async def test_what_an_older_reader_accepted_is_reopened_and_corrected_here(province: House, field: str, value: str):
    feed, record = await opened_feed(province), new_record()
    row = penalty(province.number())
    issuer = uscc(province.number())
    changes = ("accepted", "withdrawn", "reopened", "corrected")
    for rev, change in enumerate(changes, 1):
        body = feed.body(row, record=record, rev=rev, change=change, sealed=None)
        said = {
            "fields": body.fields | {field: value, "CF_CFJGDM": issuer, "CF_WFXW": f"类型{rev}"},
            "issuer": issuer,
            "basis": "无" if rev > 1 else None,
        }
        text = body.model_copy(update=said).model_dump_json()
        assert await codes(province, feed.entry_of(text, record, rev, change)) == []
    events = await province.events(record)
    assert [(each.change, each.state) for each in events] == [
        ("accepted", "published"), ("withdrawn", "withdrawn"), ("reopened", "published"), ("corrected", "published"),
    ]  # fmt: skip
    assert [each.basis for each in events] == [None, "无", "无", "无"]
    assert (await unsealed(province, events[-1]))[field] == value


async def test_a_turn_says_who_and_why_as_the_origin_did(province: House):
    feed, record, row, case = await opened_feed(province), new_record(), penalty(province.number()), new_record()
    entry = feed.entry(row, record=record, rev=2, change="repaired", reason=None, basis="示信修〔2026〕3号", case=case)
    await province.deliver(feed.entry(row, record=record), entry)
    event = (await province.events(record))[-1]
    body = RecordBody.model_validate_json(entry.body or "")
    assert (event.basis, event.case, event.revision, event.party) == (body.basis, case, body.revision, body.party)


@pytest.mark.parametrize("body", [None, "{", "{}"])
async def test_an_end_whose_body_is_gone_or_spoilt_still_ends_the_copy(province: House, body: str | None):
    feed, record, row = await opened_feed(province), new_record(), penalty(province.number())
    await province.deliver(feed.entry(row, record=record))
    assert await codes(province, feed.entry_of(body, record, 2, "withdrawn")) == []
    first, last = await province.events(record)
    assert (last.state, last.rev, last.fields, last.sealed) == ("withdrawn", 2, first.fields, first.sealed)


async def test_a_turn_of_a_record_that_is_not_held_is_nothing_to_do(province: House):
    feed, record, row = await opened_feed(province), new_record(), penalty(province.number())
    for rev, change in ((2, "marked"), (3, "repaired")):
        assert await codes(province, feed.entry(row, record=record, rev=rev, change=change)) == []
    assert await province.events(record) == []


async def test_a_copy_may_begin_with_a_later_revision(province: House):
    feed, record, row = await opened_feed(province), new_record(), penalty(province.number())
    refused = feed.entry(row, record=record, display_until=None)
    corrected = feed.entry(row, record=record, rev=2, change="corrected")
    ended = feed.entry(row, record=record, rev=3, change="withdrawn")
    assert await codes(province, refused, corrected, ended) == ["period_too_long"]
    assert [(each.rev, each.state) for each in await province.events(record)] == [(2, "published"), (3, "withdrawn")]
    assert await codes(province, corrected, ended) == []
    assert len(await province.events(record)) == 2


async def test_an_id_or_a_decision_that_is_another_records_is_refused(province: House):
    city, harbour = await opened_feed(province), await opened_feed(province, peer="harbour")
    record, row = new_record(), penalty(province.number())
    await province.deliver(city.entry(row, record=record))
    own_row = penalty(province.number())
    own = UUID((await province.submit(own_row)).json()["record"])
    for entry in (
        harbour.entry(row, record=record, rev=2, change="corrected"),
        harbour.entry(row, record=record, rev=2, change="withdrawn"),
        city.entry(penalty(province.number()), record=record, rev=2, change="corrected"),
        city.entry(row, record=new_record(), rev=2),
        city.entry(own_row, record=own, rev=2, change="corrected"),
    ):
        assert await codes(province, entry) == ["another_record"]
    assert await codes(province, city.entry(own_row, record=own, rev=2, change="withdrawn")) == [], "no copy: nothing"
    assert [event.change for event in await province.events(record)] == ["accepted", "withheld"]
    assert len(await province.events(own)) == 1


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ({"change": "corrected"}, "contradictory_entry"),
        ({"origin": "county"}, "contradictory_entry"),
        ({"origin": None}, "unreadable_entry"),
        ({"change": None}, "unreadable_entry"),
        ({"type": "catalogue"}, "unreadable_entry"),
    ],
)
async def test_an_entry_that_contradicts_its_line_is_refused(province: House, line: dict[str, Any], code: str):
    feed, record = await opened_feed(province), new_record()
    body = feed.body(penalty(province.number()), record=record, rev=1, change="accepted").model_dump_json()
    assert await codes(province, feed.entry_of(body, record, **line)) == [code]
    assert await province.events(record) == []


def renumbered(entry: SentEntry, rev: int) -> SentEntry:
    """The entry with a number that no model of ours would write."""
    line, body = (str(text).replace('"rev":1,', f'"rev":{rev},') for text in (entry.line, entry.body))
    return entry.model_copy(update={"line": line, "body": body})


async def test_what_cannot_be_read_is_refused_and_the_rest_goes_on(province: House):
    feed = await opened_feed(province)
    rows = [penalty(province.number()) for _ in range(9)]
    records = [new_record() for _ in range(10)]
    good = feed.body(rows[0], record=records[0], rev=1, change="accepted")
    moved = good.model_copy(update={"record": records[1]})
    assert good.sealed is not None
    altered = good.model_copy(update={"sealed": good.sealed.model_copy(update={"text": good.sealed.text[:-1] + b"x"})})
    short = good.model_copy(update={"sealed": good.sealed.model_copy(update={"text": b""})})
    shapes = [
        feed.cipher.seal({"subject": said}, place=f"{feed.name}|{records[5]}|1") for said in ("text", [1], 7, None)
    ]
    entries = [
        feed.entry_of(moved.model_dump_json(), records[1]),
        feed.entry_of(altered.model_dump_json(), records[0]),
        feed.entry_of(short.model_dump_json(), records[0]),
        *(feed.entry(rows[5], record=records[5], sealed=sealed) for sealed in shapes),
        feed.entry_of("[]", records[2]),
        feed.entry_of('{"record": "\\ud800"}', records[2]),
        *(renumbered(feed.entry(rows[6], record=records[6]), rev) for rev in (2**31, 2**63, 0, -1)),
        feed.entry(rows[7], record=records[7]).model_copy(update={"line": "{"}),
        feed.entry_of(None, records[9], 2, "marked").model_copy(update={"line": "[]"}),
    ]
    last = feed.entry(rows[8], record=records[3])
    assert await codes(province, *entries, last) == ["unreadable_entry"] * len(entries)
    assert len(await province.events(records[3])) == 1


@pytest.mark.parametrize("given", [MOST_REVISIONS, MOST_REVISIONS - 1, MOST_REVISIONS - 2, MOST_REVISIONS - 3])
async def test_a_number_at_the_end_of_its_range_parks_no_feed_and_what_is_refused_there_is_not_shown(
    province: House, given: int
):
    """What was withheld under a number takes it, and the content that comes for it is counted behind it."""
    feed, record, row = await opened_feed(province), new_record(), penalty(province.number())
    assert await codes(province, feed.entry(row, record=record)) == []
    assert await codes(province, feed.entry_of("{", record, given, "corrected")) == ["unreadable_entry"]
    for rev in (given, MOST_REVISIONS - 1, MOST_REVISIONS):
        await codes(province, feed.entry(row, record=record, rev=rev, change="corrected"))
    await codes(province, unknown(feed, record))
    assert (await province.events(record))[-1].state == "withheld", "whatever waits could be counted, and hides it"
    assert await codes(province, feed.entry(row, record=record, rev=MOST_REVISIONS, change="corrected")) == [
        "contradictory_entry"
    ]
    other = new_record()
    assert await codes(province, feed.entry(penalty(province.number()), record=other)) == []
    assert await codes(province, feed.entry_of(None, other, MOST_REVISIONS, "withdrawn")) == []
    assert (await province.events(other))[-1].state == "withdrawn", "an end always has a number"


async def test_a_key_for_which_there_is_no_room_is_refused_and_says_so(
    province: House, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(feed_keys, "_KEEP", feed_keys._KEEP.replace("10000", "1"))
    feeds = [Feed(province, peer="manykeys") for _ in range(3)]
    first, *more = [feed.key() for feed in feeds]
    assert await codes(province, first) == []
    assert await codes(province, *more, more[0]) == ["too_many_keys"] * 3
    assert await codes(province, first) == [], "what is kept is known again"


async def test_the_keys_of_one_origin_take_no_room_from_those_of_others_in_the_same_feed(
    province: House, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(feed_keys, "_KEEP", feed_keys._KEEP.replace("10000", "2"))
    above = child("middletier", 900_511, sends_for=("middletier", "town", "village"))
    province.equipment.followed.tell("party", above)  # type: ignore[attr-defined]
    feed = Feed(province, peer="middletier")

    def keys(*names: str) -> list[Any]:
        bodies = (FeedKeyBody(key=name, alg="aes-256-gcm", wrapped=()).model_dump_json() for name in names)
        return [feed.key_of(body) for body in bodies]

    assert await codes(province, *keys("town/a", "town/b", "town/c")) == ["too_many_keys"]
    assert await codes(province, *keys("own-1", "village/a", "own-2", "village/b")) == []
    assert await codes(province, *keys("town/d", "village/c", "own-3")) == ["too_many_keys"] * 3
    assert await codes(province, *keys("invented/a", "other/b")) == ["too_many_keys"] * 2, "they take the peer's room"


async def test_origins_that_a_peer_invents_have_no_room_of_their_own(province: House, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(feed_keys, "_KEEP", feed_keys._KEEP.replace("10000", "2"))
    feed = Feed(province, peer="inventive")
    bodies = (FeedKeyBody(key=f"none{n}/a", alg="aes-256-gcm", wrapped=()).model_dump_json() for n in range(5))
    assert await codes(province, *(feed.key_of(body) for body in bodies)) == ["too_many_keys"] * 3


@pytest.mark.parametrize("words", [f"身份证{resident(7)}", "示" * 201, "示\n市监", ""])
@pytest.mark.parametrize("name", ["reason", "basis"])
async def test_words_of_a_peer_hold_no_persons_number_and_its_feed_goes_on(province: House, name: str, words: str):
    feed, record, other = await opened_feed(province), new_record(), new_record()
    body = feed.body(penalty(province.number()), record=record, rev=1, change="accepted")
    entry = feed.entry_of(body.model_copy(update={name: words}).model_dump_json(), record)
    good = feed.entry(penalty(province.number()), record=other)
    assert await codes(province, entry, good) == ["unreadable_entry"]
    assert await province.events(record) == []
    assert len(await province.events(other)) == 1
    end = body.model_copy(update={"record": other, "rev": 2, "change": "withdrawn", "state": "withdrawn", name: words})
    assert await codes(province, feed.entry_of(end.model_dump_json(), other, 2, "withdrawn")) == []
    ended = (await province.events(other))[-1]
    assert (ended.change, ended.reason, ended.basis) == ("withdrawn", None, None), "an end acts, without those words"


async def test_an_entry_that_cannot_be_judged_waits_and_its_page_goes_on(
    province: House, monkeypatch: pytest.MonkeyPatch
):
    feed, held, record, other = await opened_feed(province), new_record(), new_record(), new_record()
    rows = [penalty(province.number()) for _ in range(3)]
    await province.deliver(feed.entry(rows[0], record=held))
    judge = PeerGate.judge

    def failing(gate: PeerGate, body: RecordBody, row: Row) -> Judgement:
        if body.record == record:
            raise ArithmeticError(row["CF_XDR_MC"])
        return judge(gate, body, row)

    monkeypatch.setattr(PeerGate, "judge", failing)
    fault = feed.entry(rows[1], record=record)
    end, good = feed.entry(rows[0], record=held, rev=2, change="repaired"), feed.entry(rows[2], record=other)
    assert await codes(province, fault, end, good) == ["not_judged"]
    assert [each.state for each in await province.events(held)] == ["published", "repaired"]
    assert len(await province.events(other)) == 1
    monkeypatch.undo()
    assert await codes(province, fault) == []
    assert len(await province.events(record)) == 1


async def test_a_body_with_a_word_of_a_newer_version_waits_and_a_spoilt_one_does_not(province: House):
    feed, record = await opened_feed(province), new_record()
    body = feed.body(penalty(province.number()), record=record, rev=1, change="accepted")
    newer = body.model_copy(update={"severity": "newer", "state": "suspended"}).model_dump_json(warnings=False)
    spoilt = body.model_copy(update={"severity": "newer", "party": "?"}).model_dump_json(warnings=False)
    assert await codes(province, feed.entry_of(newer, record)) == ["not_judged"]
    assert await codes(province, feed.entry_of(spoilt, record)) == ["unreadable_entry"]


async def test_what_is_sealed_for_others_is_refused_until_the_key_is_wrapped_to_us(province: House, tmp_path):
    feed, record, row = Feed(province), new_record(), person_penalty(province.number())
    assert await codes(province, feed.entry(row, record=record)) == ["sealed_for_others"], "no key came at all"
    other, public = other_keys(tmp_path)
    node, own, own_public = feed.receiver()
    assert await codes(province, feed.key(("nation", other, public)), feed.entry(row, record=record)) == [
        "sealed_for_others"
    ]
    assert await codes(province, feed.key((node, other, public)), feed.entry(row, record=record)) == [
        "sealed_for_others"
    ]
    assert await codes(province, feed.key((node, own, public)), feed.entry(row, record=record)) == ["unreadable_entry"]
    both = feed.key(("nation", other, public), (node, other, public), (node, own, own_public))
    assert await codes(province, both, feed.entry(row, record=record)) == []
    assert await codes(province, feed.key(("nation", other, public)), feed.entry(row, record=record, rev=2)) == []
    assert [each.rev for each in await province.events(record)] == [1, 2]


async def test_an_entry_that_seals_nothing_needs_no_key(province: House):
    feed, record = Feed(province), new_record()
    assert await codes(province, feed.entry(penalty(province.number(), BZ="备注"), record=record, sealed=None)) == []
    (event,) = await province.events(record)
    assert {sealed.field for sealed in event.sealed} == {"subject", "representative"}, "sealed here all the same"


async def test_a_key_that_cannot_be_read_is_refused_and_what_it_seals_too(province: House):
    feed = Feed(province)
    for body in (None, "{", "{}"):
        assert await codes(province, feed.key_of(body)) == ["unreadable_entry"]
    spoilt = feed.key().model_copy()
    text = (spoilt.body or "").replace('"ephemeral":"', '"ephemeral":"AAAA')
    entry = feed.entry(penalty(province.number()), record=new_record())
    assert await codes(province, feed.key_of(text), entry) == ["unreadable_entry"]


async def test_a_run_waits_until_the_catalogue_is_followed_to_its_head(province: House):
    feed, record = await opened_feed(province), new_record()
    directory, item = province.equipment.followed, items()[PENALTY]
    entry = feed.entry(penalty(province.number()), record=record)
    told(province, item, state="withdrawn", number=2)
    await announce(province, directory.number + 1)
    before = await province.judged()
    try:
        for _ in range(2):
            with pytest.raises(Transient):
                await province.deliver(entry)
        assert (await province.events(record), await province.judged()) == ([], before)
    finally:
        told(province, item)
    assert await codes(province, entry) == []
    assert len(await province.events(record)) == 1


async def test_what_is_accepted_waits_for_nothing(province: House):
    feed, record = await opened_feed(province), new_record()
    await announce(province, province.equipment.followed.number + 1)
    try:
        assert await codes(province, feed.entry(penalty(province.number()), record=record)) == []
    finally:
        await announce(province, 0)


async def announce(house: House, number: int) -> None:
    """The catalogue's stream says that it has come so far."""
    part = part_of("catalogue", house.equipment.node.parts)
    async with house.database.session() as session:
        done = await session.execute(
            "update bus.event_head set number = $1 where stream = 'catalogue' and part = $2", number, part
        )
    assert done == "UPDATE 1"


async def test_the_display_of_a_copy_ends_as_its_origin_said(province: House):
    feed, record, row = await opened_feed(province), new_record(), penalty(province.number())
    entry = feed.entry(row, record=record)
    province.on(TODAY + timedelta(days=3))
    assert await codes(province, entry) == []
    (event,) = await province.events(record)
    assert (event.display_from, event.display_until) == (date(2026, 5, 11), date(2027, 5, 11))


async def test_nothing_is_stored_of_somebody_who_was_erased_here(province: House):
    feed, gone, other, number = await opened_feed(province), new_record(), new_record(), province.number()
    row = penalty(number, CF_FR_ZJLX="身份证", CF_FR_ZJHM=resident(number))
    await province.deliver(feed.entry(row, record=gone))
    (event,) = await province.events(gone)
    representative = event.related[0].subject
    await erase(province.database, province.equipment.vault, representative)
    again = feed.entry(row, record=gone, rev=2, change="corrected")
    fine = feed.entry(penalty(province.number()), record=other)
    assert await codes(province, again, fine) == ["subject_erased"]
    assert [event.change for event in await province.events(gone)] == ["accepted", "withheld"]
    assert len(await province.events(other)) == 1
    assert await codes(province, feed.entry(row, record=gone, rev=3, change="withdrawn")) == []
    assert (await province.events(gone))[-1].state == "withdrawn"


async def test_who_is_discharged_at_the_origin_is_discharged_here_by_the_role_they_have(province: House):
    feed, record, number = await opened_feed(province), new_record(), province.number()
    row = penalty(number, CF_FR_ZJLX="身份证", CF_FR_ZJHM=resident(number))
    await province.deliver(feed.entry(row, record=record))
    entry = feed.entry(row, record=record, rev=2, change="discharged", role="legal_representative")
    assert await codes(province, entry) == []
    first, event = await province.events(record)
    assert (event.change, event.state, event.about) == ("discharged", "published", first.related[0].subject)
    await province.deliver(feed.entry(row, record=record, rev=3, change="corrected"))
    assert (await province.events(record))[-1].about is None


@pytest.mark.parametrize(
    ("body", "code"), [(None, "unreadable_entry"), ("{", "unreadable_entry"), ("nobody's", "contradictory_entry")]
)
async def test_a_discharge_that_finds_nobody_is_refused_and_leaves_nobody_restricted(
    province: House, body: str | None, code: str
):
    feed, record, number = await opened_feed(province), new_record(), province.number()
    named = {} if code == "contradictory_entry" else {"CF_FR_ZJLX": "身份证", "CF_FR_ZJHM": resident(number)}
    row = penalty(number, **named)
    await province.deliver(feed.entry(row, record=record))
    if code == "contradictory_entry":
        entry = feed.entry(row, record=record, rev=2, change="discharged", role="legal_representative")
    else:
        entry = feed.entry_of(body, record, 2, "discharged")
    assert await codes(province, entry) == [code]
    assert [event.change for event in await province.events(record)] == ["accepted", "withheld"]
    assert await codes(province, feed.entry(row, record=record, rev=3, change="corrected")) == []
    assert (await province.events(record))[-1].state == "published"


@pytest.mark.parametrize("how", ["period", "fields", "another_subject", "spoilt"])
async def test_a_correction_that_is_refused_here_leaves_nothing_of_the_record_to_be_shown(province: House, how: str):
    feed, record, number = await opened_feed(province), new_record(), province.number()
    row = person_penalty(number)
    await province.deliver(feed.entry(row, record=record))
    said = row | {"CF_NR_FK": "0.3"}
    match how:
        case "period":
            refused = feed.entry(said, record=record, rev=2, change="corrected", display_until=date(2050, 1, 1))
        case "fields":
            refused = feed.entry(said, record=record, rev=2, change="corrected", fields={"NOBODY": "1"})
        case "another_subject":
            refused = feed.entry(person_penalty(province.number()), record=record, rev=2, change="corrected")
        case _:
            refused = feed.entry_of("{", record, 2, "corrected")
    assert len(await codes(province, refused)) == 1
    assert len(await codes(province, refused)) == 1, "told again"
    first, event = await province.events(record)
    assert (event.rev, event.change, event.state, event.subject) == (2, "withheld", "withheld", first.subject)
    await province.deliver(feed.entry(said, record=record, rev=3, change="marked"))
    assert (await province.events(record))[-1].state == "withheld"
    await province.deliver(feed.entry(said, record=record, rev=4, change="corrected", mark="disputed"))
    last = (await province.events(record))[-1]
    assert (last.rev, last.origin_rev, last.state, last.mark) == (4, None, "published", "disputed")


async def test_content_that_comes_after_all_takes_the_place_of_what_was_withheld_for_it(province: House):
    feed, record = await opened_feed(province), new_record()
    row = person_penalty(province.number())
    await province.deliver(feed.entry(row, record=record))
    said = row | {"CF_NR_FK": "0.3"}
    assert await codes(province, newer_word(feed, said, record=record, rev=2, change="corrected")) == ["not_judged"]
    mark = feed.entry(said, record=record, rev=3, change="marked")
    await province.deliver(mark, feed.entry_of(None, record, 4, "withheld"))
    again = feed.entry(said, record=record, rev=2, change="corrected")
    assert await codes(province, again, mark, feed.entry(said, record=record, rev=4, change="unmarked")) == []
    events = await province.events(record)
    assert [event.change for event in events] == [
        "accepted", "withheld", "marked", "corrected", "marked", "unmarked",
    ]  # fmt: skip
    assert [event.rev for event in events] == [1, 2, 3, 4, 5, 6], "none of this node's is counted twice"
    assert [event.origin_rev or event.rev for event in events] == [1, 2, 3, 2, 3, 4], "as its origin counts"
    assert (events[-1].state, events[-1].mark, events[-1].fields["CF_NR_FK"]) == ("published", None, "0.3")
    await province.deliver(again, mark)
    assert len(await province.events(record)) == 6, "told once more it changes nothing"
    await province.deliver(feed.entry(said, record=record, rev=5, change="corrected"))
    last = (await province.events(record))[-1]
    assert (last.rev, last.origin_rev) == (7, 5)


async def test_a_change_that_waits_withholds_the_copy_until_it_is_known(province: House):
    feed, stranger = await opened_feed(province), await opened_feed(province, peer="harbour")
    record, row = new_record(), person_penalty(province.number())
    await province.deliver(feed.entry(row, record=record))
    assert await codes(province, unknown(stranger, record)) == ["newer_version"]
    assert [event.state for event in await province.events(record)] == ["published"], "who may not speak for it"
    waits = unknown(feed, record)
    assert await codes(province, waits, waits) == ["newer_version", "newer_version"]
    assert [event.state for event in await province.events(record)] == ["published", "withheld"]
    end = feed.entry(row, record=record, rev=2, change="repaired")
    assert await codes(province, end) == []
    event = (await province.events(record))[-1]
    assert (event.state, event.origin_rev) == ("repaired", 2), "as what it is told it applies"


@pytest.mark.parametrize("marks", [("marked", "unmarked"), ("marked",)])
async def test_a_mark_that_had_waited_lifts_what_was_withheld_for_it_alone(province: House, marks: tuple[Any, ...]):
    feed, record = await opened_feed(province), new_record()
    row = person_penalty(province.number())
    await province.deliver(feed.entry(row, record=record))
    assert await codes(province, unknown(feed, record)) == ["newer_version"]
    assert (await province.events(record))[-1].state == "withheld"
    told = [feed.entry(row, record=record, rev=rev, change=mark) for rev, mark in enumerate(marks, 2)]
    assert await codes(province, *told) == []
    assert [event.state for event in await province.events(record)] == ["published", "withheld"] + ["published"] * len(
        marks
    )
    assert (await province.events(record))[-1].mark == ("disputed" if marks[-1] == "marked" else None)


async def test_a_mark_lifts_nothing_of_what_had_waited_and_is_refused(province: House):
    feed, record = await opened_feed(province), new_record()
    row = person_penalty(province.number())
    await province.deliver(feed.entry(row, record=record))
    assert await codes(province, unknown(feed, record)) == ["newer_version"]
    refused = feed.entry(row, record=record, rev=2, change="corrected", display_until=date(2050, 1, 1))
    mark = feed.entry(row, record=record, rev=3, change="marked")
    assert await codes(province, refused, mark) == ["period_too_long"]
    assert (await province.events(record))[-1].state == "withheld"


@pytest.mark.parametrize("waits", ["here", "below"])
@pytest.mark.parametrize("what", ["withheld", "withheld and told why"])
@pytest.mark.parametrize("together", [False, True])
async def test_a_mark_lifts_nothing_of_what_had_waited_and_is_withheld_for_good(
    province: House,
    waits: str,
    what: str,
    together: bool,  # noqa: FBT001
):
    """Its origin shares it no more, or the node below refuses it now: what stood before is not what it says."""
    feed, record = await opened_feed(province), new_record()
    row = person_penalty(province.number())
    waited = feed.entry(row, record=record, rev=2, change="withheld", state="withheld", reason="newer_version")
    withheld = (
        feed.entry_of(None, record, 2, "withheld")
        if what == "withheld"
        else feed.entry(row, record=record, rev=2, change="withheld", state="withheld")
    )
    await province.deliver(feed.entry(row, record=record))
    await province.deliver(unknown(feed, record) if waits == "here" else waited)
    told = [withheld, waited, withheld, feed.entry(row, record=record, rev=3, change="marked")]
    for batch in [told] if together else [[each] for each in told]:
        assert await codes(province, *batch) == []
    events = await province.events(record)
    assert [(event.rev, event.change, event.state) for event in events[1:]] == [
        (2, "withheld", "withheld"), (3, "withheld", "withheld"), (4, "marked", "withheld"),
    ]  # fmt: skip
    assert events[-1].origin_rev == 3
    assert await codes(province, feed.entry(row, record=record, rev=4, change="corrected", mark="disputed")) == []
    last = (await province.events(record))[-1]
    assert (last.state, last.origin_rev or last.rev) == ("published", 4)


async def test_what_was_discharged_or_ended_before_its_content_came_stays_so(province: House):
    feed, number = await opened_feed(province), province.number()
    row = penalty(number, CF_FR_ZJLX="身份证", CF_FR_ZJHM=resident(number))
    discharged, ended, other = new_record(), new_record(), new_record()
    end = feed.entry(row, record=ended, rev=2, change="withdrawn")
    assert await codes(
        province,
        feed.entry(row, record=discharged, rev=2, change="discharged", role="legal_representative"),
        end,
        Feed(province, peer="harbour").entry(row, record=other, rev=2, change="withdrawn"),
    ) == []  # fmt: skip
    rows = [row | {"CF_WSH": f"示罚〔2026〕{number}{n}号"} for n in range(3)]
    late = feed.entry(rows[0], record=discharged, rev=3, change="corrected")
    assert await codes(province, late, feed.entry(rows[1], record=ended), feed.entry(rows[2], record=other)) == []
    first, second = await province.events(discharged)
    assert (first.rev, first.change, first.about) == (2, "discharged", first.related[0].subject)
    assert (second.rev, second.change, second.about) == (3, "corrected", None)
    assert [event.state for event in await province.events(other)] == ["published"], "whose it is not ends nothing"
    assert await province.events(ended) == []
    assert await codes(province, feed.entry(rows[1], record=ended, rev=3, change="reopened")) == []
    assert [event.state for event in await province.events(ended)] == ["published"]


async def test_who_was_discharged_in_content_that_was_refused_here_is_so_in_the_next(province: House):
    feed, record, number = await opened_feed(province), new_record(), province.number()
    nobody, row = penalty(number), penalty(number, CF_FR_ZJLX="身份证", CF_FR_ZJHM=resident(number))
    await province.deliver(feed.entry(nobody, record=record))
    refused = feed.entry(row, record=record, rev=2, change="corrected", display_until=date(2050, 1, 1))
    discharged = feed.entry(row, record=record, rev=3, change="discharged", role="legal_representative")
    assert await codes(province, refused, discharged) == ["period_too_long"]
    assert await codes(province, feed.entry(row, record=record, rev=4, change="corrected")) == []
    events = await province.events(record)
    assert [event.change for event in events] == ["accepted", "withheld", "discharged", "corrected"]
    assert [event.about for event in events] == [None, None, events[-1].related[0].subject, None]
    assert await codes(province, feed.entry(row, record=record, rev=5, change="corrected")) == []
    assert len(await province.events(record)) == 5


async def test_who_was_discharged_in_refused_content_is_not_whom_the_content_before_names(province: House):
    feed, record, number = await opened_feed(province), new_record(), province.number()
    row = penalty(number, CF_FR_ZJLX="身份证", CF_FR_ZJHM=resident(number))
    another = row | {"CF_FR_ZJHM": resident(number, born="19700101")}
    await province.deliver(feed.entry(row, record=record))
    refused = feed.entry(another, record=record, rev=2, change="corrected", display_until=date(2050, 1, 1))
    discharged = feed.entry(another, record=record, rev=3, change="discharged", role="legal_representative")
    assert await codes(province, refused, discharged) == ["period_too_long"]
    assert await codes(province, feed.entry(another, record=record, rev=4, change="corrected")) == []
    events = await province.events(record)
    assert [event.change for event in events] == ["accepted", "withheld", "discharged", "corrected"]
    assert events[0].related[0].subject != events[-1].related[0].subject
    assert [event.about for event in events] == [None, None, events[-1].related[0].subject, None]


async def test_a_discharge_of_the_number_that_withholding_had_taken_is_not_lost(province: House):
    """What was withheld before it was here, told anew as the discharge that it was."""
    feed, record, number = await opened_feed(province), new_record(), province.number()
    row = penalty(number, CF_FR_ZJLX="身份证", CF_FR_ZJHM=resident(number))
    discharged = feed.entry(row, record=record, rev=2, change="discharged", role="legal_representative")
    for entry in (feed.entry_of(None, record, 2, "withheld"), discharged):
        assert await codes(province, entry) == []
    assert await codes(province, feed.entry(row, record=record, rev=3, change="corrected")) == []
    first, second = await province.events(record)
    assert (first.change, first.about, second.change) == ("discharged", first.related[0].subject, "corrected")


async def test_what_was_said_of_what_is_not_held_is_a_row_of_each_kind_and_goes_when_newer_content_is_held(
    province: House,
):
    feed, record, number = await opened_feed(province), new_record(), province.number()
    row = penalty(number, CF_FR_ZJLX="身份证", CF_FR_ZJHM=resident(number))
    kept = "select role, first_rev, last_rev from ingestion.early_change where record = $1 order by role"
    for rev in (3, 8, 5):
        ends = [feed.entry_of(None, record, rev - 1, "withdrawn"), feed.entry_of(None, record, rev - 2, "withheld")]
        discharged = feed.entry(row, record=record, rev=rev, change="discharged", role="legal_representative")
        nobodys = feed.entry(row, record=record, rev=rev, change="discharged", role=f"role_{rev}")
        assert await codes(province, *ends, discharged, nobodys) == []
    assert await province.fetch(kept, record) == [
        {"role": "", "first_rev": 1, "last_rev": 7},
        {"role": "legal_representative", "first_rev": 3, "last_rev": 8},
    ]
    assert await codes(province, feed.entry(row, record=record, rev=6, change="corrected")) == []
    assert await province.events(record) == [], "it ended after that"
    refused = feed.entry(row, record=record, rev=9, change="corrected", display_until=date(2050, 1, 1))
    assert await codes(province, refused) == ["period_too_long"]
    assert len(await province.fetch(kept, record)) == 2
    assert await codes(province, feed.entry(row, record=record, rev=10, change="corrected")) == []
    assert [(event.rev, event.change) for event in await province.events(record)] == [
        (3, "discharged"), (10, "corrected"),
    ]  # fmt: skip
    assert await province.fetch(kept, record) == []


async def test_content_between_two_discharges_of_a_role_finds_the_one_before_it(province: House):
    feed, record, number = await opened_feed(province), new_record(), province.number()
    row = penalty(number, CF_FR_ZJLX="身份证", CF_FR_ZJHM=resident(number))
    first, last = (
        feed.entry(row, record=record, rev=rev, change="discharged", role="legal_representative") for rev in (3, 8)
    )
    assert await codes(province, first, last) == []
    content = [feed.entry(row, record=record, rev=rev, change="corrected") for rev in (5, 9)]
    assert await codes(province, content[0], last, content[1]) == []
    events = await province.events(record)
    assert [(event.rev, event.change) for event in events] == [
        (3, "discharged"), (5, "corrected"), (8, "discharged"), (9, "corrected"),
    ]  # fmt: skip
    assert {event.about for event in events if event.change == "discharged"} == {events[0].related[0].subject}


async def test_a_discharge_of_what_is_not_held_that_does_not_say_of_whom_is_refused(province: House):
    feed, record = await opened_feed(province), new_record()
    assert await codes(province, feed.entry_of(None, record, 2, "discharged")) == ["unreadable_entry"]


async def test_who_may_not_speak_or_what_is_not_collected_does_not_wait_for_a_word(province: House):
    feed, stranger = await opened_feed(province), Feed(province, peer="harbour", origin="city")
    row = penalty(province.number())
    assert await codes(
        province,
        newer_word(stranger, row, record=new_record()),
        newer_word(feed, row, said={"item": "horoscope"}, record=new_record()),
        newer_word(feed, row, record=new_record()),
    ) == ["origin_not_allowed", "unknown_item", "not_judged"]


async def test_content_that_a_peer_has_no_more_is_refused(province: House):
    feed, record, row = await opened_feed(province), new_record(), person_penalty(province.number())
    await province.deliver(feed.entry(row, record=record))
    await province.deliver(feed.entry(row, record=record, rev=2, change="repaired"))
    assert await codes(province, feed.entry_of(None, record, 3, "reopened")) == ["content_gone"]
    assert await codes(province, feed.entry_of(None, new_record())) == ["content_gone"]
    assert (await province.events(record))[-1].state == "repaired"


def newer_word(feed: Feed, row: dict[str, str], said: dict[str, str] | None = None, **more: Any) -> SentEntry:
    """An entry whose body has a word that this version does not know."""
    entry = feed.entry(row, **more)
    body = orjson.loads(entry.body or "") | {"severity": "grave"} | (said or {})
    return entry.model_copy(update={"body": orjson.dumps(body).decode()})


def unknown(feed: Feed, record: UUID) -> SentEntry:
    """An entry of which this version reads no more than its record."""
    entry = feed.entry_of("{}", record, 2, "corrected")
    line = orjson.loads(entry.line) | {"change": "suspended"}
    return entry.model_copy(update={"line": orjson.dumps(line).decode()})


def taken(entry: SentEntry) -> SentEntry:
    """The same without its content, as this node's exchange takes it away."""
    return entry.model_copy(update={"body": None, "replaced": True})


async def test_what_another_sends_of_a_record_withholds_nothing(province: House):
    feed, stranger = await opened_feed(province), await opened_feed(province, peer="harbour")
    record, row = new_record(), person_penalty(province.number())
    await province.deliver(feed.entry(row, record=record))
    for entry in (
        stranger.entry(row, record=record, rev=2, change="corrected"),
        stranger.entry(row, record=record, rev=2, change="corrected", display_until=date(2050, 1, 1)),
        stranger.entry_of("{", record, 2, "corrected"),
    ):
        assert len(await codes(province, entry)) == 1
    assert [event.state for event in await province.events(record)] == ["published"]


async def test_a_record_withheld_below_is_withheld_here(province: House):
    feed, record, row = await opened_feed(province), new_record(), person_penalty(province.number())
    await province.deliver(feed.entry(row, record=record))
    assert await codes(province, feed.entry(row, record=record, rev=2, change="withheld", state="withheld")) == []
    assert [event.state for event in await province.events(record)] == ["published", "withheld"]


async def test_what_this_node_took_away_is_no_refusal_and_an_earlier_one_is_shown_no_more(province: House):
    feed, record, number = await opened_feed(province), new_record(), province.number()
    row = penalty(number)
    never, first = new_record(), feed.entry(row, record=record)
    gone = taken(feed.entry(row | {"BZ": "改"}, record=record, rev=2, change="corrected"))
    unseen = taken(feed.entry(penalty(province.number()), record=never))
    assert await codes(province, first, gone, unseen) == []
    assert [(event.change, event.rev) for event in await province.events(record)] == [("accepted", 1), ("withheld", 2)]
    assert await codes(province, feed.entry(row | {"BZ": "再改"}, record=record, rev=3, change="corrected")) == []
    assert [event.state for event in await province.events(record)] == ["published", "withheld", "published"]
    assert await province.events(never) == []


async def test_a_number_is_used_once(province: House):
    """Whoever lost a revision and gave its number to another one is told so: what it ends is not ended here."""
    feed, record = await opened_feed(province), new_record()
    row = person_penalty(province.number())
    first, corrected = (
        feed.entry(row, record=record),
        feed.entry(row | {"CF_NR_FK": "0.3"}, record=record, rev=2, change="corrected"),
    )
    await province.deliver(first, corrected)
    for other in (
        feed.entry(row, record=record, rev=2, change="repaired"),
        feed.entry(row, record=record, rev=1, change="withdrawn"),
        feed.entry(row | {"CF_NR_FK": "0.4"}, record=record, rev=2, change="corrected"),
        feed.entry(row | {"CF_NR_FK": "0.4"}, record=record),
    ):
        assert await codes(province, other) == ["contradictory_entry"]
    assert await codes(province, first, corrected) == []
    assert [(event.rev, event.change) for event in await province.events(record)] == [(1, "accepted"), (2, "corrected")]


async def test_of_each_entry_that_came_before_no_more_than_one_revision_is_read(
    province: House, monkeypatch: pytest.MonkeyPatch
):
    """However far a copy is counted ahead of its origin by what was withheld for refused content."""
    feed, record = await opened_feed(province), new_record()
    row = person_penalty(province.number())
    await province.deliver(feed.entry(row, record=record))
    last = 12
    told = [feed.entry(row, record=record, rev=rev, change="corrected") for rev in range(2, last + 1)]
    for rev, entry in enumerate(told, 2):
        assert await codes(province, feed.entry_of("{", record, rev, "corrected"), entry) == ["unreadable_entry"]
    newest = (await province.events(record))[-1]
    assert (newest.rev, newest.origin_rev) == (2 * last - 1, last)
    fetched, fetch = [], Session.fetch

    async def counted(session: Session, statement: Any, *values: Any) -> Any:
        rows = await fetch(session, statement, *values)
        fetched.append(len(rows))
        return rows

    monkeypatch.setattr(Session, "fetch", counted)
    assert await codes(province, *told) == []
    marks = [feed.entry_of(None, record, rev, "marked") for rev in range(2, last + 1)]
    assert await codes(province, *marks) == ["contradictory_entry"] * len(marks)
    assert max(fetched) <= len(told)
    assert len(await province.events(record)) == 2 * last - 1


async def test_an_end_that_was_decided_again_under_its_number_has_ended_it(province: House):
    feed, record = await opened_feed(province), new_record()
    row = person_penalty(province.number())
    await province.deliver(feed.entry(row, record=record))
    for _ in range(2):
        assert await codes(province, feed.entry(row, record=record, rev=2, change="repaired")) == []
    assert [event.change for event in await province.events(record)] == ["accepted", "repaired"]


async def test_what_only_waited_before_its_content_came_has_not_ended_it(province: House):
    feed, record = await opened_feed(province), new_record()
    row = person_penalty(province.number())
    waits = feed.entry(row, record=record, rev=2, change="withheld", state="withheld", reason="newer_version")
    mark = feed.entry(row, record=record, rev=2, change="marked")
    assert await codes(province, waits, mark) == []
    assert await codes(province, feed.entry(row, record=record), waits, mark) == []
    assert [event.state for event in await province.events(record)] == ["published", "withheld", "published"]


@pytest.mark.parametrize("before", ["another", "nobody"])
async def test_a_discharge_in_own_content_that_is_not_made_again_is_listed_and_discharges_nobody_else(
    province: House, before: str
):
    """After a restore: whoever was discharged is not whom the content that is here names. It is decided again."""
    feed, record, number = await opened_feed(province, peer="province"), new_record(), province.number()
    row = penalty(number, CF_FR_ZJLX="身份证", CF_FR_ZJHM=resident(number))
    first = row | {"CF_FR_ZJHM": resident(number, born="19700101")} if before == "another" else penalty(number)
    await province.deliver(feed.entry(first, record=record))
    refused = feed.entry(row, record=record, rev=2, change="corrected", display_until=date(2050, 1, 1))
    discharged = feed.entry(row, record=record, rev=3, change="discharged", role="legal_representative")
    assert await codes(province, refused, discharged) == ["period_too_long", "contradictory_entry"]
    assert await codes(province, feed.entry(row, record=record, rev=4, change="corrected")) == []
    events = await province.events(record)
    assert [(event.rev, event.origin_rev, event.change, event.about) for event in events] == [
        (1, None, "accepted", None),
        (2, None, "withheld", None),
        (3, None, "withheld", None),
        (4, None, "corrected", None),
    ]


@pytest.mark.parametrize("batches", [(1, 1, 1, 1), (2, 1, 1), (1, 1, 2), (1, 2, 1), (1, 3), (2, 2), (4,)])
@pytest.mark.parametrize("shown", [False, True])
async def test_a_discharge_between_the_first_and_the_last_of_a_role_is_not_lost(
    province: House,
    batches: tuple[int, ...],
    shown: bool,  # noqa: FBT001
):
    """Content comes after all, and with it again what came of it; what was shown has no more to do with the rest."""
    feed, record, number = await opened_feed(province), new_record(), province.number()
    row = penalty(number, CF_FR_ZJLX="身份证", CF_FR_ZJHM=resident(number))
    discharges = {
        rev: feed.entry(row, record=record, rev=rev, change="discharged", role="legal_representative")
        for rev in (2, 5, 9)
    }
    assert await codes(province, *discharges.values()) == []
    told = [
        feed.entry(row, record=record, rev=3, change="corrected"),
        feed.entry(row, record=record, rev=4, change="corrected", display_until=date(2050, 1, 1)),
        discharges[5],
        feed.entry(row, record=record, rev=7, change="corrected"),
    ]
    if shown:
        await province.deliver(feed.entry(row, record=record), discharges[2])
    for count in batches:
        await province.deliver(*told[:count])
        told = told[count:]
    events = await province.events(record)
    assert [event.origin_rev or event.rev for event in events if event.change == "discharged"] == [2, 5]
    assert events[-1].state == "published"


async def test_who_was_discharged_in_refused_content_is_so_in_what_is_opened_again_after_an_end(province: House):
    feed, record, number = await opened_feed(province), new_record(), province.number()
    row = penalty(number, CF_FR_ZJLX="身份证", CF_FR_ZJHM=resident(number))
    told = [
        feed.entry(row, record=record),
        feed.entry(row, record=record, rev=2, change="corrected", display_until=date(2050, 1, 1)),
        feed.entry(row, record=record, rev=3, change="discharged", role="legal_representative"),
        feed.entry(row, record=record, rev=4, change="withdrawn"),
        feed.entry(row, record=record, rev=5, change="reopened"),
    ]
    for entry in told:
        await province.deliver(entry)
    first, *_, discharged, reopened = await province.events(record)
    assert (discharged.change, discharged.about) == ("discharged", first.related[0].subject)
    assert (reopened.change, reopened.state) == ("reopened", "published")
