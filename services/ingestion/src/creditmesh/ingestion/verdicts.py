"""Which verdict a row gets, given every revision that its record already has: pure, so that it can be proven.

A row that says what any revision said changes nothing: a stale copy never rolls a record back, and a file may be sent
again, whole or in part, in any order, at any time. Nobody takes over a record that another party made.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal, NamedTuple
from uuid import UUID

from creditmesh.schemas.events.record import RecordState
from creditmesh.schemas.rules.visibility import has_ended
from creditmesh.schemas.verdicts import VerdictWord


class Known(NamedTuple):
    """One revision of a record, as far as a verdict needs it."""

    record: UUID
    rev: int
    fingerprint: bytes
    state: RecordState
    mark: Literal["disputed"] | None
    submission: UUID | None
    party: str


@dataclass(frozen=True, slots=True)
class Ruling:
    """A verdict, with the reason for one that writes nothing."""

    verdict: VerdictWord
    reason: (
        Literal[
            "same",
            "superseded",
            "repeated",
            "record_closed",
            "record_ended",
            "record_deleted",
            "reinstated",
            "another_partys_record",
            "perhaps_deleted",
        ]
        | None
    ) = None


ACCEPTED = Ruling("accepted")
CORRECTED = Ruling("corrected")
DELETED = Ruling("refused", "record_deleted")
REINSTATED = Ruling("held", "reinstated")
"""Of a record that had been withdrawn before it was deleted, where an officer says that the decision holds again."""
PERHAPS_DELETED = Ruling("held", "perhaps_deleted")
"""Of a record that was deleted only the place is left: where that may be another record's, an officer decides."""


def decide(
    history: Sequence[Known], fingerprints: AbstractSet[bytes], *, submission: UUID | None, party: str
) -> Ruling:
    """The verdict on what this party says for the record with this history (oldest first).

    `fingerprints` are all by which its content may have been written down.
    """
    if not history:
        return ACCEPTED
    newest = history[-1]
    same = [known for known in history if known.fingerprint in fingerprints]
    if has_ended(newest.state):
        mine = newest.party == party  # that one has ended is told to who made it, and to nobody else
        return Ruling("unchanged", "record_ended") if same and mine else Ruling("refused", "record_closed")
    if not same:
        return CORRECTED if newest.party == party else Ruling("held", "another_partys_record")
    if submission is not None and any(known.submission == submission for known in same):
        return Ruling("unchanged", "repeated")
    stands = newest.state == "published" and newest.fingerprint in fingerprints
    return Ruling("unchanged", "same" if stands else "superseded")
