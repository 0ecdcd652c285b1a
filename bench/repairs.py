"""How long it takes from approving a repair until the record is gone from the answers of every node.

So many cases are filed with their documents and accepted beforehand; then they are approved one after the other at a
steady pace, while fresh records flow through the chain.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson

from bench import pace
from bench.chain import READERS, watching
from bench.figures import Table
from bench.latency import add
from bench.rows import PARTY, organisation, person
from bench.standing import Standing, chain_drained
from bench.wire import Wire, post
from creditmesh.client import Node
from creditmesh.node import people
from creditmesh.schemas.cases import ActionIn, CaseIn, CaseOut, EvidenceKind
from creditmesh.schemas.pii import Pii
from creditmesh.schemas.subject import Document, SubjectIn

CASES, RATE, FLOW = 40, 5, 20
"""Cases, approved so many a second, and records that flow a second meanwhile."""
FIRST = 6_000_200
"""Penalties from here on were decided some 200 days before the last: long enough ago for a repair."""
FLOWING = 6_500_000
DOCUMENTS: tuple[EvidenceKind, ...] = ("proof", "commitment")
OFFICER = "Officer Qin"


@dataclass(frozen=True, slots=True)
class Approved:
    """A case whose approval was answered; times are of `time.perf_counter`."""

    record: UUID
    due: float
    answered: float


async def measure(standing: Standing) -> Table:
    """From when an approval was due to be sent, to its answer and to the record's end in each read model."""
    officer = people.add_officer(standing.node.operator, PARTY, OFFICER)
    table = Table(f"repair: {CASES} cases, {RATE} approved a second, while {FLOW} records a second flow")
    async with standing.sessions() as sessions:
        sent = await pace.records(standing, FLOW, seconds=CASES // FLOW, first=FIRST)
        await chain_drained(sessions)
        accepted = await asyncio.to_thread(_accepted, standing, officer, [each.record for each in sent])
        await chain_drained(sessions)
        async with watching(sessions) as watches:
            flowing = asyncio.create_task(pace.records(standing, FLOW, seconds=len(sent) // RATE + 2, first=FLOWING))
            await asyncio.sleep(1)
            approved = await _approve(standing, officer, accepted)
            flowed = await flowing
            await chain_drained(sessions)
            await asyncio.sleep(0.2)
    add(table, RATE, "approved", [each.answered - each.due for each in approved])
    ends = {code: [seen[f"{each.record}/repaired"] for each in approved] for code, seen in watches.records.items()}
    for code, times in ends.items():
        add(table, RATE, f"ended {READERS[code]}", [at - each.due for at, each in zip(times, approved, strict=True)])
    last = [max(times) for times in zip(*ends.values(), strict=True)]
    add(table, RATE, "ended everywhere", [at - each.due for at, each in zip(last, approved, strict=True)])
    for row in table.rows:
        row["answered a second"] = len(approved) * RATE / len(accepted)
    table.notes = [
        f"{len(flowed)} records flowed meanwhile. A record that has ended is in no answer from its commit on."
    ]
    return table


def _accepted(standing: Standing, officer: str, records: Sequence[UUID]) -> list[CaseOut]:
    with Node(standing.url, key=officer) as deciding:
        return [_case(standing, deciding, order, record) for order, record in enumerate(records, FIRST)]


def _case(standing: Standing, deciding: Node, order: int, record: UUID) -> CaseOut:
    token = people.add_person(standing.node.operator, _subject(order))
    with Node(standing.url, key=token) as subject:
        case = subject.cases.file(CaseIn(kind="repair", record=record, statement="罚款已缴清，违法行为已纠正。"))
        for kind in DOCUMENTS:
            content = b"%PDF-1.4\n% an invented " + kind.encode() + b" of %d\n%%%%EOF\n" % order
            subject.cases.add_evidence(case.case, content, kind=kind, media_type="application/pdf")
    return deciding.cases.act(deciding.cases.read(case.case), ActionIn(action="accept"))


def _subject(order: int) -> SubjectIn:
    if order % 2:
        return SubjectIn(kind="organisation", document=Document(type="uscc", number=Pii(organisation(order))))
    return SubjectIn(kind="natural_person", document=Document(type="resident_id", number=Pii(person(order))))


async def _approve(standing: Standing, officer: str, cases: Sequence[CaseOut]) -> list[Approved]:
    body = orjson.dumps({"action": "approve", "basis": "示市监修〔2026〕1号"})
    requests = [
        post(standing.url, f"/v1/cases/{case.case}/actions", body, key=officer, if_match=f'"{len(case.steps)}"')
        for case in cases
    ]

    async def one(wire: Wire, due: float, request: bytes) -> Approved | None:
        status, answer = await wire.ask(request)
        if status == pace.BUSY:
            return None
        assert status == 200, (status, answer)
        return Approved(UUID(orjson.loads(answer)["record"]), due, time.perf_counter())

    return await pace.steadily(standing.url, RATE, requests, one)
