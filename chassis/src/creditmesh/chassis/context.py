"""One context per request and per batch: the clocks, who calls, the transaction, what is emitted and disclosed.

Operations get this one object. They write through `session()`, gather events with `emit`, and never commit: the
route or the reader does, once, and the gathered events are written just before it. Where nothing else was written, that
one statement is the transaction. Streamed bodies commit by chunks with `transaction()`; an operation whose one
statement decides whether its events are written at all gives it to `write`.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

import orjson

from creditmesh.chassis.bulk import Bodies, Bulk, HeldBody, files
from creditmesh.chassis.bus.backlog import Backlog
from creditmesh.chassis.bus.event import part_of
from creditmesh.chassis.bus.listen import Notifications
from creditmesh.chassis.bus.queue import Outgoing, TransactionFacts, enqueue, values_of
from creditmesh.chassis.caller import Caller
from creditmesh.chassis.clock import Clock
from creditmesh.chassis.database.connecting import Row
from creditmesh.chassis.database.errors import DatabaseError, may_go_well
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.database.session import COPY_FROM, Session
from creditmesh.chassis.database.statements import Statement
from creditmesh.chassis.declared import Declared, ProcessState
from creditmesh.chassis.errors import Unavailable, outcome_unknown
from creditmesh.chassis.facts import Facts
from creditmesh.chassis.ids import new_id
from creditmesh.chassis.shares import working_for
from creditmesh.chassis.vault.keys import Keys
from creditmesh.chassis.vault.subjects import Vault
from creditmesh.schemas.events import AccessRecorded, Event
from creditmesh.schemas.events.access import AccessOutcome

F = TypeVar("F", bound=ProcessState)

# The function scan yields the array in its order, and the array is sorted: every writer locks in the same order.
_LOCK = """
    select pg_advisory_xact_lock(cast(:lock_class as integer), key) from unnest(cast(:lock_keys as integer[])) as key
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts(Facts):
    """What a node is: fixed when it was created, and whether it is a sandbox."""

    sandbox: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What a service's process was given by the host; every context of it shares this."""

    node: NodeFacts
    service: Declared
    pool: Pool
    clock: Clock
    vault: Vault
    keys: Keys
    followed: ProcessState
    wake: Callable[[], None]
    """Wakes the orderer of this process; called after a commit that queued events."""
    notifications: Notifications
    """Wakes who waits for a stream, or for a word that somebody tells (`bus.listen.tell`)."""
    backlog: Backlog = field(default_factory=Backlog)
    """How far the node is behind, as of the last second."""
    bulk: Bulk = field(default_factory=Bulk)
    """The turns of large bodies; one for all services of a process."""
    files: Bulk = field(default_factory=files)
    """The turns of files that a service works on for minutes."""
    bodies: Bodies = field(default_factory=Bodies)
    """The memory of bodies; one for all services of a process."""
    stopped: dict[str, str] = field(default_factory=dict)
    """What of the service stands still in this process until an operator has looked, and why; readiness tells it."""
    memory: dict[type, Any] = field(default_factory=dict)
    """What the service itself remembers for as long as its process lives: one object of a kind."""


