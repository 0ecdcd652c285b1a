"""What only grows is cut: rows are kept for a stated term, and a unit removes what is older, batch by batch.

Each service's role prunes what it owns, and the role `bus` the events. However many processes run, one at a time
prunes for a role: an advisory lock, held for a batch. The terms are the node's, as `migrate` wrote them, and age is
told by the server's clock: no process has its own.
"""

import asyncio
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog

from creditmesh.chassis.database.address import DatabaseAddress
from creditmesh.chassis.database.connecting import connect
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.facts import KeptName
from creditmesh.chassis.metrics import KEPT_SINCE, PRUNED

BATCH = 1000
SECONDS_BETWEEN = 3600.0
SECONDS_TO_FIRST = (30.0, 90.0)
"""After its start a process has better things to do, and not all processes begin at once."""
SECONDS_BETWEEN_BATCHES = 0.1
"""A long backlog is removed at less than the pace at which it was written."""

OFTEN_SKIPPED = 3
"""After so many hours in which somebody else held the lock at the moment of pruning, it is no other process's batch."""

_log = structlog.get_logger(__name__)
_KEEP = """
    insert into bus.kept_term (name, term) values (:name, :term)
        on conflict (name) do update set term = excluded.term where cast(:given as boolean)
"""
_BEFORE = "select clock_timestamp() - term from bus.kept_term where name = :name"
_ALONE = "select pg_try_advisory_xact_lock(hashtextextended('pruner ' || session_user, 0))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Rows that are kept for a term, and the statement that removes a batch of older ones."""

    name: KeptName
    of: str
    """The service, or the stream, whose rows they are."""
    statement: str
    """Removes at most `:most` rows from before `:before`; answers how many, and when the oldest left was written."""
    values: Mapping[str, object] = field(default_factory=dict)
    """What else the statement names."""


async def keep(session: Session, terms: Mapping[KeptName, timedelta], *, given: Collection[KeptName]) -> None:
    """Write for how long the node keeps what only grows; a term that is not given only where there is none."""
    for name, term in terms.items():
        await session.execute(_KEEP, {"name": name, "term": term, "given": name in given})


class Pruner:
    """Prunes what one role owns; of what the node has no term for, nothing."""

    def __init__(self, address: DatabaseAddress, kept: Sequence[Retention], *, batch: int = BATCH) -> None:
        self._address = address
        self._kept = kept
        self._batch = batch
        self._skipped = 0
        """How often in a row somebody else held the lock."""

    async def run(self) -> None:
        """Prune every hour."""
        await asyncio.sleep(random.uniform(*SECONDS_TO_FIRST))  # noqa: S311 - jitter, not a secret
        while True:
            await self.prune()
            await asyncio.sleep(SECONDS_BETWEEN)

    async def prune(self) -> None:
        """Remove all whose term is over; where another process is at it, leave it to that one."""
        session = Session(await connect(self._address, application_name="pruner"))
        try:
            for each in self._kept:
                await self._prune(session, each)
        finally:
            session.end()

    async def _prune(self, session: Session, kept: Retention) -> None:
        before: datetime | None = await session.value(_BEFORE, {"name": kept.name})
        removed = 0
        while before and (batch := await self._one_batch(session, kept, before)) is not None:
            removed += batch
            if batch < self._batch:
                break
            await asyncio.sleep(SECONDS_BETWEEN_BATCHES)
        if removed and before:
            _log.info("pruned", kept=kept.name, of=kept.of, rows=removed, before=before.isoformat())

    async def _one_batch(self, session: Session, kept: Retention, before: datetime) -> int | None:
        await session.begin()
        alone = await session.value(_ALONE)
        self._skipped = 0 if alone else self._skipped + 1
        if not alone:
            await session.rollback()
            if self._skipped >= OFTEN_SKIPPED * len(self._kept):
                _log.warning("not pruned: another session holds the lock", kept=kept.name, of=kept.of)
            return None
        [(pruned, oldest)] = await session.fetch(kept.statement, {**kept.values, "before": before, "most": self._batch})
        await session.commit()
        PRUNED.labels(kept.name, kept.of).inc(pruned)
        KEPT_SINCE.labels(kept.name, kept.of).set((oldest or datetime.now(UTC)).timestamp())
        return int(pruned)
