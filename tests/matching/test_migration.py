"""A node that has places already: they stay where they are without the bodies that they had."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

from creditmesh.chassis.bus.event import part_of
from creditmesh.chassis.database.migrating import migrate
from creditmesh.ingestion import service as ingestion
from creditmesh.matching import service
from creditmesh.schemas.events import RecordChanged, RecordPurged
from tests.support.postgres import Postgres

PACKAGES = [ingestion, service]
BEFORE = """
alter table matching.standing drop column home, drop column body, drop column responsible;
alter table matching.standing add column data bytea not null;
update matching.alembic_version set version_num = 'matching_0005';
"""
REVISION = """
insert into ingestion.revision (at, legal_date, part, rev, item_version, id, record, subject, natural_key, fingerprint,
                                mac_key, mac_alg, item, party, origin, lane, state, data)
values (now(), current_date, $1, $2, 1, $3, $4, $5, uuid_send($4), '\\x02', 'k', 'a', 'penalty', 'market', 'below',
        'live', 'published', 'what it says')
"""
PLACE = """
insert into matching.standing (part, record, subject, rev, role, handle, kind, item, list, nature, origin, state,
                               decided_on, display_from, since, at, data)
values ($1, $2, $3, 2, $4, 'h', 'organisation', 'default', 'black', 'adverse', 'below', 'published', current_date,
        current_date, '2026-01-05', now(), 'what it said')
"""
ANSWER = """
insert into matching.feedback (part, id, party, task, record, subject, handle, measure, list, role, rev, since, outcome,
                               officer, at, data, purged)
values ($1, gen_random_uuid(), 'market', gen_random_uuid(), $2, $3, 'h', 'bar', 'black', 'listed', 1, current_date,
        'applied', 'o', now(), $4, $5)
"""


async def test_places_are_kept_and_find_what_their_records_say_where_ingestion_wrote_it(postgres: Postgres):
    """In the part of the listed, under the id that the newest revision has here: a copy's is another than at home."""
    database = await postgres.database(node="matching2", packages=PACKAGES)
    record, gone, firm, boss, here = (uuid4() for _ in range(5))
    home, away = part_of(str(firm), 12), part_of(str(boss), 12)
    async with database.session() as session:
        await session.execute(BEFORE)
        for rev, row in ((1, record), (2, here)):
            await session.execute(REVISION, home, rev, row, record, firm)
        for part, each, subject, role in (
            (home, record, firm, "listed"),
            (away, record, boss, "responsible"),
            (home, gone, firm, "listed"),
        ):
            await session.execute(PLACE, part, each, subject, role)
        await migrate(
            postgres.admin, node="matching2", tier="city", parts=12, packages=PACKAGES, secrets=postgres.secrets,
            database=database.name,
        )  # fmt: skip
        places = await session.fetch("select * from matching.standing order by role")
    assert {str(place["since"]) for place in places} == {"2026-01-05"}
    assert [said(place) for place in places] == [
        (home, record, firm, "listed", home, here, [boss]),
        (away, record, boss, "responsible", home, here, []),
    ]


async def test_the_deletion_of_records_whose_answers_are_left_whole_is_told_once_more(postgres: Postgres):
    """What comes of it is tests/matching/test_tasks.py's: what is left of the answers is reduced."""
    database = await postgres.database(node="matching3", packages=PACKAGES)
    firm, boss = uuid4(), uuid4()
    gone, stands, reduced, discharged = (changed(firm) for _ in range(4))
    home, away = part_of(str(firm), 12), part_of(str(boss), 12)
    async with database.session() as session:
        await session.execute("update matching.alembic_version set version_num = 'matching_0006'")
        for record, subject in ((gone, firm), (gone, boss), (stands, firm), (reduced, firm), (discharged, boss)):
            part = home if subject == firm else away
            text = record.model_dump_json().encode()
            await session.execute(ANSWER, part, record.record, subject, text, record is reduced)
        for record in (stands, discharged):
            await session.execute(REVISION, home, 1, uuid4(), record.record, firm)
        await migrate(
            postgres.admin, node="matching3", tier="city", parts=12, packages=PACKAGES, secrets=postgres.secrets,
            database=database.name,
        )  # fmt: skip
        told = await session.fetch("select e.* from bus.event e join bus.event_queue q on q.event = e.id "
                                   "where q.stream = 'ingestion' and q.part = e.part and q.type = e.type")  # fmt: skip
    assert [(each["part"], each["key"], each["type"]) for each in told] == [(home, str(firm), "record.purged")]
    event = RecordPurged.model_validate_json(told[0]["data"])
    assert event == RecordPurged(subject=firm, record=gone.record, item="penalty", named=(boss,))


def changed(firm: UUID) -> RecordChanged:
    return RecordChanged(
        subject=firm, kind="organisation", record=uuid4(), revision=uuid4(), rev=1, change="accepted", item="penalty",
        item_version=1, origin="below", decided_on=date(2026, 1, 5), display_from=date(2026, 1, 5), issuer="i",
        party="market", fields={},
    )  # fmt: skip


def said(place: Any) -> tuple[int, UUID, UUID, str, int, UUID, list[UUID]]:
    assert "data" not in dict(place)
    return tuple(place[name] for name in ("part", "record", "subject", "role", "home", "body", "responsible"))
