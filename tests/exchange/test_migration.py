"""What the exchange had not read when a node was upgraded is not lost: it is told anew, as what it handles now."""

import json
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

from creditmesh.catalogue import service as catalogue
from creditmesh.chassis.bus.event import part_of
from creditmesh.chassis.database.migrating import migrate
from creditmesh.chassis.ids import new_id
from creditmesh.chassis.packing import unpack
from creditmesh.chassis.service import Service
from creditmesh.exchange import service
from creditmesh.exchange.entries import Draft
from creditmesh.exchange.store import feeds, lost, refusals, tiles
from creditmesh.ingestion import service as ingestion
from creditmesh.query import service as query
from creditmesh.schemas.events import AccessRecorded, DisclosedToBureau, HolderChanged, PageReceived
from creditmesh.schemas.exchange import FeedEntry
from creditmesh.schemas.tlog import Range, Subtree, full_tiles, leaf_hash
from tests.support.postgres import Database, Postgres

LATER = """
drop function exchange.set_aside_feed, exchange.set_aside_rows;
drop table exchange.set_aside, exchange.second_history, exchange.fetched_back, exchange.chain_told;
alter table exchange.feed_head drop column closed_until;
drop table exchange.copied_key, exchange.unproven_entry;
alter table exchange.copy_checkpoint drop column stack;
alter table exchange.feed_entry drop column packed, drop column weight;
alter table exchange.answer drop column until, drop column signed;
alter table exchange.received_page drop column weight;
alter table exchange.chain drop column early;
alter table exchange.waiting drop column origin;
alter table exchange.child_entry drop column type;
alter table exchange.child_entry rename to child_answer;
drop table exchange.to_forget, exchange.narrowed_item;
alter table exchange.refused_entry drop column seen_to, drop column record, drop column rev;
drop index exchange.sent_revision_record_peer_rev_idx, exchange.sent_revision_record_peer_index_idx;
alter table exchange.forgetting add column scanned bigint not null default 0,
    add column items text[] not null default '{}';
alter table exchange.sent_revision drop constraint sent_revision_pkey, add primary key (record, rev, peer);
alter table exchange.lost_entry add column at timestamptz not null default now();
update exchange.alembic_version set version_num = 'exchange_0019';
"""
"""What migrations from exchange_0020 on did, undone."""
BACK = """
create table exchange.feed_node (
    feed text not null, level smallint not null, index bigint not null, hash bytea not null,
    primary key (feed, level, index));
drop table exchange.feed_tile;
alter table exchange.feed_head drop column bytes;
alter table exchange.feed_checkpoint drop column bytes;
alter table exchange.copy_checkpoint drop column note;
alter table exchange.copy_head drop column announced, drop column held_from, drop column waiting, drop column unknown;
drop table exchange.refused_entry, exchange.forgetting;
drop table exchange.answer, exchange.refusal, exchange.chain, exchange.unnamed, exchange.sent_revision,
    exchange.child_answer, exchange.lost_entry, exchange.grown;
alter table exchange.acknowledgement_made drop column tracked, drop column records, drop column stream,
    drop column number, add primary key (peer, feed, first);
create table exchange.acknowledgement (feed text not null, by text not null, first bigint not null,
    until bigint not null, data text not null, at timestamptz not null, primary key (feed, by, first));
create table exchange.reach (feed text not null, node text not null, until bigint not null, primary key (feed, node));

drop table exchange.received_page;
drop table exchange.waiting;
create table exchange.received (
    part integer not null, id uuid not null, key text not null, at timestamptz not null, legal_date date not null,
    traceparent text, peer text not null, feed text not null, index bigint not null, record uuid not null,
    rev integer not null, data bytea not null, primary key (id, part), unique (peer, feed, index)
);
"""
"""What migrations from exchange_0006 on made and dropped, as it was before them: of tiles, of ranges, of pages."""
READ = """
insert into exchange.reader_position (stream, part, number) values ('query', 3, 1)
"""
UNCOUNTED = """
drop table exchange.unnamed, exchange.sent_revision, exchange.child_answer, exchange.lost_entry;
create table exchange.relayed (peer text not null, index bigint not null, node text not null, body text not null);
alter table exchange.received_page add column records uuid[], add column revs integer[];
alter table exchange.copy_head drop column waiting, drop column unknown;
update exchange.alembic_version set version_num = 'exchange_0008';
"""
"""How copies stood before what waits was counted with them."""
NEWER = """
alter table exchange.answer drop constraint answer_pkey, drop column span, add primary key (feed, node);
alter table exchange.chain drop column due;
drop table exchange.refused_entry, exchange.forgetting, exchange.grown;
alter table exchange.received_page drop column keys;
alter table exchange.waiting drop column unsaid;
alter table exchange.sent_revision drop column change;
create table exchange.held_entry ();
"""
"""What migrations from exchange_0015 on made, of tables that earlier ones need not make again."""
FOLDER = Path(__file__).parent / "told_before"
EVENT = """
insert into bus.event (stream, part, id, type, version, key, at, legal_date, data)
values ('query', 3, $1, 'access.recorded', 1, $2, now(), '2026-05-04', $3)
"""
ORDER = "insert into bus.event_order (stream, part, number, type, event) values ('query', 3, $1, 'access.recorded', $2)"
TOLD = """
select e.id, e.data
  from bus.event e join bus.event_queue q on q.event = e.id and q.stream = e.stream and q.part = e.part
 where e.type = 'access.disclosed_to_bureau' and q.type = e.type order by q.id
"""

