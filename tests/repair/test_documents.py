"""The documents of a case: what they may be, that they are kept once, and that nobody reads them at rest."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from uuid import UUID, uuid4

import asyncpg
import pytest

from creditmesh.chassis.bulk import LARGE, Bulk
from creditmesh.chassis.caller import Caller
from creditmesh.chassis.context import Context
from creditmesh.chassis.equipment import Equipment
from creditmesh.chassis.shares import Busy
from creditmesh.repair.documents import MOST_BYTES
from creditmesh.repair.errors import NotYours
from creditmesh.repair.operations.documents import UploadedDocument, add_document, document_of
from tests.repair.conftest import JPEG, PDF, PNG, House, department, office, person
from tests.repair.refusing import refused
from tests.support.measuring import no_collections
from tests.support.statements import sent_by


@pytest.mark.parametrize(
    ("media", "content"), [("application/pdf", PDF), ("image/png", PNG), ("image/jpeg", JPEG), ("Image/PNG; q=1", PNG)]
)
async def test_a_document_is_kept_by_its_digest_and_given_back_as_it_was(house: House, media: str, content: bytes):
    record = await house.record()
    case = await house.filed(record)
    answer = await house.add(case, record.subject, "proof", content, media)
    assert answer.status_code == 201, answer.text
    digest = sha256(content).hexdigest()
    shown = answer.json()
    assert (shown["digest"], shown["kind"], shown["size"]) == (digest, "proof", len(content))
    assert answer.headers["location"] == f"/v1/cases/{case}/evidence/{digest}"
    assert (await house.get(f"/v1/cases/{case}", department())).json()["evidence"] == [shown]
    for caller in (person(record.subject), department(), office()):
        read = await house.get(answer.headers["location"], caller)
        assert (read.status_code, read.content) == (200, content)
        assert read.headers["content-type"] == shown["media_type"]
        assert (read.headers["x-content-type-options"], read.headers["content-disposition"]) == (
            "nosniff",
            "attachment",
        )


@pytest.mark.parametrize(
    ("media", "content"),
    [
        ("application/pdf", PNG),
        ("image/png", JPEG),
        ("image/jpeg", PDF),
        ("application/pdf", b""),
        ("application/pdf", b"\n%PDF-1.7"),
        ("application/pdf", b"%PDF-"),
        ("application/pdf", b"%PDF-<html><script>"),
        ("application/pdf", PDF[:-8]),
        ("image/jpeg", b"\xff\xd8\xff<?php echo 1 ?>\xff\xd9"),
        ("image/jpeg", JPEG[:-1]),
        ("image/png", PNG[:7]),
        ("image/png", PNG[:-1]),
        ("image/png", PNG[:8] + PNG[16:]),
        ("text/html", b"<html>"),
        ("image/svg+xml", b"<svg/>"),
        ("application/octet-stream", PDF),
        ("", PDF),
    ],
)
async def test_a_document_is_what_it_says_and_one_of_three(house: House, media: str, content: bytes):
    record = await house.record()
    case = await house.filed(record)
    refused(await house.add(case, record.subject, "proof", content, media), 415, "wrong_media")
    assert (await house.get(f"/v1/cases/{case}", department())).json()["evidence"] == []


async def test_a_document_has_ten_mebibytes_and_not_a_byte_more(house: House):
    record = await house.record()
    case = await house.filed(record)
    whole = PDF + b"x" * (MOST_BYTES - 2 * len(PDF)) + PDF
    assert MOST_BYTES == 10 * 1024 * 1024
    refused(await house.add(case, record.subject, "proof", whole + b"x"), 413, "too_large")
    answer = await house.add(case, record.subject, "proof", whole)
    assert (answer.status_code, answer.json()["size"]) == (201, MOST_BYTES)
    assert (await house.get(answer.headers["location"], department())).content == whole


async def test_a_large_document_is_sealed_and_opened_beside_the_loop_and_not_on_it(house: House):
    record = await house.record()
    case = UUID(await house.filed(record))
    sent = UploadedDocument(
        kind="proof", media="application/pdf", content=PDF + b"\x80" * (MOST_BYTES - 2 * len(PDF)) + PDF
    )
    context = Context(house.equipment, caller=person(record.subject))
    try:
        with working() as adding:
            added, _ = await add_document(context, case, sent)
        await context.commit()
        with working() as reading:
            _, content = await document_of(context, case, added.digest)
        await context.commit()
    finally:
        await context.rollback()
    assert content == sent.content
    assert adding.loop < 0.6 * adding.process, adding
    assert reading.loop < 0.6 * reading.process, reading


@dataclass
class Work:
    """Seconds of CPU: of the loop's thread, and of the whole process."""

    loop: float = 0.0
    process: float = 0.0


