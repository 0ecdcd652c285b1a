"""A node that exists is upgraded: how far its peers above were heard is read from what was told of them before."""

import json
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from creditmesh.catalogue import service
from creditmesh.chassis.database.migrating import migrate
from creditmesh.exchange import service as exchange
from creditmesh.schemas.events import PageReceived
from creditmesh.schemas.exchange import EntryLine, FeedEntry
from tests.support.postgres import Postgres

BEFORE = """
set role catalogue1_ddl;
drop table catalogue.heard;
update catalogue.alembic_version set version_num = 'catalogue_0002';
reset role
"""
REFUSED = """
insert into catalogue.refused_entry (peer, feed, index, kind, code, body, errors, at)
values ('nation', 'down', 3, 'item', 'penalty', '{}', '[]', now()),
       ('nation', 'down', 7, 'item', 'penalty', '{}', '[]', now()),
       ('nation', 'down', 8, null, null, '{}', '[]', now())
"""


async def test_what_waits_of_a_higher_tier_is_what_was_heard_of_it(postgres: Postgres):
    database = await postgres.database(node="catalogue1", packages=[service])
    async with database.session() as session:
        await session.execute(BEFORE)
        await session.execute(REFUSED)
        await migrate(
            postgres.admin, node="catalogue1", tier="city", parts=12, packages=[service],
            secrets=postgres.secrets, database=database.name,
        )  # fmt: skip
        rows = await session.fetch("select peer, feed, kind, code, index from catalogue.heard")
    assert [tuple(row) for row in rows] == [("nation", "down", "item", "penalty", 7)]


LINE = EntryLine(type="catalogue", at="2026-11-27T00:00:00Z", commitment="0" * 64).model_dump_json()
PARKED = """
insert into catalogue.dead_letter (stream, part, number, id, type, version, key, at, legal_date, data)
values ('exchange', 0, 3, $1, 'page.received', 1, 'province/down', now(), now(), '')
"""
PAGE = """
insert into exchange.received_page (part, id, key, at, legal_date, peer, feed, first, until, data)
values (0, $1, 'province/down', now(), now(), 'province', 'down', $2, $3, $4)
"""


def said(code: str, **other: Any) -> str:
    words = {"kind": "item", "code": code, "state": "published", "effective": "2026-11-27", "issued_by": "nation"}
    return json.dumps({**words, "body": {}, **other})


async def told(session: asyncpg.Connection, first: int, *bodies: str, line: str = LINE) -> UUID:
    """A page of these entries from there on, as the exchange keeps it."""
    entries = tuple(FeedEntry(index=first + i, line=line, body=body) for i, body in enumerate(bodies))
    until, id_ = first + len(bodies), uuid4()
    page = PageReceived(peer="province", feed="down", first=first, until=until, entries=entries)
    await session.execute(PAGE, id_, first, until, page.model_dump_json().encode())
    return id_


async def test_what_was_taken_over_before_has_its_place_so_that_nothing_older_follows_it(postgres: Postgres):
    database = await postgres.database(node="catalogue1", packages=[service, exchange])
    async with database.session() as session:
        await session.execute(BEFORE)
        newer = LINE.replace('"v":1', '"v":2')
        await told(session, 0, said("penalty"), line=newer)
        await told(session, 1, said("penalty", state="withdrawn"), said("licence"), said("licence"))
        await told(session, 4, said("court", kind="party"), said("ours", issued_by="city"), "{", said("x" * 99))
        await told(session, 8, said("waits"))
        unread = [await told(session, 9 + i, said("licence")) for i in range(3)]
        await session.execute("insert into exchange.waiting values ('province', 'down', 0, 'v 2'), "
                              "('province', 'down', 8, 'v 2')")  # fmt: skip
        await session.execute("insert into catalogue.reader_position (stream, part, number) values ('exchange', 0, 4)")
        await session.execute("insert into bus.event_order (stream, part, number, type, event) "
                              "values ('exchange', 0, 5, 'page.received', $1)", unread[0])  # fmt: skip
        await session.execute("insert into bus.event_queue (stream, part, type, event) "
                              "values ('exchange', 0, 'page.received', $1)", unread[1])  # fmt: skip
        await session.execute(PARKED, unread[2])
        await migrate(
            postgres.admin, node="catalogue1", tier="city", parts=12, packages=[service, exchange],
            secrets=postgres.secrets, database=database.name,
        )  # fmt: skip
        rows = await session.fetch("select peer, feed, kind, code, index from catalogue.heard order by code")
    assert [tuple(row) for row in rows] == [
        ("province", "down", "item", "licence", 3),
        ("province", "down", "item", "penalty", 1),
    ]