LETTER = """
insert into exchange.dead_letter (stream, part, number, id, type, version, key, at, legal_date, data, error)
values ('query', 3, $1, $2, $3, 1, $4, now(), '2026-05-04', $5, $6)
"""


def access(caller: str, outcome: str) -> AccessRecorded:
    return AccessRecorded(
        access=new_id(),
        caller=caller,
        party="alpha_credit",
        purpose="credit_assessment",
        ground="authorisation",
        outcome=outcome,
        records=(uuid4(), uuid4()),
        use_until=date(2026, 12, 20),
        subject=uuid4(),
    )


async def test_what_bureaus_were_given_and_the_exchange_had_not_read_is_told_anew(postgres: Postgres):
    database = await postgres.database(node="exchange1", packages=[query, service])
    await stood_at(database, "exchange_0002")
    read, ordered, queued = (access("bureau", "released") for _ in range(3))
    others = [access("bureau", "refused"), access("department", "released")]
    async with database.session() as session:
        await session.execute(READ)
        for each in (read, ordered, queued, *others):
            await session.execute(EVENT, each.access, each.key, each.model_dump_json().encode())
        await session.execute(ORDER, 1, read.access)
        await session.execute(ORDER, 2, ordered.access)
        await upgraded(postgres, database)
        rows = await session.fetch(TOLD)
    told = [DisclosedToBureau.model_validate_json(row["data"]) for row in rows]
    assert [(each.access, each.subject, each.party, each.records, each.use_until) for each in told] == [
        (each.access, each.subject, each.party, each.records, each.use_until) for each in (ordered, queued)
    ]
    assert [row["id"].int >> 80 for row in rows] == [each.access.int >> 80 for each in (ordered, queued)]


RECEIVED = """
insert into exchange.received (part, id, key, at, legal_date, peer, feed, index, record, rev, data)
values (3, gen_random_uuid(), 'city/up', now(), '2026-05-04', 'city', 'up', $1, gen_random_uuid(), 1, $2)
"""
MADE = """
insert into exchange.acknowledgement_made (peer, feed, first, until, data, beyond)
values ('city', 'up', $1, $2, $3, '{}')
"""


async def test_of_what_was_refused_before_the_line_is_kept_alone(postgres: Postgres):
    database = await postgres.database(node="exchange1", packages=[query, service])
    await stood_at(database, "exchange_0004")
    refused = {"refused": [{"index": 1, "code": "unknown_item"}]}, {"refused": [{"index": 3, "code": "minor"}]}
    now, before = {"signed": json.dumps(refused[0]), "signature": "x"}, refused[1] | {"signature": "x"}
    line, body = '{"body":"of a line"}', 'said \0 "body":"x\\'
    async with database.session() as session:
        for index in range(5):
            await session.execute(RECEIVED, index, json.dumps({"line": line, "body": body, "rev": 1}).encode())
        await session.execute(MADE, 0, 3, json.dumps(now))
        await session.execute(MADE, 3, 5, json.dumps(before))
        await upgraded(postgres, database)
        rows = await session.fetch("select first, data from exchange.received_page order by first")
    told = [json.loads(row["data"])["entries"] for row in rows]
    assert told == [[{"line": line, "body": None if index in {1, 3} else body, "rev": 1}] for index in range(5)]