@contextmanager
def working() -> Iterator[Work]:
    with no_collections():
        work, loop, process = Work(), time.thread_time(), time.process_time()
        yield work
        work.loop, work.process = time.thread_time() - loop, time.process_time() - process


async def test_the_same_document_again_is_the_same_document(house: House):
    record = await house.record()
    case = await house.filed(record)
    first = await house.add(case, record.subject, "proof", PDF)
    again = await house.add(case, record.subject, "proof", PDF)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    problem = refused(await house.add(case, record.subject, "commitment", PDF), 409, "evidence_differs")
    assert "proof" in problem["detail"]
    assert len((await house.get(f"/v1/cases/{case}", department())).json()["evidence"]) == 1


async def test_a_case_has_twenty_documents_at_most(house: House):
    record = await house.record()
    case = await house.filed(record)
    for number in range(20):
        assert (await house.add(case, record.subject, "statement", PDF + b"%d" % number)).status_code == 201
    refused(await house.add(case, record.subject, "statement", PDF + b"more"), 409, "evidence_differs")
    assert (await house.add(case, record.subject, "statement", PDF + b"0")).status_code == 200


async def test_what_is_decided_takes_no_documents_but_what_can_be_appealed_does(house: House):
    record = await house.record()
    case = await house.filed(record)
    await house.with_documents(case, record.subject)
    await house.acted(case, department(), "accept")
    await house.acted(case, department(), "refuse", reason="尚未履行完毕")
    assert (await house.add(case, record.subject, "proof", PDF + b"for the appeal")).status_code == 201
    await house.acted(case, person(record.subject), "appeal")
    await house.acted(case, office(), "approve")
    refused(await house.add(case, record.subject, "proof", PDF + b"too late"), 409, "wrong_state")


async def test_only_its_subject_adds_to_a_case(house: House):
    record, stranger = await house.record(), await house.subject()
    case = await house.filed(record)
    refused(await house.add(case, stranger, "proof"), 404, "not_found")
    refused(await house.add(str(uuid4()), stranger, "proof"), 404, "not_found")
    assert (await house.accesses_of(record.subject))[-1]["outcome"] == "refused"
    async with house.client(department()) as client:
        sent = await client.post(f"/v1/cases/{case}/evidence?kind=proof", content=PDF)
    refused(sent, 403, "forbidden")


async def test_a_digest_that_is_none_of_the_cases_is_not_there(house: House):
    record = await house.record()
    case = await house.filed(record)
    refused(await house.get(f"/v1/cases/{case}/evidence/{'0' * 64}", department()), 404, "not_found")
    refused(await house.get(f"/v1/cases/{case}/evidence/nothing", department()), 422, "invalid")


async def test_nothing_that_was_said_or_sent_is_at_rest_in_clear(house: House):
    words = {"statement": "canary-statement", "reason": "canary-reason", "content": "canary-content"}
    record = await house.record()
    case = await house.filed(record, statement=words["statement"])
    await house.add(case, record.subject, "proof", PDF + words["content"].encode())
    await house.add(case, record.subject, "commitment")
    await house.acted(case, department(), "accept")
    await house.acted(case, department(), "refuse", reason=words["reason"])
    shown = (await house.get(f"/v1/cases/{case}", department())).json()
    assert (shown["statement"], shown["steps"][-1]["reason"]) == (words["statement"], words["reason"])
    async with house.database.session() as session:
        tables = await session.fetch(
            "select n.nspname || '.' || quote_ident(c.relname) as name from pg_class c"
            "  join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('repair', 'bus') and c.relkind = 'r'"
        )
        rows = [str(dict(row)) for table in tables for row in await session.fetch(f"select * from {table['name']}")]
    whole = "".join(rows)
    assert case in whole
    assert [word for word in words.values() if word in whole] == []


