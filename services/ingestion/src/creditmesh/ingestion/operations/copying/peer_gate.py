"""The gate for what peers send: who may speak for an origin, and what its content must be to be held here too.

The origin answers for its departments and for doubtful numbers, so neither is asked here, and nothing is held: an entry
is accepted or refused. How well a field says what it says was judged where it was typed, by the rules of that day, and
is not judged again. Severity and period are the origin's as far as they are no wider than ours: of two severities
the milder holds, of two ends the earlier. A period that is longer than ours even by the origin's severity is refused,
but that of a record whose repair was obtained by false material: our rule says how much of it holds here.
"""

from datetime import date
from functools import lru_cache

from creditmesh.ingestion.lawful import Judgement, Lawful
from creditmesh.schemas.catalogue import Item, Party
from creditmesh.schemas.exchange import RecordBody
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.rules.compile import CompiledItem, Row
from creditmesh.schemas.rules.decision_numbers import counts_nothing
from creditmesh.schemas.rules.display import Period, lengthened
from creditmesh.schemas.rules.severity import milder

_GATES = 64


def refused_sender(peer: Party | None, origin: str, *, node: str) -> FieldError | None:
    """Why this peer may not speak for that origin at this node; None if it may.

    What was pulled while it was enrolled it may have said, also where it was taken out since: an end that was refused
    for that would never come again.
    """
    if peer is None or peer.kind != "node" or peer.place != "below":
        return reason("peer_not_enrolled")
    if origin == node or origin not in peer.sends_for:
        return reason("origin_not_allowed")
    return None


def refused_item(item: Item | None) -> FieldError | None:
    """Why copies of this item, as it is in force here today, are not taken; None if they are."""
    if item is None:
        return reason("unknown_item")
    return None if item.shared_upwards else reason("item_not_shared")


@lru_cache(_GATES)
def peer_gate_of(compiled: CompiledItem, *, today: date) -> "PeerGate":
    """The gate of an item on a day: the next page finds it as it is, with what it remembers of rows."""
    return PeerGate(compiled, today=today)


class PeerGate(Lawful):
    """Judges the content that peers send of one item, on one legal date."""

    def __init__(self, compiled: CompiledItem, *, today: date) -> None:
        super().__init__(compiled, today=today)
        self.compiled = compiled

    def judge(self, body: RecordBody, row: Row) -> Judgement:
        """Everything that is wrong with an entry and its canonical row, and the facts it states."""
        roles, get = self._roles, row.get
        verdict = Judgement()
        self._naming.read(row, verdict)
        self._identifies(row, verdict)
        verdict.holds.clear()
        until, own_end = get(roles.valid_until or ""), get(roles.display_until or "")
        dates, verdict.decided_on = self._dated(get(roles.decided_on), get(roles.valid_from or ""), until, own_end)
        verdict.refusals += dates
        if verdict.refusals:
            return verdict
        self._person(row, verdict)
        self._agrees(body, row, verdict)
        verdict.severity = milder(self._severity(row), body.severity)
        widest, ours = (
            self._period(verdict.decided_on, each, until, own_end).until for each in (body.severity, verdict.severity)
        )
        if body.false_material:
            ours = lengthened(ours, self._item.repair, decided_on=body.decided_on)
        elif widest is not None and (body.display_until is None or body.display_until > widest):
            verdict.refusals.append(reason("period_too_long"))
        ends = [end for end in (body.display_until, ours) if end is not None]
        verdict.period = Period(body.display_from, min(ends, default=None))
        verdict.false_material = body.false_material
        return verdict

    def _tells_apart(self, code: str, text: str) -> str | None:  # noqa: ARG002
        return "decision_filler" if counts_nothing(text) else None

    def _agrees(self, body: RecordBody, row: Row, verdict: Judgement) -> None:
        kind = None if verdict.subject is None else verdict.subject.kind
        said = (body.kind, body.decided_on, body.display_from, body.issuer, body.state)
        ours = (kind, verdict.decided_on, verdict.decided_on, row.get(self._roles.issuer), "published")
        if said != ours:
            verdict.refusals.append(reason("contradictory_entry"))
