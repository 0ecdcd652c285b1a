"""A node that has deleted records, held rows that ended and open cases already: they are read as what they are."""

from uuid import uuid4

from creditmesh.chassis.bus.declare import declare_streams
from creditmesh.chassis.database.migrating import migrate
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.installation import streams
from creditmesh.ingestion import service as ingestion
from creditmesh.node.declaration import NODE
from creditmesh.repair import service as repair
from tests.support.postgres import Postgres

SERVICES = [ingestion, repair]
FOUND = """
drop index ingestion.revision_own, ingestion.submission_own;
alter table ingestion.revision drop column number;
"""
BY_CALLERS = """
drop trigger decided on ingestion.review;
drop trigger deleted on ingestion.review;
drop function ingestion.forget_named;
drop table ingestion.erased_key;
alter table ingestion.closing drop column erasures;
alter table ingestion.erasure drop column elsewhere, drop column named_in;
"""
ERASING = f"""
{FOUND}
{BY_CALLERS}
drop table ingestion.named, ingestion.erasing, ingestion.closing, ingestion.erasure_answer, ingestion.erased_record,
    ingestion.erasure;
drop index ingestion.review_subject_idx;
"""
BEFORE = f"""
{ERASING}
drop table ingestion.undecided;
drop table ingestion.whole_code, ingestion.early_change;
alter table ingestion.revision drop column told_rev;
drop function ingestion.purge;
alter table ingestion.closed drop constraint closed_pkey;
alter table ingestion.closed add column subject uuid not null, add column record uuid not null,
    add check (state <> 'published'), add primary key (subject, natural_key, part);
drop index ingestion.review_party_fingerprint_idx;
alter table ingestion.review drop constraint review_state_check;
alter table ingestion.review add check (state in ('held', 'released', 'refused'));
alter table ingestion.review add unique (party, fingerprint);
update ingestion.alembic_version set version_num = 'ingestion_0009';
"""
CLOSED = """
insert into ingestion.closed (part, subject, natural_key, record, state)
values (3, gen_random_uuid(), '\\x01', gen_random_uuid(), 'repaired')
"""
REVIEW = """
insert into ingestion.review (id, at, legal_date, party, item, item_version, lane, row, rev, subject, fingerprint,
                              mac_key, mac_alg, reasons, sealed, state, verdict, officer, note)
values (gen_random_uuid(), now(), current_date, 'market', 'penalty', 1, 'live', 1, 0, gen_random_uuid(), $1,
        'k', 'a', '[]', '[]', 'refused', 'refused', $2, $3)
"""
CASE = """
insert into repair.case (part, id, kind, subject, record, rev, item, party, filed_on, sealed, state, steps, calendar,
                         returned, missing, appealed, final)
values (3, $1, 'repair', gen_random_uuid(), $2, 1, 'penalty', 'market', current_date, '', $3, 1, 'known', 0, '{}',
        false, false)
"""
EXPIRED = "Nobody decided it within its term; what it said is deleted. 期限内未审核，内容已删除。"


async def test_what_a_node_deleted_and_has_open_is_known_after_the_upgrade(postgres: Postgres):
    database = await postgres.database(node="city", packages=SERVICES)
    record, cases = uuid4(), {state: uuid4() for state in ("filed", "returned", "appealed", "approved", "closed")}
    async with database.session() as session:
        await session.execute(BEFORE)
        await session.execute(CLOSED)
        await session.execute(REVIEW, b"1", None, EXPIRED)
        await session.execute(REVIEW, b"2", "W-17", "校核不符")
        for state, case in cases.items():
            await session.execute(CASE, case, uuid4() if state == "filed" else record, state)
        await migrate(
            postgres.admin, node="city", tier="city", parts=12, packages=SERVICES, secrets=postgres.secrets,
            database=database.name,
        )  # fmt: skip
        [closed] = await session.fetch("select * from ingestion.closed")
        reviews = await session.fetch("select state, verdict from ingestion.review order by fingerprint")
        undecided = await session.fetch("select case_id from ingestion.undecided")
    assert dict(closed) == {"part": 3, "natural_key": b"\x01", "state": "repaired"}
    assert [tuple(each) for each in reviews] == [("expired", None), ("refused", "refused")]
    assert {each["case_id"] for each in undecided} == {cases["filed"], cases["appealed"]}


NAMED = """
insert into ingestion.named (subject, record)
select gen_random_uuid(), record from unnest(cast($1 as uuid[])) as u(record)
"""
ORDER = """
insert into ingestion.erasure (id, at, legal_date, officer, ground, basis, records, held_rows)
values ($1, now(), current_date, 'Lan', 'order', 'B-1', 1, 0)
"""


async def test_whom_a_row_that_is_gone_named_is_named_no_more_after_the_upgrade(postgres: Postgres):
    database = await postgres.database(node="city3", packages=SERVICES)
    order, erased = uuid4(), uuid4()
    async with database.session() as session:
        await session.execute(BY_CALLERS + "update ingestion.alembic_version set version_num = 'ingestion_0019'")
        await session.execute(REVIEW, b"3", "W-17", "")
        await session.execute(REVIEW, b"4", None, None)
        await session.execute("update ingestion.review set state = 'held', verdict = null where fingerprint = $1", b"4")
        (decided, waits) = await session.fetch("select id from ingestion.review order by fingerprint")
        await session.execute(NAMED, [uuid4(), decided["id"], waits["id"]])
        await session.execute(ORDER, order)
        await session.execute(
            "insert into ingestion.erased_record values ($1, $2, 2, 'penalty', 'market')", order, erased
        )
        await session.execute("insert into ingestion.closing values ($1, 3, array[$2::uuid], now())", uuid4(), erased)
        await migrate(
            postgres.admin, node="city3", tier="city", parts=12, packages=SERVICES, secrets=postgres.secrets,
            database=database.name,
        )  # fmt: skip
        left = await session.fetch("select record from ingestion.named")
        waiting = await session.fetchval("select erasures from ingestion.closing")
    assert [row["record"] for row in left] == [waits["id"]]
    assert waiting == [order], "the order whose key it is hears of its end"


BEFORE_LOOKS = f"""
{ERASING}
update ingestion.alembic_version set version_num = 'ingestion_0014';
delete from ingestion.reader_position where stream in ('query', 'matching');
delete from bus.event_reader where reader = 'ingestion' and stream in ('query', 'matching');
update bus.event_head set number = 7, last = '0199f000-0000-7000-8000-000000000001' where stream = 'query' and part = 3;
update bus.event_pruned set number = 6 where stream = 'query' and part = 3;
"""


async def test_of_streams_that_it_reads_from_now_on_it_takes_what_comes(postgres: Postgres):
    """Nobody can read what was pruned of them, and a reader that stands before it stops its part."""

    async def declare(session: Session) -> None:
        await declare_streams(session, node="city", streams=streams(NODE))

    database = await postgres.database(node="city", packages=NODE.services, declare=declare)
    async with database.session() as session:
        await session.execute(BEFORE_LOOKS)
        await migrate(
            postgres.admin, node="city", tier="city", parts=12, packages=NODE.services, secrets=postgres.secrets,
            database=database.name, declare=declare,
        )  # fmt: skip
        stands = await session.fetch(
            "select p.stream, p.part, p.number, p.last = h.last or h.last is null as same"
            "  from ingestion.reader_position p join bus.event_head h using (stream, part)"
            " where p.stream in ('query', 'matching') and p.number = h.number"
        )
    assert len(stands) == 24
    assert all(row["same"] for row in stands)
