"""How far the node is behind, asked once a second a process: what intake looks at before it takes more."""

import time
from dataclasses import dataclass

from creditmesh.chassis.database.session import Session

SECONDS_KEPT = 1.0
_SIZE = "select queue_age, reader_lag from bus.pressure()"


@dataclass(slots=True, frozen=True)
class BacklogSize:
    """How far the node's events are behind: what intake looks at before it takes more."""

    queue_age: float
    """Seconds that the oldest event has waited for its number."""
    reader_lag: int
    """Events that the slowest registered reader of a stream has not passed."""


class Backlog:
    """The last answer of `bus.pressure`, which all requests of a process share.

    The question counts what every reader has passed of every part; it is dear beside the writing of one record.
    """

    def __init__(self) -> None:
        self._asked = float("-inf")
        self._found = BacklogSize(queue_age=0.0, reader_lag=0)

    async def latest(self, session: Session) -> BacklogSize:
        """What was found at most a second ago. While one request asks again, others are told what was found before."""
        now = time.monotonic()
        if now - self._asked >= SECONDS_KEPT:
            before, self._asked = self._asked, now
            try:
                self._found = await _size(session)
            except BaseException:
                self._asked = before
                raise
        return self._found


async def _size(session: Session) -> BacklogSize:
    """Whether the node keeps up; intake answers 503 when it does not."""
    [(queue_age, reader_lag)] = await session.fetch(_SIZE)
    return BacklogSize(queue_age=queue_age, reader_lag=reader_lag)
