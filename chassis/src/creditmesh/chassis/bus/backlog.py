"""How far the node is behind, asked once a second a process: what intake looks at before it takes more."""

import time

from creditmesh.chassis.bus.stream import Pressure, pressure
from creditmesh.chassis.database.session import Session

SECONDS_KEPT = 1.0


class Backlog:
    """The last answer of `bus.pressure`, which all requests of a process share.

    The question counts what every reader has passed of every part; it is dear beside the writing of one record.
    """

    def __init__(self) -> None:
        self._asked = float("-inf")
        self._found = Pressure(queue_age=0.0, reader_lag=0)

    async def latest(self, session: Session) -> Pressure:
        """What was found at most a second ago. While one request asks again, others are told what was found before."""
        now = time.monotonic()
        if now - self._asked >= SECONDS_KEPT:
            before, self._asked = self._asked, now
            try:
                self._found = await pressure(session)
            except BaseException:
                self._asked = before
                raise
        return self._found