async def test_what_the_exchange_has_among_its_dead_letters_or_behind_one_is_told_anew(postgres: Postgres):
    database = await postgres.database(node="exchange1", packages=[query, service])
    await stood_at(database, "exchange_0002")
    letter, behind = (access("bureau", "released") for _ in range(2))
    other = access("department", "released")
    key = letter.key
    async with database.session() as session:
        await session.execute(READ)
        for number, each in enumerate((letter, other, behind), start=1):
            body, error = each.model_dump_json().encode(), "KeyError" if each is letter else None
            await session.execute(LETTER, number, each.access, each.type, key, body, error)
        for number in (4, 5):
            await session.execute(LETTER, number, uuid4(), "task.changed", key, b"{}", None)
        await upgraded(postgres, database)
        rows = await session.fetch(TOLD)
        left = await session.fetch("select number, error is null, asked from exchange.dead_letter order by number")
    told = [DisclosedToBureau.model_validate_json(row["data"]) for row in rows]
    assert [(each.access, each.subject, each.records) for each in told] == [
        (each.access, each.subject, each.records) for each in (letter, behind)
    ]
    assert [tuple(row) for row in left] == [(4, False, "retry"), (5, True, None)], "what waited is the letter now"


ORDERED = "insert into bus.event_order (stream, part, number, type, event) values ('exchange', 3, $1, $2, $3)"
QUEUED = "insert into bus.event_queue (stream, part, type, event) values ('exchange', 3, $1, $2)"
BODY = """
insert into bus.event (stream, part, id, type, version, key, at, legal_date, data)
values ('exchange', 3, $1, $2, 1, $3, now(), '2026-05-04', $4)
"""
RECORD = """
insert into exchange.received (part, id, key, at, legal_date, peer, feed, index, record, rev, data)
values (3, $1, $2, now(), '2026-05-04', $3, $4, $5, $6, $7, $8)
"""
PARKED = """
insert into exchange.dead_letter (stream, part, number, id, type, version, key, at, legal_date, data, error)
values ('exchange', 3, $1, $2, $3, 1, $4, now(), '2026-05-04', $5, $6)
"""
AGAIN = """
select q.type, q.event, p.data
  from bus.event_queue q left join exchange.received_page p on p.id = q.event and p.part = q.part
 where q.stream = 'exchange' order by q.id
"""


def told_before(type_: str, index: int, **more: object) -> dict[str, Any]:
    """The body of an event as it was told before pages, at another place of its feed."""
    frozen = json.loads((FOLDER / f"{type_}.v1.json").read_text(encoding="utf-8"))
    return {**frozen["data"], "index": index, **more}


async def test_what_was_told_entry_by_entry_is_kept_as_pages_and_what_was_not_read_is_told_so(postgres: Postgres):
    database = await postgres.database(node="exchange1", packages=[catalogue, ingestion, service])
    await stood_at(database, "exchange_0005")
    said = {
        "read": told_before("record.received", 1),
        "record": told_before("record.received", 2, body='a body with \0 in it "index":7,'),
        "key": told_before("feed_key.received", 3),
        "catalogue": told_before("catalogue.received", 4),
        "letter": told_before("acknowledgement.received", 5),
        "behind": told_before("acknowledgement.received", 6),
        "queued": told_before("record.received", 7),
    }
    ids = {name: new_id() for name in said}
    types = {"key": "feed_key", "catalogue": "catalogue", "letter": "acknowledgement", "behind": "acknowledgement"}
    async with database.session() as session:
        await session.execute("insert into ingestion.reader_position (stream, part, number) values ('exchange', 3, 1)")
        for number, name in enumerate(said, start=1):
            body, type_ = said[name], f"{types.get(name, 'record')}.received"
            data, key = json.dumps(body).encode(), f"{body['peer']}/{body['feed']}"
            if name in {"letter", "behind"}:
                await session.execute(PARKED, number, ids[name], type_, key, data, "x" if name == "letter" else None)
                continue
            if type_ == "record.received":
                place = body["peer"], body["feed"], body["index"]
                await session.execute(RECORD, ids[name], key, *place, body["record"], body["rev"], data)
            else:
                await session.execute(BODY, ids[name], type_, key, data)
            if name == "queued":
                await session.execute(QUEUED, type_, ids[name])
            else:
                await session.execute(ORDERED, number, type_, ids[name])
        await session.execute(PARKED, 9, uuid4(), "task.changed", "somebody", b"{}", "x")
        await upgraded(postgres, database, catalogue, ingestion, service)
        again = await session.fetch(AGAIN)
        kept = await session.fetch("select data from exchange.received_page order by first")
        sent = await session.fetch("select record::text, rev, index from exchange.sent_revision order by index")
        left = await session.fetch("select type from exchange.dead_letter")
    assert [row["type"] for row in again] == ["page.received"] * 6
    assert not {row["event"] for row in again} & set(ids.values()), "an event has one number"
    told = [PageReceived.model_validate_json(unpack(row["data"])).received for row in again]
    assert [entry.index for (entry,) in told] == [2, 3, 7, 4, 5, 6], "of each reader in its order"
    for (entry,) in told:
        body = next(each for each in said.values() if each["index"] == entry.index)
        assert (entry.peer, entry.feed, entry.text, entry.body) == tuple(
            body[name] for name in ("peer", "feed", "line", "body")
        )
    assert [PageReceived.model_validate_json(unpack(row["data"])).first for row in kept] == [1, 2, 3, 4, 5, 6, 7]
    assert [tuple(row) for row in sent] == [(said["read"]["record"], 3, 1)], "the first of the three"
    assert [row["type"] for row in left] == ["task.changed"]


