"""How the story looks at a node: what is open to all there, and what a department there is told."""

from uuid import UUID

from creditmesh.client import Node, ProblemError
from creditmesh.sandbox.story.cast import PROCUREMENT, REVIEW
from creditmesh.sandbox.story.stage import Stage
from creditmesh.schemas.identifiers import Code, NodeCode
from creditmesh.schemas.queries import PublicRecord, QueryIn, QueryOut
from creditmesh.schemas.subject import SubjectIn

NOT_FOUND = 404
Shown = dict[Code, frozenset[UUID]]
"""The public records of a node by item."""


def shown(stage: Stage, code: NodeCode) -> Shown:
    """All public records of a node."""
    with stage.callers.public(code) as node:
        items = node.public.lists().items
        return {item: _records(node, item) for item in items}


def found(stage: Stage, code: NodeCode, subject: SubjectIn) -> dict[UUID, PublicRecord]:
    """What anybody finds there of an organisation, by its code."""
    with stage.callers.public(code) as node:
        return {each.record: each for each in node.public.search(code=subject.document.number.reveal())}


def asked(stage: Stage, code: NodeCode, subject: SubjectIn) -> QueryOut:
    """What a department of that node is told that reviews a tender."""
    query = QueryIn(subject=subject, purpose="statutory_duty", matter=REVIEW, officer="Officer Ke")
    with stage.callers.node(stage.callers.having(PROCUREMENT, at=code)) as node:
        return node.queries.ask(query)


def _records(node: Node, item: Code) -> frozenset[UUID]:
    try:
        return frozenset(each.record for each in node.public.records(item))
    except ProblemError as problem:
        if problem.document.status != NOT_FOUND:
            raise
        return frozenset()  # withdrawn since the items were listed


def counted(seen: Shown) -> str:
    """In words: how many records of which item."""
    return ", ".join(f"{len(records)} {item}" for item, records in seen.items())
