"""The records that one transaction changes, as their newest revisions have them, and what it adds to them.

Made by `opened`, under the locks of all their subjects, so that what is read stays the newest; a later change of the
same transaction meets what an earlier one has done; `write` writes all of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

import orjson

from creditmesh.chassis.context import Context
from creditmesh.ingestion.revisions import Frame, Slot, revision_row, turned_event
from creditmesh.ingestion.store import revisions
from creditmesh.ingestion.store.revisions import Place
from creditmesh.schemas.events.record import Change, RecordState

Mark = Literal["disputed"] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A record as its newest revision has it."""

    place: Place
    record: UUID
    origin: str
    item: str
    rev: int
    state: RecordState
    mark: Mark
    fingerprint: bytes
    data: bytes
    """Its newest event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What happens to a record while what it says stays: who says so and why."""

    change: Change
    officer: str | None = None
    reason: str | None = None
    basis: str | None = None
    case: UUID | None = None
    about: UUID | None = None
    """Of a discharge: whom the record concerns no more."""
    ends_mark: bool = False
    """Of a discharge: whether it decides what the record is marked for."""
    rev: int | None = None
    """As the origin counts; None: the next one."""
    revision: UUID | None = None
    """As the origin named it; None: like its row."""


class Lives:
    """What is known of these records; see the module."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._newest: dict[Place, Life] = {}
        self._rows: list[tuple[object, ...]] = []
        self._events: list[tuple[UUID, int]] = []

    @classmethod
    async def opened(cls, ctx: Context, places: Iterable[Place]) -> "Lives":
        """Lock the subjects at these places, then read what their records are."""
        lives, wanted = cls(ctx), set(places)
        await ctx.lock(subject for _, subject, _ in wanted)
        found = await revisions.newest(await ctx.session(), wanted)
        lives._newest = {place: _life(stored) for place, stored in found.items()}
        return lives

    def at(self, place: Place) -> Life | None:
        """The record at this place, this transaction's changes included; None if there is none."""
        return self._newest.get(place)

    def add(self, frame: Frame, life: Life, *, row: UUID | None = None) -> UUID:
        """Add a revision: the record is now this. The id of its row; the first row held of a record has the record's.

        Rows have ids of this node's own, whatever a peer calls its revisions: theirs stand in the event.
        """
        part, subject, natural_key = life.place
        if row is None:
            row = self._ctx.new_id() if life.place in self._newest else life.record
        slot = Slot(part=part, subject=subject, natural_key=natural_key, record=life.record, rev=life.rev)
        self._rows.append(
            revision_row(
                frame, slot, row, fingerprint=life.fingerprint, state=life.state, mark=life.mark, data=life.data
            )
        )
        self._events.append((row, part))
        self._newest[life.place] = life
        return row

    def turn(self, life: Life, turn: Turn) -> UUID:
        """Mark, unmark or end a record, as one more revision. The id of its row."""
        said, row = orjson.loads(life.data), self._ctx.new_id()
        frame = self._frame(said, turn)
        part, subject, natural_key = life.place
        rev = life.rev + 1 if turn.rev is None else turn.rev
        slot = Slot(part=part, subject=subject, natural_key=natural_key, record=life.record, rev=rev)
        state, mark = _turned(life, turn)
        revision = turn.revision or row
        data = turned_event(said, frame, slot, revision, change=turn.change, state=state, mark=mark, about=turn.about)
        return self.add(frame, replace(life, rev=rev, state=state, mark=mark, data=data), row=row)

    async def write(self) -> None:
        """Write the revisions with their queue rows, in the order they were added."""
        await revisions.write(await self._ctx.session(), self._rows)
        for revision, part in self._events:
            self._ctx.emit_row(revision, part=part)

    def _frame(self, said: dict[str, str], turn: Turn) -> Frame:
        # The record's own item and version: one that is no longer collected can still be marked and ended.
        ctx = self._ctx
        return Frame(
            at=ctx.instant,
            legal_date=ctx.legal_date,
            traceparent=ctx.traceparent,
            origin=said["origin"],
            party=said["party"],
            officer=turn.officer,
            item=said["item"],
            item_version=int(said["item_version"]),
            lane="live",
            submission=None,
            mac_key=ctx.keys.key_id("fingerprint"),
            mac_alg=ctx.keys.algorithm("fingerprint"),
            reason=turn.reason,
            basis=turn.basis,
            case=turn.case,
        )


def _turned(life: Life, turn: Turn) -> tuple[RecordState, Mark]:
    match change := turn.change:
        case "marked":
            return life.state, "disputed"
        case "unmarked":
            return life.state, None
        case "repaired" | "withdrawn" | "withheld":
            return change, life.mark
        case "discharged":
            return life.state, None if turn.ends_mark else life.mark
        case _:
            raise ValueError(f"{change} changes what a record says")


def _life(stored: revisions.Stored) -> Life:
    return Life(
        place=stored.place,
        record=stored.record,
        origin=stored.origin,
        item=stored.item,
        rev=stored.rev,
        state=stored.state,
        mark=stored.mark,
        fingerprint=stored.fingerprint,
        data=stored.data,
    )
