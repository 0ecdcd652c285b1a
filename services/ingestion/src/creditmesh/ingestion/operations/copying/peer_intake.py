"""From a peer's entry to a candidate: its content is unsealed, judged at the peers' gate, and finds its subjects here.

Nothing is locked or written. What is refused says so on its entry.
"""

from collections.abc import Sequence

import structlog

from creditmesh.chassis.context import Context
from creditmesh.ingestion.operations.copying.entries import PeerEntry
from creditmesh.ingestion.operations.copying.feed_keys import FeedCiphers
from creditmesh.ingestion.operations.copying.peer_gate import PeerGate, peer_gate_of, refused_item
from creditmesh.ingestion.operations.records.candidates import Candidate, PassedRow, candidates_of
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.exchange import NOT_JUDGED
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason

_log = structlog.get_logger(__name__)


class PeerIntake:
    """Entries with content, of one run, under one legal date."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._gates: dict[tuple[str, bool], PeerGate | FieldError] = {}

    def refuses(self, item: str, *, own: bool) -> FieldError | None:
        """Why nothing of this item is taken, whatever it says; None if it is."""
        gate = self._gate(item, own=own)
        return gate if isinstance(gate, FieldError) else None

    async def take(self, entries: Sequence[PeerEntry]) -> None:
        """Give each of these entries its candidate, or the reason why it is refused."""
        ciphers = await FeedCiphers.of(self._ctx, entries)
        passed: list[tuple[PeerEntry, PassedRow]] = []
        for entry in entries:
            judged = self._judge_alone(entry, ciphers)
            if isinstance(judged, PassedRow):
                passed.append((entry, judged))
            else:
                entry.refusal = judged
        made = await candidates_of(self._ctx, [row for _, row in passed])
        for (entry, _), candidate in zip(passed, made, strict=True):
            if isinstance(candidate, Candidate):
                entry.candidate = candidate
            else:
                entry.refusal = candidate

    def _judge_alone(self, entry: PeerEntry, ciphers: FeedCiphers) -> PassedRow | FieldError:
        """What an entry comes to; where judging it fails it waits, and the other entries of its page go on."""
        try:
            return self._judge(entry, ciphers)
        except Exception as error:  # noqa: BLE001 - nothing is asked of the database here: the fault is the entry's
            _log.error("an entry cannot be judged", peer=entry.peer, index=entry.index, fault=type(error).__name__)
            return reason(NOT_JUDGED)

    def _judge(self, entry: PeerEntry, ciphers: FeedCiphers) -> PassedRow | FieldError:
        gate = self._gate(entry.known_body.item, own=entry.own)
        if isinstance(gate, FieldError):
            return gate
        fields = ciphers.unseal(entry)
        if isinstance(fields, FieldError):
            return fields
        row = gate.compiled.validate_kept(fields)
        if isinstance(row, tuple):
            return row[0]
        judgement = gate.judge(entry.known_body, row)
        if judgement.refusals:
            return judgement.refusals[0]
        return PassedRow(compiled=gate.compiled, origin=entry.origin, row=row, given=row, judgement=judgement)

    def _gate(self, code: str, *, own: bool) -> PeerGate | FieldError:
        """The gate of an item; what this node sent itself it takes back, whatever it shares now."""
        if (code, own) not in self._gates:
            directory, today = self._ctx.followed(Directory), self._ctx.legal_date
            item = directory.item(code, on=today)
            refusal = None if own else refused_item(item)
            if item is None or refusal is not None:
                self._gates[code, own] = refusal or reason("unknown_item")
            else:
                self._gates[code, own] = peer_gate_of(directory.compiled(code, item.number, on=today), today=today)
        return self._gates[code, own]