ACKNOWLEDGED = """
insert into exchange.acknowledgement (feed, by, first, until, data, at) values ('up', $1, $2, $3, $4, now())
"""


def signed_text(*refused: tuple[int, str]) -> str:
    members = {"refused": [{"index": index, "code": code} for index, code in refused]}
    return json.dumps({"signed": json.dumps(members), "signature": "x"})


async def test_what_was_answered_is_taken_over_as_ranges(postgres: Postgres):
    database = await postgres.database(node="exchange1", packages=[query, service])
    await stood_at(database, "exchange_0005")
    async with database.session() as session:
        await session.execute("insert into exchange.reach values ('up', 'province', 9), ('up', 'nation', 7)")
        await session.execute(ACKNOWLEDGED, "province", 0, 3, signed_text((1, "minor")))
        of_before = json.dumps({"refused": [{"index": 4, "code": "unknown_item"}], "signature": "x"})
        await session.execute(ACKNOWLEDGED, "province", 3, 6, of_before)
        await session.execute(ACKNOWLEDGED, "province", 8, 9, signed_text())
        await session.execute(ACKNOWLEDGED, "province", 20, 26, signed_text((21, "minor"), (22, "minor")))
        await session.execute(ACKNOWLEDGED, "province", 21, 22, signed_text())
        await session.execute(ACKNOWLEDGED, "nation", 4000, 9000, signed_text((4096, "minor"), (8191, "minor")))
        await session.execute(ACKNOWLEDGED, "exchange1", 0, 9, signed_text((1, "minor")))
        await upgraded(postgres, database)
        answers = await session.fetch(
            "select feed, node, span, applied::text, refused::text from exchange.answer order by node desc, span"
        )
        refusals = await session.fetch("select node, index, code from exchange.refusal order by index")
        assert await session.fetchval("select to_regclass('exchange.acknowledgement')") is None
    assert [tuple(row) for row in answers] == [
        ("up", "province", 0, "{[0,1),[2,4),[5,6),[8,9),[20,22),[23,26)}", "{[1,2),[4,5),[22,23)}"),
        ("up", "nation", 0, "{[4000,4096)}", "{}"),
        ("up", "nation", 1, "{[4097,8191)}", "{[4096,4097),[8191,8192)}"),
        ("up", "nation", 2, "{[8192,9000)}", "{}"),
    ], "what one text refuses and another applies is applied"
    assert [tuple(row) for row in refusals] == [
        ("province", 1, "minor"), ("province", 4, "unknown_item"), ("province", 22, "minor"),
        ("nation", 4096, "minor"), ("nation", 8191, "minor"),
    ]  # fmt: skip


TRACKED = """
insert into exchange.told (record, rev, subject, change, item, party, at)
values ($1, 2, $2, 'repaired', 'penalty', 'market', '2026-05-04')
"""
IN_FEED = """
insert into exchange.feed_entry (feed, index, line, record, rev) values ('up', 0, '{}', $1, 1)
"""


FEED_KEY = """
insert into exchange.feed_key (feed, number, key, month, receivers, wrapped)
values ('up', 1, 'k', '2026-05-01', $1, '{}')
"""


async def test_of_ends_it_is_told_to_whom_they_were_sent(postgres: Postgres):
    database = await postgres.database(node="exchange1", packages=[query, service])
    await stood_at(database, "exchange_0005")
    home, shared = (uuid4(), uuid4()), (uuid4(), uuid4())
    async with database.session() as session:
        for record, subject in (home, shared):
            await session.execute(TRACKED, record, subject)
        await session.execute(IN_FEED, shared[0])
        await session.execute(FEED_KEY, ["exchange1/k", "province/k"])
        await session.execute(MADE, 0, 3, json.dumps({"signed": '{"first": 0}', "signature": "x"}))
        await session.execute(MADE, 3, 5, json.dumps({"first": 3, "signature": "x"}))
        await upgraded(postgres, database)
        rows = await session.fetch("select part, key, data from bus.event where type = 'holder.changed' order by id")
        queued = await session.fetchval("select count(*) from bus.event_queue where type = 'holder.changed'")
        made = await session.fetch("select data from exchange.acknowledgement_made order by first")
    event, other = [HolderChanged.model_validate_json(row["data"]) for row in rows]
    assert (event.record, event.subject, event.holder, event.outcome) == (*home, "exchange1", "unshared")
    assert (rows[0]["key"], rows[0]["part"], queued) == (str(home[1]), part_of(str(home[1]), 12), 2)
    assert (other.record, other.subject, other.holder, other.outcome) == (*shared, "exchange1", "told")
    assert other.above == ("province",), "whoever could open the feed"
    assert [json.loads(row["data"]) for row in made] == [{"first": 0}, {"first": 3}], "it is signed when it leaves"


