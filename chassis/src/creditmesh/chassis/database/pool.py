"""A pool of sessions for one role: small, lazy, shared fairly, and shedding load in front instead of growing a line.

The driver's own pool sends a reset query and makes a task at every release; sessions here set no state that outlives a
transaction, so that nothing is to be reset (`python -m bench statements` compares the two).
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

import asyncpg

from creditmesh.chassis.database.address import DatabaseAddress
from creditmesh.chassis.database.connecting import SECONDS_TO_ANSWER, connect
from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.errors import Unavailable
from creditmesh.chassis.shares import Busy, Shares

SECONDS_TO_WAIT = 5.0
WAITING_FOR_EACH = 16
"""Tasks that may wait for a session, for each session of the pool; one more is refused at once."""


class Pool:
    """At most `size` sessions; nothing connects before the first use, and the session used last is used next."""

    def __init__(
        self,
        address: DatabaseAddress,
        *,
        application_name: str,
        size: int = 4,
        waiting: int | None = None,
        seconds_to_answer: float = SECONDS_TO_ANSWER,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """`waiting`: how many may wait for a session; `seconds_to_answer`: the driver's deadline for a statement."""
        self.address = address
        self.size = size
        self.seconds_to_answer = seconds_to_answer
        self._name = application_name
        self._settings = settings
        most_waiting = size * WAITING_FOR_EACH if waiting is None else waiting
        self._shares = Shares(size, waiting=most_waiting, seconds=SECONDS_TO_WAIT, busy=_busy)
        self._idle: list[asyncpg.Connection] = []
        self._closed = False

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """A session whose statements commit one by one; Busy where too many wait, DatabaseError where none is had."""
        session = await self.acquire()
        try:
            yield session
        finally:
            await self.release(session)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """A session in a transaction, committed when the block ends well."""
        async with self.session() as session:
            await session.begin()
            yield session
            await session.commit()

    async def acquire(self) -> Session:
        """A session to be given back by `release`."""
        share = await self._shares.take()
        try:
            while self._idle:
                driver = self._idle.pop()
                if not driver.is_closed():  # the server has not ended it, in a restart for one
                    return Session(driver, share)
            driver = await connect(
                self.address,
                application_name=self._name,
                settings=self._settings,
                seconds_to_answer=self.seconds_to_answer,
            )
            return Session(driver, share)
        except BaseException:
            self._shares.give(share)
            raise

    async def release(self, session: Session) -> None:
        """Take a session back; what it has not committed is rolled back."""
        try:
            with suppress(DatabaseError):
                await session.rollback()
            if not session.ended:
                if self._closed:
                    session.end()
                else:
                    self._idle.append(session.driver)
        finally:
            self._shares.give(session.share)

    async def answers(self, *, seconds: float = 2.0) -> bool:
        """Whether the database answers within that time."""
        try:
            async with asyncio.timeout(seconds), self.session() as session:
                await session.value("select 1")
        except (DatabaseError, Unavailable, TimeoutError):
            return False
        return True

    async def close(self) -> None:
        """End the idle sessions, and those in use as they come back."""
        self._closed = True
        while self._idle:
            driver = self._idle.pop()
            try:
                await driver.close(timeout=2)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                driver.terminate()


def _busy() -> Busy:
    return Busy(
        "More is asked at once than can be answered; nothing was stored.",
        "当前请求过多，未保存任何内容。",
        headers={"Retry-After": "1"},
    )
