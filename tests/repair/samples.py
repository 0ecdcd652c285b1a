"""Invented items, procedures, parties and records: no real person, body or list."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

from creditmesh.schemas.catalogue import Party, Procedure, Repair
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import CatalogueChanged, HolderChanged, RecordChanged
from creditmesh.schemas.events.catalogue import ObjectKind
from creditmesh.schemas.histories import Published
from tests.query.samples import an_item
from tests.support.shipped import SHIPPED

PROCEDURES = {entry.code: entry.body for entry in SHIPPED if entry.kind == "procedure"}
REPAIRABLE = Repair(possible=True, minor_months=0, general_months=3, serious_months=12)
PEER = Party(code="province", name="province", name_zh="省", kind="node", uscc="11990000000000001X", place="above")
AT = datetime(2026, 5, 11, 4, 0, tzinfo=UTC)


@dataclass(frozen=True)
class _Event:
    number: int
    type: str
    data: bytes
    part: int = 0


def items() -> list[Any]:
    """One item that can be repaired, one that cannot, one that is not shared, one that the city issued itself."""
    return [
        an_item("penalty").model_copy(update={"repair": REPAIRABLE, "tier": "nation"}),
        an_item("verdict").model_copy(update={"tier": "nation"}),
        an_item("local").model_copy(update={"repair": REPAIRABLE, "tier": "nation", "shared_upwards": False}),
        an_item("citys").model_copy(update={"repair": REPAIRABLE, "tier": "city"}),
    ]


def a_catalogue(*, procedures: Iterable[Published] = PROCEDURES.values(), peers: Iterable[Party] = ()) -> Directory:
    """A catalogue of these procedures (as shipped) and peers (none)."""
    directory = Directory()
    for item in items():
        tell(directory, "item", item)
    for procedure in procedures:
        tell(directory, "procedure", procedure)
    for peer in peers:
        tell(directory, "party", peer)
    return directory


def tell(directory: Directory, kind: ObjectKind, body: Published, *, state: str = "published", on: date = date.min):
    """One more object, or the end of one."""
    change = CatalogueChanged.model_validate(
        {
            "kind": kind,
            "code": body.code,
            "number": 1,
            "state": state,
            "effective": max(on, date(2010, 1, 1)),
            "body": body.model_dump(mode="json"),
        }
    )
    directory.apply(_Event(directory.number + 1, change.type, change.model_dump_json().encode()))


def without_appeal(kind: str) -> list[Published]:
    """The shipped procedures, but nothing of this kind can be appealed."""
    changed = []
    for body in PROCEDURES.values():
        assert isinstance(body, Procedure)
        changed.append(body.model_copy(update={"appeal_working_days": 0}) if body.case == kind else body)
    return changed


def a_record(**more: Any) -> RecordChanged:
    """A record of the department `market`, decided on 5 January 2026."""
    values: dict[str, Any] = {
        "kind": "natural_person",
        "record": uuid4(),
        "revision": uuid4(),
        "rev": 1,
        "change": "accepted",
        "item": "penalty",
        "item_version": 1,
        "origin": "city",
        "severity": "general",
        "decided_on": date(2026, 1, 5),
        "display_from": date(2026, 1, 5),
        "display_until": date(2027, 1, 5),
        "issuer": "11990000MB0000001X",
        "party": "market",
        "fields": {"DOC": "沙监罚〔2026〕1号"},
    }
    return RecordChanged.model_validate(values | more)


def a_holder(record: RecordChanged, rev: int, **more: Any) -> HolderChanged:
    """How a holder stands to a revision: the province was told."""
    values: dict[str, Any] = {
        "subject": record.subject,
        "record": record.record,
        "rev": rev,
        "change": "repaired",
        "holder": "province",
        "kind": "node",
        "outcome": "told",
        "at": AT,
        "item": record.item,
        "party": record.party,
    }
    return HolderChanged.model_validate(values | more)