async def test_a_sealed_document_moved_to_another_case_is_not_read(house: House):
    record = await house.record()
    first, second = await house.filed(record), await house.filed(record, "objection")
    digest = (await house.add(first, record.subject, "proof")).json()["digest"]
    async with house.database.session() as session:
        await session.execute(
            "insert into repair.evidence select part, $2, digest, kind, media_type, size, at, step, key, alg, sealed"
            "  from repair.evidence where case_id = $1",
            first,
            second,
        )
    assert (await house.get(f"/v1/cases/{second}/evidence/{digest}", department())).status_code == 500


@pytest.mark.parametrize("table", ["step", "evidence"])
@pytest.mark.parametrize("statement", ["delete from repair.{}", "update repair.{} set part = part"])
async def test_history_and_documents_are_only_added_to(house: House, table: str, statement: str):
    async with house.database.session("repair") as session:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await session.execute(statement.format(table))


async def test_who_may_not_see_the_case_is_refused_without_a_turn(house: House):
    record = await house.record()
    case = UUID(await house.filed(record))
    equipment = replace(house.equipment, bulk=Bulk(at_once=1, waiting=1, seconds=0.1))
    content = PDF + b"\x80" * (LARGE - 2 * len(PDF)) + PDF
    sent = UploadedDocument(kind="proof", media="application/pdf", content=content)
    assert (await house.add(str(case), record.subject, "proof", content)).status_code == 201
    async with equipment.bulk.turn(LARGE):
        for who, error in ((person(uuid4()), NotYours), (person(record.subject), Busy)):
            context = Context(equipment, caller=who)
            try:
                with pytest.raises(error):
                    await add_document(context, case, sent)
                with pytest.raises(error):
                    await document_of(context, case, sha256(content).digest())
            finally:
                await context.rollback()


def of_size(size: int) -> bytes:
    """A PDF of so many bytes, with its beginning and its end."""
    return PDF + b"\x80" * (size - 2 * len(PDF)) + PDF


async def test_a_small_document_is_read_while_large_ones_have_every_turn(house: House):
    record = await house.record()
    case = UUID(await house.filed(record))
    small, large = of_size(LARGE - 1), of_size(LARGE)
    for content in (small, large):
        assert (await house.add(str(case), record.subject, "proof", content)).status_code == 201
    equipment = replace(house.equipment, bulk=Bulk(at_once=1, waiting=1, seconds=0.1))
    async with equipment.bulk.turn(LARGE):
        async with asking(equipment, person(record.subject)) as context:
            assert (await document_of(context, case, sha256(small).digest()))[1] == small
        async with asking(equipment, person(record.subject)) as context:
            with pytest.raises(Busy):
                await document_of(context, case, sha256(large).digest())


@pytest.mark.parametrize(("size", "transactions"), [(LARGE - 1, 1), (LARGE, 2)])
async def test_a_case_is_read_once_for_a_document_and_once_more_where_it_is_locked(
    house: House, size: int, transactions: int
):
    record = await house.record()
    case = UUID(await house.filed(record))
    sent = UploadedDocument(kind="proof", media="application/pdf", content=of_size(size))
    async with asking(house.equipment, person(record.subject)) as context, sent_by(await context.session()) as adding:
        added, _ = await add_document(context, case, sent)
    async with asking(house.equipment, person(record.subject)) as context, sent_by(await context.session()) as reading:
        await document_of(context, case, added.digest)
    for statements, looks in ((adding, 2), (reading, 1)):
        assert sum("from repair.case " in each for each in statements) == looks, statements
        assert statements.count("rollback") == transactions - 1, statements


@asynccontextmanager
async def asking(equipment: Equipment, caller: Caller) -> AsyncIterator[Context]:
    context = Context(equipment, caller=caller)
    try:
        yield context
        await context.commit()
    finally:
        await context.rollback()
