"""Repairs in a running chain as they are made: by the subject and a named officer, through the city's gateway."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import orjson

from creditmesh.client import Node
from creditmesh.client.retries import Retries
from creditmesh.node import people
from creditmesh.schemas.cases import ActionIn, CaseIn, Certificate, EvidenceKind
from creditmesh.schemas.identifiers import NodeCode
from creditmesh.schemas.pii import Pii
from creditmesh.schemas.queries import QueryIn
from creditmesh.schemas.signed import said
from creditmesh.schemas.subject import Document, SubjectIn
from tests.support.cast import MATTER, uscc
from tests.support.processes import Victim
from tests.support.rows import PARTY, penalty

PATIENT = Retries(attempts=400, first=0.1, longest=0.5)
"""The same call under the same Idempotency-Key, until a process that was killed is there again."""
AT_ONCE = Retries(attempts=1)
ASKING = "public_procurement"
"""The duty of the department that asks, at every tier."""
DOCUMENTS: tuple[EvidenceKind, ...] = ("proof", "commitment")


def organisation(order: int) -> SubjectIn:
    """The invented enterprise of that order."""
    return SubjectIn(kind="organisation", document=Document(type="uscc", number=Pii(_code(order))))


def repairable(orders: range, *, decided: date) -> bytes:
    """A general penalty of each of these enterprises, as NDJSON."""
    return b"".join(orjson.dumps(_row(order, decided)) + b"\n" for order in orders)


def _code(order: int) -> str:
    return uscc(700_000 + order)


def _row(order: int, decided: date) -> dict[str, str]:
    person = ("CF_XDR_ZJLX", "CF_XDR_ZJHM")
    row = {code: value for code, value in penalty(900_000 + order, decided=decided).items() if code not in person}
    enterprise = {"CF_XDR_LB": "法人及非法人组织", "CF_XDR_SHXYM": _code(order), "CF_FRDB": "赵某子"}
    return row | enterprise | {"CF_XDR_MC": f"示例市{order}号商贸有限公司"}


@dataclass(frozen=True, kw_only=True)
class Onlooker:
    """How one node is looked at: what anybody finds there, and what a department there is told."""

    public: Node
    department: Node

    def sees(self, subject: SubjectIn, record: UUID) -> bool:
        """Whether the node shows the record, in either way."""
        code = subject.document.number.reveal()
        if any(each.record == record for each in self.public.public.search(code=code)):
            return True
        query = QueryIn(subject=subject, purpose="statutory_duty", matter=MATTER, officer="Officer Ke")
        return any(each.record == record for each in self.department.queries.ask(query).released)


@contextmanager
def onlooker(node: Victim, *, retries: Retries = PATIENT) -> Iterator[Onlooker]:
    """Clients of a node for whoever looks at it."""
    with Node(node.url, retries=retries) as public:
        party = next(each.code for each in public.catalogue.parties() if ASKING in each.duties and each.active)
        with Node(node.url, key=people.issue_key(node.node.operator, party), retries=retries) as department:
            yield Onlooker(public=public, department=department)


@dataclass(kw_only=True)
class Repair:
    """One enterprise with one penalty, and the case about it once there is one."""

    order: int
    record: UUID
    subject: Node
    officer: Node
    case: UUID | None = None

    def is_made(self) -> None:
        """Filed with its documents, accepted and approved."""
        filing = CaseIn(kind="repair", record=self.record, statement="罚款已缴清，违法行为已纠正。")
        self.case = self.subject.cases.file(filing).case
        for kind in DOCUMENTS:
            content = b"%PDF-1.4\n% an invented " + kind.encode() + b"\n%%EOF\n"
            self.subject.cases.add_evidence(self.case, content, kind=kind, media_type="application/pdf")
        self.officer.cases.act(self.officer.cases.read(self.case), ActionIn(action="accept"))
        approving = ActionIn(action="approve", basis=f"示市监修〔2026〕{self.order}号")
        assert self.officer.cases.act(self.officer.cases.read(self.case), approving).state == "approved"

    def certificate(self) -> Certificate:
        """Who knows of it."""
        assert self.case is not None
        return said(Certificate, self.subject.cases.certificate(self.case))


@contextmanager
def prepared(city: Victim, records: Mapping[int, UUID]) -> Iterator[Sequence[Repair]]:
    """Each enterprise of these orders with a token of its own, and the officer who decides about its record."""
    with ExitStack() as stack:
        token = people.add_officer(city.node.operator, PARTY, "Officer Qin")
        officer = stack.enter_context(Node(city.url, key=token, retries=PATIENT))
        yield [
            Repair(
                order=order,
                record=record,
                officer=officer,
                subject=stack.enter_context(
                    Node(city.url, key=people.add_person(city.node.operator, organisation(order)), retries=PATIENT)
                ),
            )
            for order, record in records.items()
        ]


def shown_at(nodes: Mapping[NodeCode, Onlooker], repair: Repair) -> set[NodeCode]:
    """The nodes that show the record of a repair."""
    return {code for code, each in nodes.items() if each.sees(organisation(repair.order), repair.record)}
