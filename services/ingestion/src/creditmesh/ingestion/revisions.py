"""A revision as it is written: the event that says everything about the record, and the row around it.

The event is built by hand in the shape of `RecordChanged` (a test reads it back with that model): this is the hottest
path of the node.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, NamedTuple
from uuid import UUID

import orjson
from pydantic import JsonValue

from creditmesh.ingestion.display import Period
from creditmesh.schemas.events.record import Change, RecordState, Severity
from creditmesh.schemas.identifiers import SubjectKind

Lane = Literal["live", "backfill"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What all revisions of one transaction have in common."""

    at: datetime
    legal_date: date
    traceparent: str | None
    origin: str
    party: str
    officer: str | None
    item: str
    item_version: int
    lane: Lane
    submission: UUID | None
    mac_key: str
    mac_alg: str
    reason: str | None = None
    basis: str | None = None
    case: UUID | None = None


class Slot(NamedTuple):
    """Where a revision belongs: its record, and what finds it."""

    part: int
    subject: UUID
    natural_key: bytes
    record: UUID
    rev: int


def revision_row(
    frame: Frame,
    slot: Slot,
    revision: UUID,
    *,
    fingerprint: bytes,
    state: RecordState,
    mark: Literal["disputed"] | None,
    data: bytes,
    name: bytes | None = None,
) -> tuple[object, ...]:
    """The row of a revision, in the order of `store.revisions.COLUMNS`; `name`: by which its subject's is compared."""
    return (
        frame.at, frame.legal_date, slot.part, slot.rev, frame.item_version, revision, slot.record, slot.subject,
        frame.submission, slot.natural_key, fingerprint, frame.mac_key, frame.mac_alg, frame.item, frame.party,
        frame.origin, frame.lane, state, mark, frame.traceparent, data, name,
    )  # fmt: skip


def event_of(
    frame: Frame,
    slot: Slot,
    revision: UUID,
    *,
    change: Change,
    mark: Literal["disputed"] | None,
    content: Mapping[str, object],
    sealed: Sequence[Mapping[str, JsonValue]],
) -> bytes:
    """The event of a record that stands. `content` has kind, severity, dates, issuer, fields and related subjects."""
    return orjson.dumps(
        {
            "subject": str(slot.subject),
            "record": str(slot.record),
            "revision": str(revision),
            "rev": slot.rev,
            "change": change,
            "item": frame.item,
            "item_version": frame.item_version,
            "origin": frame.origin,
            "lane": frame.lane,
            "state": "published",
            "mark": mark,
            "party": frame.party,
            "submission": _text(frame.submission),
            "officer": frame.officer,
            "reason": frame.reason,
            "basis": frame.basis,
            "case": _text(frame.case),
            **content,
            "sealed": sealed,
        }
    )


def facts_of(
    *,
    kind: SubjectKind,
    severity: Severity | None,
    decided_on: date,
    period: Period,
    issuer: str,
    clear: bytes,
    representative: tuple[UUID, int] | None,
) -> dict[str, object]:
    """What an event says of a record beside its life: the `content` of `event_of`. `clear` is JSON text."""
    related = []
    if representative is not None:
        subject, part = representative
        related.append({"role": "legal_representative", "subject": str(subject), "part": part})
    return {
        "kind": kind,
        "severity": severity,
        "decided_on": decided_on,
        "display_from": period.begins,
        "display_until": period.until,
        "issuer": issuer,
        "fields": orjson.Fragment(clear),
        "related": related,
    }


def turned_event(
    newest: Mapping[str, object],
    frame: Frame,
    slot: Slot,
    revision: UUID,
    *,
    change: Change,
    state: RecordState,
    mark: Literal["disputed"] | None,
    about: UUID | None = None,
) -> bytes:
    """The event of a turn: what the newest one says, but for its state; nothing is sealed anew. `about`: discharged."""
    return orjson.dumps(
        {
            **newest,
            "revision": str(revision),
            "rev": slot.rev,
            "change": change,
            "state": state,
            "mark": mark,
            "lane": frame.lane,
            "submission": None,
            "officer": frame.officer,
            "reason": frame.reason,
            "basis": frame.basis,
            "case": _text(frame.case),
            "about": _text(about),
        }
    )


def _text(id_: UUID | None) -> str | None:
    # The JSON writer knows the library's own class of ids only, not the driver's.
    return None if id_ is None else str(id_)
