"""One context per request and per batch: the clocks, who calls, the transaction, what is emitted and disclosed.

Operations get this one object. They write through `session()`, gather events with `emit`, and never commit: the
route or the reader does, once, and the bodies and queue rows of all gathered events go in one statement each just
before it. Streamed bodies commit by chunks with `transaction()`.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeVar
from uuid import UUID

import orjson

from creditmesh.chassis.bulk import Bulk
from creditmesh.chassis.bus.event import part_of
from creditmesh.chassis.bus.faults import Fault, fault_of
from creditmesh.chassis.bus.listen import Listener
from creditmesh.chassis.bus.queue import Outgoing, enqueue
from creditmesh.chassis.caller import Caller
from creditmesh.chassis.clock import Clock
from creditmesh.chassis.database.errors import DatabaseError
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.declared import Declared, Followed
from creditmesh.chassis.errors import Unavailable
from creditmesh.chassis.facts import Facts
from creditmesh.chassis.ids import new_id
from creditmesh.chassis.vault.keys import Keys
from creditmesh.chassis.vault.subjects import Vault
from creditmesh.schemas.events import AccessRecorded, Event
from creditmesh.schemas.events.access import Outcome

F = TypeVar("F", bound=Followed)

# The function scan yields the array in its order, and the array is sorted: every writer locks in the same order.
_LOCK = """
    select pg_advisory_xact_lock(cast(:lock_class as integer), key) from unnest(cast(:keys as integer[])) as key
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
    followed: Followed
    wake: Callable[[], None]
    """Wakes the orderer of this process; called after a commit that queued events."""
    wakes: Listener
    """Wakes who waits for a stream, or for a word that somebody tells (`bus.listen.tell`)."""
    bulk: Bulk = field(default_factory=Bulk)
    """The turns of large bodies; one for all services of a process."""


@dataclass(slots=True)
class Context:
    """The one object an operation gets. Not for use by two tasks at once."""

    equipment: Equipment
    caller: Caller | None = None
    request_id: str | None = None
    traceparent: str | None = None
    _session: Session | None = None
    _owned: bool = True
    _outgoing: list[Outgoing] = field(default_factory=list)
    _queued: bool = False
    _today: date | None = None

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
        return session

    async def alone(self) -> Session:
        """The session of this context for one statement that commits by itself, unless a transaction has begun."""
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
        keys = sorted({lock_key(subject) for subject in subjects})
        if keys:
            session = await self.session()
            await session.execute(_LOCK, {"lock_class": self.equipment.service.lock_class, "keys": keys})

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
        outcome: Outcome,
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
            "subject": key,
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
        }
        self._gather(AccessRecorded, access, key, orjson.dumps(event, default=str))
        return access

    async def flush(self) -> None:
        """Write what was gathered so far, in this transaction: for a large answer, a slice at a time."""
        if self._outgoing:
            await enqueue(
                await self.session(),
                stream=self.equipment.service.name,
                outgoing=self._outgoing,
                at=self.instant,
                legal_date=self.legal_date,
                traceparent=self.traceparent,
            )
            self._queued = True
            self._outgoing.clear()

    async def commit(self) -> None:
        """Write what was gathered and commit. The route and the reader call this; operations do not.

        Unavailable (503) if the commit did not come back, or may go well the next time: nothing may be released, and
        the caller asks again with the same idempotency key. DatabaseError if the server refuses it for good.
        """
        if self._session is None and not self._outgoing:
            return
        session = await self.session()
        try:
            await self.flush()
            if self._owned:
                await session.commit()
        except DatabaseError as error:
            await self.rollback()
            if fault_of(error, 0) is Fault.PERMANENT:
                raise
            raise Unavailable(
                "The result could not be stored, so nothing was released. Send the request again.",
                "结果未能保存，未披露任何信息。请重新发送请求。",
                headers={"Retry-After": "1"},
            ) from error
        if self._owned:
            await self._release()
            self.committed()

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

    def _gather(self, kind: type[Event], event_id: UUID, key: str, data: bytes) -> None:
        if kind not in self.equipment.service.emits:
            raise TypeError(f"{self.equipment.service.name} does not declare that it emits {kind.type}")
        self._outgoing.append(
            Outgoing(id=event_id, part=self.part(key), type=kind.type, version=kind.version, key=key, data=data)
        )

    async def _release(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await self.equipment.pool.release(session)


def lock_key(subject: UUID) -> int:
    """The second half of a subject's advisory lock: the last 32 bits of its id, as a signed integer.

    Two subjects that share a key merely wait for each other.
    """
    return int.from_bytes(subject.bytes[-4:], "big", signed=True)
