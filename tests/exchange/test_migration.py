"""What the exchange had not read when a node was upgraded is not lost: it is told anew, as what it handles now."""

from datetime import date
from uuid import uuid4

from creditmesh.chassis.database.migrations import migrate
from creditmesh.chassis.ids import new_id
from creditmesh.exchange import service
from creditmesh.query import service as query
from creditmesh.schemas.events import AccessRecorded, DisclosedToBureau
from tests.support.postgres import Postgres

BEFORE = """
update exchange.alembic_version set version_num = 'exchange_0002';
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
    read, ordered, queued = (access("bureau", "released") for _ in range(3))
    others = [access("bureau", "refused"), access("department", "released")]
    async with database.session() as session:
        await session.execute(BEFORE)
        for each in (read, ordered, queued, *others):
            await session.execute(EVENT, each.access, each.key, each.model_dump_json().encode())
        await session.execute(ORDER, 1, read.access)
        await session.execute(ORDER, 2, ordered.access)
        await migrate(
            postgres.admin, node="exchange1", tier="city", parts=12, packages=[query, service],
            secrets=postgres.secrets, database=database.name,
        )  # fmt: skip
        rows = await session.fetch(TOLD)
    told = [DisclosedToBureau.model_validate_json(row["data"]) for row in rows]
    assert [(each.access, each.subject, each.party, each.records, each.use_until) for each in told] == [
        (each.access, each.subject, each.party, each.records, each.use_until) for each in (ordered, queued)
    ]
    assert [row["id"].int >> 80 for row in rows] == [each.access.int >> 80 for each in (ordered, queued)]