@dataclass(slots=True)
class Context:
    """The one object an operation gets. Not for use by two tasks at once."""

    equipment: Equipment
    caller: Caller | None = None
    request_id: str | None = None
    traceparent: str | None = None
    _session: Session | None = None
    _begun: bool = False
    _owned: bool = True
    _outgoing: list[Outgoing] = field(default_factory=list)
    _queued: bool = False
    _today: date | None = None
    _body: HeldBody | None = None
    _closed: bool = False

    @property
    def node(self) -> NodeFacts:
        """The node this runs in."""
        return self.equipment.node

    @property
    def vault(self) -> Vault:
        """Subjects and their ciphers."""
        return self.equipment.vault

    @property
    def keys(self) -> Keys:
        """The keys this service was handed."""
        return self.equipment.keys

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

    @property
    def known_caller(self) -> Caller:
        """The caller of a request; a batch has none and must not ask."""
        if self.caller is None:
            raise RuntimeError("a batch has no caller")
        return self.caller

    async def hold(self, size: int) -> None:
        """Count so many more bytes of this request's body as in memory until it is answered; Busy if too many are."""
        self._assert_open()
        if self._body is None:
            self._body = HeldBody(self.equipment.bodies)
        await self._body.add(size)

    async def close(self) -> None:
        """The request is answered: what was not committed is rolled back, its body let go, and no session had again."""
        self._closed = True
        if self._body is not None:
            self._body.let_go()
        await self.rollback()

    @asynccontextmanager
    async def afterwards(self) -> AsyncIterator["Context"]:
        """A context of the same request for one read of a body that is streamed after this one is closed.

        However it is left, its session goes back: nobody who is slow, or has gone, keeps one.
        """
        later = Context(
            self.equipment,
            caller=self.caller,
            request_id=self.request_id,
            traceparent=self.traceparent,
            _today=self.legal_date,
        )
        with working_for(self.known_caller.share):
            try:
                yield later
            finally:
                await later.close()

    def followed(self, kind: type[F]) -> F:
        """The state this process follows, as the type it is."""
        state = self.equipment.followed
        if not isinstance(state, kind):
            raise TypeError(f"this process follows {type(state).__name__}, not {kind.__name__}")
        return state

    def new_id(self) -> UUID:
        """A fresh UUIDv7."""
        return new_id()

    def part(self, key: str) -> int:
        """The part of a key: fixed for the life of the node."""
        return part_of(key, self.node.parts)

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

    async def lock(self, subjects: Iterable[UUID]) -> None:
        """Lock all these subjects for writing, sorted, in one statement: before anything is read to be changed."""
        locks = self.locks(subjects)
        if locks["lock_keys"]:
            session = await self.session()
            await session.execute(_LOCK, locks)

    def locks(self, subjects: Iterable[UUID]) -> Mapping[str, object]:
        """The values of `lock`, `lock_class` and `lock_keys`, for a statement that locks and reads at once."""
        keys = sorted({lock_key(subject) for subject in subjects})
        return {"lock_class": self.equipment.service.lock_class, "lock_keys": keys}

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

    def disclose(
        self,
        subject: UUID,
        *,
        purpose: str,
        ground: str,
        outcome: AccessOutcome,
        items: Sequence[str] = (),
        records: Sequence[UUID] = (),
        matter: str | None = None,
        authorisation: UUID | None = None,
        reason: str | None = None,
        officer: str | None = None,
        repeats: UUID | None = None,
        use_until: date | None = None,
    ) -> UUID:
        """Record one access, in this transaction, before anything is answered. Returns its decision id.

        A screening records thousands, so that their events are written as the JSON of `AccessRecorded` without a model.
        """
        caller, access, key = self.known_caller, self.new_id(), str(subject)
        event = {
            "access": access,
            "caller": caller.kind,
            "party": caller.party,
            "officer": officer or caller.officer,
            "purpose": purpose,
            "matter": matter,
            "ground": ground,
            "authorisation": authorisation,
            "outcome": outcome,
            "reason": reason,
            "repeats": repeats,
            "items": items,
            "records": records,
            "use_until": use_until,
            "subject": key,
        }
        self._gather(AccessRecorded, access, key, orjson.dumps(event, default=str))
        return access

    async def write(self, statement: Statement, values: Mapping[str, object]) -> Row:
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
        released, and the caller asks again with the same idempotency key. DatabaseError if the server refuses it for
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


def lock_key(subject: UUID) -> int:
    """The second half of a subject's advisory lock: the last 32 bits of its id, as a signed integer.

    Two subjects that share a key merely wait for each other.
    """
    return int.from_bytes(subject.bytes[-4:], "big", signed=True)
