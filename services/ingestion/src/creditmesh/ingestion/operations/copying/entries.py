"""A peer's entry as it came: its line and its body, read together.

The line was hashed into the verified tree; the body is what the line commits to, but a sender may still have written
the two so that they contradict each other.
"""

from dataclasses import dataclass, field
from uuid import UUID

from pydantic import ValidationError

from creditmesh.ingestion.operations.records.candidates import Candidate
from creditmesh.schemas.events.record import Change
from creditmesh.schemas.exchange import (
    NEWER_VERSION,
    STATE_CHANGES,
    EntryLine,
    FeedKeyBody,
    RecordBody,
    effect,
)
from creditmesh.schemas.origins import NOT_OF_ORIGIN
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.received import ReceivedEntry, item_of
from creditmesh.schemas.words import Effect

NIL = UUID(int=0)
"""Of an entry that names no record."""


@dataclass(slots=True)
class PeerEntry:
    """One entry about a record, and what is found about it on its way."""

    peer: str
    feed: str
    index: int
    record: UUID
    rev: int
    change: Change = "accepted"
    origin: str = ""
    body: RecordBody | None = field(default=None, repr=False)
    """None of an entry that can only mark or end what is held, or that is refused."""
    item: str | None = None
    """What its content is of, where that can be read."""
    replaced: bool = False
    """Whether this node took its content away: a later entry has replaced or ended it."""
    refusal: FieldError | None = None
    authorised: bool = False
    """Whether its sender may speak for its origin."""
    own: bool = False
    """Whether this node itself sent it, and it was fetched back."""
    anew: bool = False
    """Whether it counts as if it came for the first time: what is held of its record is not what its feed says."""
    candidate: Candidate | None = None
    """What it says, once it has passed the gate."""

    @property
    def changes_state(self) -> bool:
        """Whether it leaves what the record says as it is."""
        return self.change in STATE_CHANGES

    @property
    def effect(self) -> Effect:
        """What it does to its record."""
        return effect(self.change, None if self.body is None else self.body.reason)

    @property
    def waits(self) -> bool:
        """Whether it says of a record what this version has no word for, or stands behind such a one."""
        return self.refusal is not None and self.refusal.code == NEWER_VERSION

    @property
    def unproven(self) -> bool:
        """Whether nothing proves that its origin said it, as it has to be here."""
        return self.refusal is not None and self.refusal.code == NOT_OF_ORIGIN

    @property
    def known_body(self) -> RecordBody:
        """Its body."""
        if self.body is None:
            raise RuntimeError("a refused entry says nothing")
        return self.body


def read_entry(received: ReceivedEntry) -> PeerEntry:
    """The entry of a record; refused if it does not say which, or if it has a body that contradicts its line."""
    line = received.line
    if received.unknown is not None and received.record is not None:
        waits = PeerEntry(received.peer, received.feed, received.index, received.record, 1)
        waits.refusal = reason(NEWER_VERSION)
        return waits
    if line is None or line.record is None or line.rev is None or line.change is None or line.origin is None:
        nobody = PeerEntry(received.peer, received.feed, received.index, NIL, 1)
        nobody.refusal = reason("unreadable_entry")
        return nobody
    entry = PeerEntry(received.peer, received.feed, received.index, line.record, line.rev, line.change, line.origin)
    entry.replaced, entry.anew = received.replaced and received.body is None, received.anew
    body = received.said
    agree = isinstance(body, RecordBody) and _about(body) == _about(line)
    entry.body = body if isinstance(body, RecordBody) and agree else None
    entry.item = body.item if isinstance(body, RecordBody) else item_of(received.body or "")
    if not (agree or entry.changes_state or entry.replaced):
        entry.refusal = reason("contradictory_entry" if isinstance(body, RecordBody) else body)
    if received.unproven and not entry.replaced:
        entry.refusal = reason(NOT_OF_ORIGIN)
    return entry


def read_key(body: str | None) -> FeedKeyBody | None:
    """A feed's key as it is sent; None if it cannot be read."""
    try:
        return None if body is None else FeedKeyBody.model_validate_json(body)
    except ValidationError:
        return None


def _about(of: EntryLine | RecordBody) -> tuple[object, ...]:
    return of.record, of.rev, of.change, of.origin