async def test_the_tree_of_a_feed_that_stood_before_is_kept_in_tiles_and_goes_on(postgres: Postgres):
    database = await postgres.database(node="exchange1", packages=[query, service])
    await stood_at(database, "exchange_0005")
    lines = [f'{{"n":{number}}}' for number in range(66_000)]
    leaves = [leaf_hash(line.encode()) for line in lines]
    head, completed = Range.empty().extended(leaves)
    async with database.session() as session:
        await filled(session, "up", lines, [Subtree(0, n, leaf) for n, leaf in enumerate(leaves)] + completed, head)
        await filled(session, "down", lines[:3], [Subtree(0, n, leaf) for n, leaf in enumerate(leaves[:3])], head)
        await upgraded(postgres, database)
        bytes_ = await session.fetch("select size, bytes from exchange.feed_checkpoint where feed = 'up' order by size")
    assert [row["bytes"] for row in bytes_] == [sum(map(len, lines[: row["size"]])) + row["size"] for row in bytes_]
    pool = database.pool("exchange")
    async with pool.transaction() as session:
        await grown(session, head)
    whole, completed = Range.empty().extended(leaves + [leaf_hash(b"new")] * 600)
    wanted = {(level, index): hashed for level, index, hashed in completed}
    async with pool.session() as session:
        found = await tiles.subtrees(session, "up", wanted.keys())
        assert found == wanted
        assert (await feeds.head(session, "up")) == whole
        [last] = await session.fetch("select count(*), count(distinct (tier, number)) from exchange.feed_tile")
    assert tuple(last) == (66_600 // 256 + 1,) * 2


async def test_of_chains_that_are_known_already_it_is_told_who_is_above(postgres: Postgres):
    database = await postgres.database(node="exchange1", packages=[query, service])
    async with database.session() as session:
        await session.execute("drop table exchange.chain_told")
        await session.execute("insert into exchange.chain (peer, node, data) values ('province', 'nation', '{}')")
        await session.execute("update exchange.alembic_version set version_num = 'exchange_0035'")
        await upgraded(postgres, database)
        assert [row["peer"] for row in await session.fetch("select peer from exchange.grown")] == ["province"]


async def stood_at(database: Database, version: str) -> None:
    """The schema as it was at that version."""
    async with database.session("ddl") as session:
        await session.execute(LATER + BACK)
        await session.execute(f"update exchange.alembic_version set version_num = '{version}'")


async def filled(session, feed: str, lines: list[str], nodes: list[Subtree], head: Range) -> None:
    """A feed as it stood before the upgrade: two signed heads, a body of one byte each."""
    entries = [(feed, index, line, b"s", "b") for index, line in enumerate(lines)]
    columns = ["feed", "index", "line", "salt", "body"]
    await session.copy_records_to_table("feed_entry", schema_name="exchange", columns=columns, records=entries)
    nodes = [(feed, *node) for node in nodes]
    columns = ["feed", "level", "index", "hash"]
    await session.copy_records_to_table("feed_node", schema_name="exchange", columns=columns, records=nodes)
    heads = [(feed, size, b"root", "note") for size in (2, len(lines))]
    columns = ["feed", "size", "root", "note"]
    await session.copy_records_to_table("feed_checkpoint", schema_name="exchange", columns=columns, records=heads)
    await session.execute(
        "insert into exchange.feed_head (feed, size, stack) values ($1, $2, $3)", feed, len(lines), head.packed()
    )


async def grown(session, head: Range) -> None:
    """The feed goes on from there."""
    drafts = [Draft(line="new", salt=b"s", body="b")] * 600
    after, completed = head.extended([leaf_hash(b"new")] * 600)
    await feeds.append(
        session, "up", first=head.size, drafts=drafts, heads=[feeds.SignedHead(after, "note", 2400)],
        tiles=full_tiles(completed), waking="feed/up",
    )  # fmt: skip


async def test_what_waits_is_counted_once(postgres: Postgres):
    database = await postgres.database(node="exchange1", packages=[query, service])
    async with database.session("ddl") as session:
        await session.execute(LATER + NEWER + UNCOUNTED)
        await session.execute("insert into exchange.copy_head (peer, feed) values ('near', 'up'), ('far', 'up')")
        await session.execute(
            "insert into exchange.waiting (peer, feed, index, unknown) select 'far', 'up', n, 'type word' || n % 30"
            "  from generate_series(0, 99) n"
        )
        await upgraded(postgres, database)
        rows = await session.fetch("select peer, waiting, cardinality(unknown) as words from exchange.copy_head")
    assert sorted(tuple(row) for row in rows) == [("far", 100, 20), ("near", 0, 0)]


BEFORE_ANEW = """
drop table exchange.refused_entry, exchange.forgetting, exchange.grown;
alter table exchange.received_page drop column keys;
alter table exchange.waiting drop column unsaid;
alter table exchange.sent_revision drop column change;
create table exchange.held_entry ();
update exchange.alembic_version set version_num = 'exchange_0016';
insert into exchange.waiting (peer, feed, index, unknown) values ('far', 'up', 3, 'type word');
"""
ANSWERED_BEFORE = """
insert into exchange.acknowledgement_made
       (peer, feed, first, until, data, beyond, ends, tracked, records, stream)
values ('far', 'up', $1, $2, $3, '{}', '{}', '{}', '{}', 'ingestion')
"""


async def test_what_was_refused_and_not_applied_since_stands_in_rows(postgres: Postgres):
    database = await postgres.database(node="exchange1", packages=[query, service])
    said = [
        (0, 6, {1: "unknown_item", 2: "minor", 4: "not_judged", 5: "newer_version"}),
        (10, 12, {10: "minor"}),
        (1, 2, {}),
        (10, 11, {10: "unknown_item"}),
    ]
    async with database.session("ddl") as session:
        await session.execute(LATER + BEFORE_ANEW)
        for first, until, codes in said:
            refused = [{"index": index, "code": code} for index, code in codes.items()]
            await session.execute(ANSWERED_BEFORE, first, until, json.dumps({"refused": refused}))
        await upgraded(postgres, database)
        rows = await session.fetch("select index, code from exchange.refused_entry order by index")
        waits = await session.fetchval("select unsaid from exchange.waiting")
    assert [tuple(row) for row in rows] == [(2, "minor"), (10, "unknown_item")]
    assert waits, "that it waits has to be told still"


async def upgraded(postgres: Postgres, database: Database, *packages: Service) -> None:
    await migrate(
        postgres.admin, node="exchange1", tier="city", parts=12, packages=packages or [query, service],
        secrets=postgres.secrets, database=database.name,
    )  # fmt: skip


RESTORED = """
insert into exchange.feed_entry (feed, index, line, record, rev, change, subject)
values ('up', $1, $2, gen_random_uuid(), 1, 'accepted', $3)
"""


async def test_what_an_older_version_fetched_back_is_listed_and_what_others_send_is_not(postgres: Postgres):
    database = await postgres.database(node="exchange1", packages=[query, service])
    async with database.session("ddl") as session:
        await session.execute(LATER + NEWER + "drop table exchange.lost_entry")
        await session.execute("update exchange.alembic_version set version_num = 'exchange_0013'")
    async with database.session() as session:
        own = await session.fetchval("select code from bus.node")
        for index, (origin, subject) in enumerate(((own, uuid4()), (own, None), ("district", None))):
            await session.execute(RESTORED, index, json.dumps({"origin": origin}), subject)
        await upgraded(postgres, database)
    async with database.pool("exchange").session() as session:
        listed = await lost.listed(session, after=("", -1), limit=10)
        known = await lost.of_records(session, "up", [each.record for each in listed if each.record is not None])
    assert [(each.index, each.why) for each in listed] == [(1, "not_made_again")]
    assert known == listed


SENT_BEFORE = """
insert into exchange.sent_revision (record, rev, peer, index, change) values (gen_random_uuid(), 1, 'city', $1, $2)
"""
BEFORE_WAITS = """
insert into exchange.feed_entry (feed, index, line, record, rev, change, body)
values ('up', $1, '{}', gen_random_uuid(), 2, 'withheld', $2)
"""


async def test_what_only_waited_is_told_apart_from_what_was_withheld(postgres: Postgres):
    database = await postgres.database(node="exchange1", packages=[query, service])
    bodies = [json.dumps({"reason": each, "basis": None}, separators=(",", ":")) for each in ("newer_version", None)]
    async with database.session("ddl") as session:
        await session.execute(LATER)
        await session.executemany(BEFORE_WAITS, list(enumerate(bodies)))
        for index, change in enumerate(("accepted", "withheld")):
            await session.execute(SENT_BEFORE, index, change)
        await upgraded(postgres, database)
        rows = await session.fetch("select change from exchange.feed_entry order by index")
        sent = await session.fetch("select change from exchange.sent_revision order by index")
    assert [row["change"] for row in rows] == ["waits", "withheld"]
    assert [row["change"] for row in sent] == ["accepted", None], "it is read off the page when it is asked for"


BEFORE_ENDED = """
drop function exchange.set_aside_feed, exchange.set_aside_rows;
drop table exchange.set_aside, exchange.second_history, exchange.fetched_back, exchange.chain_told;
alter table exchange.feed_head drop column closed_until;
drop table exchange.copied_key, exchange.unproven_entry;
alter table exchange.copy_checkpoint drop column stack;
alter table exchange.feed_entry drop column packed, drop column weight;
alter table exchange.answer drop column until, drop column signed;
alter table exchange.copy_head add column had_answered bigint;
alter table exchange.refused_entry drop column record, drop column rev;
drop index exchange.sent_revision_record_peer_rev_idx, exchange.sent_revision_record_peer_index_idx;
alter table exchange.received_page drop column weight;
update exchange.alembic_version set version_num = 'exchange_0025';
"""
SAID_BEFORE = "insert into exchange.sent_revision (record, rev, peer, index, change) values ($1, $2, 'far', $3, $4)"
REFUSED_BEFORE = "insert into exchange.refused_entry (peer, feed, index, code, seen_to) values ('far', $1, $2, $3, $4)"


async def test_what_was_refused_before_is_found_by_its_record_when_that_ends(postgres: Postgres):
    database = await postgres.database(node="exchange1", packages=[query, service])
    record = uuid4()
    async with database.session("ddl") as session:
        await session.execute(BEFORE_ENDED)
        for rev, change in enumerate(("reopened", "discharged", None, "corrected", "reopened", "reopened", "reopened")):
            await session.execute(SAID_BEFORE, record, rev, rev, change)
            code = "origin_not_allowed" if rev == 4 else "unreadable_entry"
            await session.execute(REFUSED_BEFORE, "up", rev, code, rev != 5)
        await session.execute(REFUSED_BEFORE, "down", 0, "unreadable_entry", True)
        await upgraded(postgres, database)
    async with database.pool("exchange").session() as session:
        await refusals.mark_ended(session, "far", "up", {record: 6}, limit=50)
        rows = await session.fetch("select feed, index from exchange.refused_entry where not seen_to order by index")
    assert [tuple(row) for row in rows] == [("up", 0), ("up", 1), ("up", 2), ("up", 5)]


BEFORE_FORGETTING = """
drop table exchange.forgetting, exchange.grown;
alter table exchange.received_page drop column keys;
update exchange.alembic_version set version_num = 'exchange_0017';
insert into exchange.feed_key (feed, number, key, month, receivers, wrapped)
values ('up', 1, 'k1', '2026-05-01', array['exchange1/o1'], '{"node":"exchange1"}');
"""
ENTRY = "insert into exchange.feed_entry (feed, index, line, salt, body) values ('up', $1, $2, 'x', $3)"
RECORD_ENTRY = """
insert into exchange.feed_entry (feed, index, line, salt, body, record, rev, subject, change, item, party)
values ('up', $1, '{}', 'x', '{}', $2, 1, $3, 'accepted', 'penalty', 'market')
"""
NEEDED = """
select column_name as name, data_type as type from information_schema.columns
 where table_schema = 'ingestion' and table_name = 'revision' and is_nullable = 'NO' and is_generated = 'NEVER'
"""
ANY = {
    "integer": "1", "smallint": "1", "bigint": "1", "uuid": "gen_random_uuid()", "text": "'published'",
    "bytea": "''", "date": "'2026-05-01'", "timestamp with time zone": "now()", "jsonb": "'{}'", "boolean": "false",
    "ARRAY": "'{}'",
}  # fmt: skip


async def test_keys_that_came_back_are_kept_and_what_was_deleted_is_forgotten_but_nothing_that_is_there(
    postgres: Postgres,
):
    database = await postgres.database(node="exchange1", packages=[query, ingestion, service])
    deleted, there = uuid4(), uuid4()

    def wrapped(key: str) -> str:
        to = [{"node": node, "key": own} for node, own in (("province", "p1"), ("exchange1", "o1"))]
        return json.dumps({"key": key, "alg": "x", "wrapped": to})

    line = json.dumps({"type": "feed.key", "at": "2026-05-31T17:00:00Z"}, separators=(",", ":"))
    async with database.session("ddl") as session:
        await session.execute(LATER + BEFORE_FORGETTING)
        for index, key in enumerate(("k1", "k2", "k3", "k2")):
            await session.execute(ENTRY, index, line, wrapped(key))
        for index, record in ((4, deleted), (5, there)):
            await session.execute(RECORD_ENTRY, index, record, uuid4())
        row = {each["name"]: ANY[each["type"]] for each in await session.fetch(NEEDED)} | {"record": f"'{there}'"}
        await session.execute(f"insert into ingestion.revision ({', '.join(row)}) values ({', '.join(row.values())})")
        await upgraded(postgres, database)
        keys = await session.fetch("select number, key, month::text, receivers from exchange.feed_key order by number")
        left = await session.fetch(
            "select record from exchange.feed_entry where record is not null and body is not null"
        )
        until = await session.fetchval("select until from exchange.forgetting")
        constraint = await session.fetchval(
            "select pg_get_constraintdef(oid) from pg_constraint where conname = 'sent_revision_pkey'"
        )
    words = ["province/p1", "exchange1/o1"]
    assert [tuple(each) for each in keys] == [
        (-2, "k2", "2026-06-01", words),
        (-1, "k3", "2026-06-01", words),
        (0, "k2", "2026-06-01", words),
        (1, "k1", "2026-05-01", ["exchange1/o1"]),
    ]
    assert [each["record"] for each in left] == [there]
    assert until == 0
    assert constraint == "PRIMARY KEY (record, rev, peer, index)"


BEFORE_ASKED = """
update exchange.forgetting set until = 5, scanned = 5, items = '{penalty}';
insert into exchange.sent_revision (record, rev, peer, index) values (gen_random_uuid(), 2, 'city', 7);
"""


async def test_a_feed_is_looked_through_once_more_when_what_it_is_to_forget_stands_in_rows(postgres: Postgres):
    database = await postgres.database(node="exchange1", packages=[query, service])
    async with database.session("ddl") as session:
        await session.execute(LATER + BEFORE_ASKED)
        await upgraded(postgres, database)
        assert await session.fetchval("select until from exchange.forgetting") == 0
        again = "insert into exchange.sent_revision select record, rev, peer, 9 from exchange.sent_revision"
        await session.execute(again)
        assert await session.fetchval("select count(*) from exchange.sent_revision") == 2


BEFORE_ORIGINS = """
drop function exchange.set_aside_feed, exchange.set_aside_rows;
drop table exchange.set_aside, exchange.second_history, exchange.fetched_back, exchange.chain_told;
alter table exchange.feed_head drop column closed_until;
drop table exchange.copied_key, exchange.unproven_entry;
alter table exchange.copy_checkpoint drop column stack;
alter table exchange.received_page drop column weight;
update exchange.alembic_version set version_num = 'exchange_0029';
"""
PAGE = """
insert into exchange.received_page (part, id, key, at, legal_date, peer, feed, first, until, data)
values (3, $1, 'far/' || $2, now(), '2026-05-04', 'far', $2, $3, $4, $5)
"""


async def test_keys_of_copies_are_found_in_the_pages_that_are_kept_whatever_peers_had_put_beside_them(
    postgres: Postgres,
):
    database = await postgres.database(node="exchange1", packages=[query, service])
    line = json.dumps({"v": 1, "type": "feed.key", "at": "2026-05-31T17:00:00Z", "body": "of a body"})

    def page(feed: str, first: int, *said: tuple[str, str | None]) -> bytes:
        entries = tuple(FeedEntry(index=first + place, line=one, body=body) for place, (one, body) in enumerate(said))
        until = first + len(entries)
        return PageReceived(peer="far", feed=feed, first=first, until=until, entries=entries).model_dump_json().encode()

    def key(name: Any) -> str:
        return json.dumps({"key": name, "alg": "x", "wrapped": []})

    record = json.dumps({"v": 1, "type": "record", "reason": "feed.key"})
    odd = [key("with \0"), key("k" * 3000), key(7), "[" * 20_000, "no JSON \0", "[]", None]
    pages = {
        ("up", 0): [(line, key("k1")), (record, key("k2")), (record, "said \0"), (line, key("钥 3"))],
        ("up", 4): [*[(line, each) for each in odd], ("no JSON", key("k4")), (line, key("k1"))],
        ("down", 0): [(line, key("k5"))],
    }
    async with database.session("ddl") as session:
        await session.execute(BEFORE_ORIGINS)
        for (feed, first), said in pages.items():
            await session.execute(PAGE, uuid4(), feed, first, first + len(said), page(feed, first, *said))
        await upgraded(postgres, database)
        found = await session.fetch("select peer, key, index from exchange.copied_key order by index")
    assert [tuple(each) for each in found] == [("far", "k1", 0), ("far", "钥 3", 3), ("far", "k1", 12)]
