"""Who calls: the credential in the Authorization header, judged against what the database said half a second ago.

A process keeps what it has read of a credential for `KEPT` seconds, counted from before it asked, so that no request
relies on a reading that began earlier than that. There is no other cache and nothing to invalidate: a revocation holds
within a second at every door, with or without the bus. An id that does not exist is read, kept and compared like one
that does, so that neither the answer nor its time tells them apart.
"""

import asyncio
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from creditmesh.chassis.caller import Caller
from creditmesh.chassis.clock import Clock
from creditmesh.chassis.context import NodeFacts
from creditmesh.chassis.database.connecting import Row
from creditmesh.chassis.database.pool import Pool
from creditmesh.gateway import store
from creditmesh.gateway.credential import Credential
from creditmesh.gateway.errors import (
    BadCredential,
    Expired,
    MalformedCredential,
    NotYet,
    Revoked,
    SignatureNeeded,
    WrongSecret,
)

KEPT = 0.5
_MOST_KEPT = 4096
_NOBODY = bytes(32)
Mac = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the database says of one credential."""

    hash: bytes
    caller: Caller
    not_before: datetime
    expires: datetime
    revoked: bool

    @classmethod
    def of(cls, row: Row) -> "_Known":
        return cls(
            hash=row.hash,
            caller=Caller(
                kind=row.kind,
                scopes=frozenset(row.scopes),
                credential=row.key,
                party=row.party,
                officer=row.officer,
                subject=row.subject,
                items=None if row["items"] is None else frozenset(row["items"]),
            ),
            not_before=row.not_before,
            expires=row.expires,
            revoked=row.revoked is not None,
        )


@dataclass(frozen=True, slots=True)
class _Reading:
    began: float
    task: "asyncio.Task[_Known | None]"


class Guard:
    """Tells who a request's credential stands for."""

    def __init__(self, *, pool: Pool, mac: Mac, clock: Clock, node: NodeFacts) -> None:
        self._pool = pool
        self._mac = mac
        self._clock = clock
        self._node = node
        self._readings: dict[str, _Reading] = {}

    async def caller(self, authorization: Sequence[bytes]) -> Caller:
        """The caller. BadCredential and its kinds for what is not a live credential, SignatureNeeded for a bureau."""
        credential = self._presented(authorization)
        known = await self._known(credential.key)
        same = hmac.compare_digest(credential.hashed(self._mac), _NOBODY if known is None else known.hash)
        if known is None:
            raise BadCredential
        if not same:
            raise WrongSecret(key=credential.key)
        self._check(known)
        return known.caller

    def _presented(self, authorization: Sequence[bytes]) -> Credential:
        scheme, _, text = authorization[0].partition(b" ")
        credential = Credential.read(text.strip(b" ").decode("latin-1"))
        if len(authorization) > 1 or scheme.lower() != b"bearer" or credential is None:
            raise MalformedCredential(
                "Send one header: `Authorization: Bearer cm_<node>_...`. A credential is copied whole or not at all.",
                "请只发送一个请求头: `Authorization: Bearer cm_<node>_...`，并完整复制凭证。",
            )
        if credential.node != self._node.code:
            raise MalformedCredential(
                "The credential is of another node; ask this node's operator for one.",
                "该凭证属于其他节点，请向本节点运维方申请。",
            )
        return credential

    def _check(self, known: _Known) -> None:
        key, now = known.caller.credential, self._clock.instant()
        if known.revoked:
            raise Revoked("Ask the node's operator for a new one.", "请向节点运维方申请新凭证。", key=key)
        if now >= known.expires:
            raise Expired("Ask the node's operator for a new one.", "请向节点运维方申请新凭证。", key=key)
        if now < known.not_before:
            raise NotYet("Use it from its first day on.", "请在生效后使用。", key=key)
        if known.caller.kind == "bureau" and not self._node.sandbox:
            raise SignatureNeeded

    async def _known(self, key: str) -> _Known | None:
        reading = self._readings.get(key)
        if reading is None or monotonic() - reading.began >= KEPT:
            reading = self._begin(key)
        if reading.task.done():
            return reading.task.result()
        return await asyncio.shield(reading.task)

    def _begin(self, key: str) -> _Reading:
        if len(self._readings) >= _MOST_KEPT:
            self._readings.clear()
        reading = _Reading(monotonic(), asyncio.create_task(self._read(key)))
        self._readings[key] = reading
        reading.task.add_done_callback(lambda _: self._forget_failure(key, reading))
        return reading

    def _forget_failure(self, key: str, reading: _Reading) -> None:
        failed = reading.task.cancelled() or reading.task.exception() is not None
        if failed and self._readings.get(key) is reading:
            del self._readings[key]

    async def _read(self, key: str) -> _Known | None:
        async with self._pool.session() as session:
            row = await store.credential(session, key)
        return None if row is None else _Known.of(row)
