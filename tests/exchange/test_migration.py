"""What the exchange had not read when a node was upgraded is not lost: it is told anew, as what it handles now."""

import json
from datetime import date
from uuid import uuid4

from creditmesh.chassis.database.migrations import migrate
from creditmesh.chassis.ids import new_id
from creditmesh.exchange import service
from creditmesh.exchange.entries import Draft
from creditmesh.exchange.store import feeds, tiles
from creditmesh.query import service as query
from creditmesh.schemas.events import AccessRecorded, DisclosedToBureau
from creditmesh.schemas.tlog import Range, Subtree, full_tiles, leaf_hash
from tests.support.postgres import Database, Postgres

BACK = """
create table exchange.feed_node (
    feed text not null, level smallint not null, index bigint not null, hash bytea not null,
    primary key (feed, level, index));
drop table exchange.feed_tile;
alter table exchange.feed_head drop column bytes;
alter table exchange.feed_checkpoint drop column bytes;
alter table exchange.copy_checkpoint drop column note;
alter table exchange.copy_head drop column announced;
drop table exchange.held_entry;
"""
"""What later migrations made and dropped, as it was before them."""
READ = """
insert into exchange.reader_position (stream, part, number) values ('query', 3, 1)
"""
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
STATEMENTS = "select count(distinct cmin::text) from exchange.received where index in (1, 3)"
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
        rows = await session.fetch("select index, data from exchange.received order by index")
        assert await session.fetchval(STATEMENTS) == 1
    told = [json.loads(row["data"]) for row in rows]
    assert told == [{"line": line, "body": None if index in {1, 3} else body, "rev": 1} for index in range(5)]


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


async def stood_at(database: Database, version: str) -> None:
    """The schema as it was at that version."""
    async with database.session("ddl") as session:
        await session.execute(BACK)
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


async def upgraded(postgres: Postgres, database: Database) -> None:
    await migrate(
        postgres.admin, node="exchange1", tier="city", parts=12, packages=[query, service],
        secrets=postgres.secrets, database=database.name,
    )  # fmt: skip
