"""A revision as its event tells it: everything about the record.

Events are built by hand in the shape of `RecordChanged` (a test reads them back with that model): this is the hottest
path of the node.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import orjson
from pydantic import JsonValue

from creditmesh.ingestion.verdicts import Known
from creditmesh.schemas.events.record import Change

Lane = Literal["live", "backfill"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Whose revision it is, and why it was made."""

    origin: str
    party: str
    item: str
    item_version: int
    officer: str | None = None
    lane: Lane = "live"
    submission: UUID | None = None
    reason: str | None = None
    basis: str | None = None
    case: UUID | None = None


def content_event(
    by: Attribution,
    known: Known,
    revision: UUID,
    *,
    change: Change,
    subject: UUID,
    facts: Mapping[str, object],
    sealed: Sequence[Mapping[str, JsonValue]],
    more: Mapping[str, object],
) -> bytes:
    """The event of a revision that says something anew. `facts`: what it says beside its life; `more`: if anything."""
    return orjson.dumps(
        {
            "subject": str(subject),
            "record": str(known.record),
            "item": by.item,
            "item_version": by.item_version,
            "origin": by.origin,
            "party": by.party,
            **_fields(by, known, revision, change),
            **facts,
            "sealed": sealed,
            **more,
        }
    )


def state_event(
    newest: Mapping[str, object],
    by: Attribution,
    known: Known,
    revision: UUID,
    *,
    change: Change,
    about: UUID | str | None,
) -> bytes:
    """The event of a change of state: what the newest one says, and nothing is sealed anew. `about`: discharged."""
    return orjson.dumps({**newest, **_fields(by, known, revision, change), "about": _text(about)})


def _fields(by: Attribution, known: Known, revision: UUID, change: Change) -> dict[str, object]:
    return {
        "revision": str(revision),
        "rev": known.rev,
        "change": change,
        "state": known.state,
        "mark": known.mark,
        "lane": by.lane,
        "submission": _text(by.submission),
        "officer": by.officer,
        "reason": by.reason,
        "basis": by.basis,
        "case": _text(by.case),
    }


def _text(id_: UUID | str | None) -> str | None:
    # The JSON writer knows the library's own class of ids only, not the driver's.
    return None if id_ is None else str(id_)
