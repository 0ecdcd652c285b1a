"""One unit of work: a session, the events that are gathered in its transaction, and the commit that writes both.

The gathered events are written just before the commit. Where nothing else was written, that one statement is the
transaction.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from creditmesh.chassis.bus.event import part_of
from creditmesh.chassis.bus.queue import Outgoing, TransactionFacts, enqueue, values_of
from creditmesh.chassis.database.connecting import Row
from creditmesh.chassis.database.errors import DatabaseError, may_go_well
from creditmesh.chassis.database.session import COPY_FROM, Session
from creditmesh.chassis.equipment import Equipment
from creditmesh.chassis.errors import Unavailable, outcome_unknown
from creditmesh.chassis.ids import new_id
from creditmesh.schemas.events import Event


@dataclass(slots=True)
class UnitOfWork:
    """A session, and what is to be written in its transaction; `chassis.context.Context` is one."""

    equipment: Equipment
    traceparent: str | None = None
    _session: Session | None = None
    _begun: bool = False
    _owned: bool = True
    _outgoing: list[Outgoing] = field(default_factory=list)
    _queued: bool = False
    _today: date | None = None
    _closed: bool = False

    @property
    def instant(self) -> datetime:
        """The real instant, in UTC."""
        return self.equipment.clock.instant()

    @property
    def legal_date(self) -> date:
        """The legal date; the same throughout one context."""
        if self._today is None:
            self._today = self.equipment.clock.legal_date()
        return self._today

    def new_id(self) -> UUID:
        """A fresh UUIDv7."""
        return new_id()

    def part(self, key: str) -> int:
        """The part of a key: fixed for the life of the node."""
        return part_of(key, self.equipment.node.parts)

    async def session(self) -> Session:
        """The session of this context, in its transaction, which begins here if it has not yet."""
        session = await self.alone()
        if not session.in_transaction:
            await session.begin()
            self._begun = True
        return session

    async def alone(self) -> Session:
        """The session of this context for one statement that commits by itself, unless a transaction has begun.

        RuntimeError once the context is closed: nobody would give it back.
        """
        self._assert_open()
        if self._session is None:
            self._session = await self.equipment.pool.acquire()
        return self._session

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """A transaction of its own for one chunk of a streamed body; leaving it commits what the chunk emitted."""
        session = await self.session()
        try:
            yield session
        except BaseException:
            await self.rollback()
            raise
        await self.commit()

    def emit(self, event: Event, *, id: UUID | None = None) -> UUID:  # noqa: A002 - the envelope's own word
        """Gather an event; it is written when the transaction commits. Returns its id."""
        event_id = id or self.new_id()
        self._gather(type(event), event_id, event.key, event.model_dump_json().encode())
        return event_id

    def emit_row(self, event_id: UUID, *, part: int) -> None:
        """Gather a row of the service's own outbox table, which the operation has written itself, as an event."""
        outbox = self.equipment.service.outbox
        if outbox is None:
            raise TypeError(f"{self.equipment.service.name} declares no outbox table")
        self._outgoing.append(
            Outgoing(id=event_id, part=part, type=outbox.event.type, version=outbox.event.version, key="", data=None)
        )

    async def write(self, statement: str, values: Mapping[str, object]) -> Row:
        """Run a statement that decides whether what was gathered is written, and by itself is the transaction.

        It has the parts of `bus.queue.insertions`, and its one row begins with whether they were written; if not,
        what was gathered is forgotten. Raises as `commit` does.
        """
        session = await self.alone()
        async with self._storing():
            row = await session.row(statement, {**values, **values_of(self._outgoing, **self._origin())})
        if row is None:
            raise RuntimeError("a statement that decides says what it decided")
        self._queued = self._queued or bool(row[0])
        self._outgoing.clear()
        return row

    async def flush(self) -> None:
        """Write what was gathered so far, if it is many events, in this transaction; the rest comes with the commit."""
        if len(self._outgoing) >= COPY_FROM:
            await enqueue(await self.session(), outgoing=self._outgoing, outbox=self._outbox(), **self._origin())
            self._queued = True
            self._outgoing.clear()

    async def commit(self) -> None:
        """Write what was gathered and commit. The route and the reader call this; operations do not.

        Unavailable (503) if the commit did not come back, which it says, or may go well the next time: nothing may be
        released, and the caller asks again with the same Idempotency-Key. DatabaseError if the server refuses it for
        good.
        """
        async with self._storing():
            if self._outgoing:
                at_once = self._owned and not self._begun and len(self._outgoing) < COPY_FROM
                session = await (self.alone() if at_once else self.session())
                await enqueue(session, outgoing=self._outgoing, outbox=self._outbox(), **self._origin())
            if self._owned and self._begun:
                await (await self.session()).commit()
        self._queued = self._queued or bool(self._outgoing)
        self._outgoing.clear()
        if self._owned:
            await self._release()
            self.committed()

    @property
    def queued(self) -> bool:
        """Whether events were written in this transaction, which others will be told."""
        return self._queued

    def committed(self) -> None:
        """The transaction was committed: the orderer need not find out by itself. A reader says so of its batch."""
        if self._queued:
            self._queued = False
            self.equipment.wake()

    async def rollback(self) -> None:
        """Forget what was gathered and written since the last commit."""
        self._outgoing.clear()
        self._queued = False
        if self._owned:
            await self._release()

    @asynccontextmanager
    async def _storing(self) -> AsyncIterator[None]:
        try:
            yield
        except DatabaseError as error:
            await self.rollback()
            if not may_go_well(error):
                raise
            if error.uncertain:
                raise outcome_unknown() from error
            raise Unavailable(
                "The result could not be stored, so nothing was released. Send the request again.",
                "结果未能保存，未披露任何信息。请重新发送请求。",
                headers={"Retry-After": "1"},
            ) from error

    def _origin(self) -> TransactionFacts:
        return TransactionFacts(
            stream=self.equipment.service.name,
            at=self.instant,
            legal_date=self.legal_date,
            traceparent=self.traceparent,
        )

    def _outbox(self) -> str | None:
        service = self.equipment.service
        return None if service.outbox is None else f"{service.name}.{service.outbox.table}"

    def _assert_open(self) -> None:
        if self._closed:
            raise RuntimeError("this context is closed; what is read afterwards has one of its own (`afterwards`)")

    def _is_own(self, event: type[Event]) -> bool:
        outbox = self.equipment.service.outbox
        return outbox is not None and outbox.event is event

    def _gather(self, kind: type[Event], event_id: UUID, key: str, data: bytes) -> None:
        if kind not in self.equipment.service.emits:
            raise TypeError(f"{self.equipment.service.name} does not declare that it emits {kind.type}")
        self._outgoing.append(
            Outgoing(
                id=event_id,
                part=self.part(key),
                type=kind.type,
                version=kind.version,
                key=key,
                data=data,
                own=self._is_own(kind),
            )
        )

    async def _release(self) -> None:
        session, self._session, self._begun = self._session, None, False
        if session is not None:
            await self.equipment.pool.release(session)
