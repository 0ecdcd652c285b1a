"""How long a peer that is not there is waited for before it is tried again, and how its operator is told of it."""

import asyncio
import random

import structlog

from creditmesh.chassis.bus.faults import PATIENCE
from creditmesh.chassis.equipment import Equipment
from creditmesh.exchange.peer import NotNow, PeerRefused

LONGEST = 3.0
"""Seconds between two tries of a peer that does not answer."""

_log = structlog.get_logger(__name__)


class Backoff:
    """Waits longer each time a peer is not there, and says so once: a peer may be away for days."""

    def __init__(self, feed: str) -> None:
        self._feed = feed
        self.times = 0
        """How often in a row it was not there."""
        self._refused = 0
        self.refusal: str | None = None
        """What it refuses, or does not answer as it has to, again and again: only its operator or ours can tell why."""

    async def after(self, peer: str, error: NotNow) -> None:
        """Wait before the next try."""
        if self.times == 0:
            _log.warning("peer is not there", peer=peer, feed=self._feed, reason=str(error))
        self.times += 1
        self._refused = self._refused + 1 if isinstance(error, PeerRefused) else 0
        self.refusal = str(error) if self._refused > PATIENCE else None
        await asyncio.sleep(min(0.1 * 2 ** min(self.times, 10), LONGEST) * random.uniform(0.5, 1.0))  # noqa: S311

    def done(self, peer: str) -> None:
        """It was there."""
        if self.times:
            _log.info("peer is there again", peer=peer, feed=self._feed)
        self.times, self._refused, self.refusal = 0, 0, None


def tell(equipment: Equipment, place: str, why: str | None) -> None:
    """Tell in readiness what stands still there, and why; None: nothing does."""
    if why is None:
        equipment.stopped.pop(place, None)
    else:
        equipment.stopped[place] = why
