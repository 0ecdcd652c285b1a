"""One context per request and per batch: a unit of work with who calls, what this node is, and what is disclosed.

Operations get this one object. They write through `session()`, gather events with `emit`, and never commit: the
route or the reader does, once. Streamed bodies commit by chunks with `transaction()`; an operation whose one
statement decides whether its events are written at all gives it to `write`.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import TypeVar
from uuid import UUID

import orjson

from creditmesh.chassis.bulk import HeldBody
from creditmesh.chassis.bus.event import part_of
from creditmesh.chassis.bus.stream import heads
from creditmesh.chassis.caller import Caller
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.declared import ProcessState
from creditmesh.chassis.equipment import Equipment
from creditmesh.chassis.errors import Transient
from creditmesh.chassis.facts import Facts
from creditmesh.chassis.shares import working_for
from creditmesh.chassis.unit_of_work import UnitOfWork
from creditmesh.chassis.vault.keys import Keys
from creditmesh.chassis.vault.subjects import Vault
from creditmesh.schemas.events import AccessRecorded, CopiesDisclosed
from creditmesh.schemas.events.access import AccessOutcome

F = TypeVar("F", bound=ProcessState)

CATALOGUE = "catalogue"
"""The stream that every process follows, and the key of all its events."""

# The function scan yields the array in its order, and the array is sorted: every writer locks in the same order.
_LOCK = """
    select pg_advisory_xact_lock(cast(:lock_class as integer), key) from unnest(cast(:lock_keys as integer[])) as key
"""


@dataclass(slots=True)
class Context(UnitOfWork):
    """The one object an operation gets. Not for use by two tasks at once."""

    caller: Caller | None = None
    request_id: str | None = None
    _body: HeldBody | None = None

    @property
    def node(self) -> Facts:
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

    async def assert_followed(self) -> None:
        """Transient unless this process has followed the catalogue to its head: only then its law is today's."""
        if not await has_followed(await self.session(), self.equipment):
            raise Transient("what is judged by the catalogue waits for this process to follow it")

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
        Where records of other nodes may be among these (services that show such declare it), the same is said once more
        for them.
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
            "node": None,
            "looked_at": None,
            "subject": key,
        }
        data = orjson.dumps(event, default=str)
        self._gather(AccessRecorded, access, key, data)
        tells = CopiesDisclosed in self.equipment.service.emits and self.equipment.followed.holds_copies
        if tells and records and outcome == "released":
            self._gather(CopiesDisclosed, self.new_id(), key, data)
        return access


async def has_followed(session: Session, equipment: Equipment) -> bool:
    """Whether this process has followed the catalogue to its head: only then its law and its peers are today's."""
    head = (await heads(session, CATALOGUE)).get(part_of(CATALOGUE, equipment.node.parts))
    return head is None or equipment.followed.passed >= head.number


def lock_key(subject: UUID) -> int:
    """The second half of a subject's advisory lock: the last 32 bits of its id, as a signed integer.

    Two subjects that share a key merely wait for each other.
    """
    return int.from_bytes(subject.bytes[-4:], "big", signed=True)
