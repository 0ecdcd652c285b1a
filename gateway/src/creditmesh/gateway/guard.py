"""Who calls: the credential in the Authorization header, judged against what the database said half a second ago.

A revocation holds within a second at every door, with or without the bus (`gateway.readings`). An invented credential
ends at its check and costs one HMAC (`gateway.credential`). An id that passes it and does not exist is read, kept and
compared like one that does, so that neither the answer nor its time tells them apart.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from creditmesh.chassis.caller import Caller
from creditmesh.chassis.clock import Clock
from creditmesh.chassis.database.connecting import Row
from creditmesh.chassis.database.pool import Pool
from creditmesh.chassis.facts import Facts
from creditmesh.chassis.recent import Recent
from creditmesh.gateway import store
from creditmesh.gateway.credential import Credential, Mac
from creditmesh.gateway.errors import (
    BadCredential,
    Expired,
    MalformedCredential,
    NotYet,
    Revoked,
    SignatureNeeded,
    WrongSecret,
)
from creditmesh.gateway.readings import MOST, Readings

_NOBODY = bytes(32)


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


class Guard:
    """Tells who a request's credential stands for."""

    def __init__(self, *, pool: Pool, mac: Mac, clock: Clock, node: Facts) -> None:
        self._pool = pool
        self._mac = mac
        self._clock = clock
        self._node = node
        self._readings = Readings(self._read)
        self._hashed: Recent[bytes, tuple[str, bytes]] = Recent(MOST)
        """Of headers that came lately, by their digest: the credential's id, and the hash that the kept one has."""

    async def caller(self, authorization: Sequence[bytes]) -> Caller:
        """The caller. BadCredential and its kinds for what is not a live credential, SignatureNeeded for a bureau."""
        key, hashed = self._presented(authorization)
        known = await self._readings.get(key)
        same = hmac.compare_digest(hashed, _NOBODY if known is None else known.hash)
        if known is None:
            raise BadCredential
        if not same:
            raise WrongSecret(key=key)
        self._check(known)
        return known.caller

    async def close(self) -> None:
        """Read no more."""
        await self._readings.close()

    def _presented(self, authorization: Sequence[bytes]) -> tuple[str, bytes]:
        digest = sha256(authorization[0]).digest()
        hashed = self._hashed.get(digest) if len(authorization) == 1 else None
        if hashed is None:
            credential = self._read_header(authorization)
            hashed = credential.key, credential.hashed(self._mac)
            self._hashed.put(digest, hashed)
        return hashed

    def _read_header(self, authorization: Sequence[bytes]) -> Credential:
        scheme, _, text = authorization[0].partition(b" ")
        credential = Credential.read(text.strip(b" ").decode("latin-1"), self._mac)
        if len(authorization) > 1 or scheme.lower() != b"bearer" or credential is None:
            raise MalformedCredential(
                f"Send one header: `Authorization: Bearer cm_{self._node.code}_...`, with a credential that this node "
                "made, copied whole.",
                f"请只发送一个请求头: `Authorization: Bearer cm_{self._node.code}_...`，凭证须由本节点签发并完整复制。",
            )
        return credential

    def _check(self, known: _Known) -> None:
        key, now = known.caller.credential, self._clock.instant()
        if known.revoked:
            raise Revoked("Ask the node's operator for a new one.", "请向节点运维人员申请新凭证。", key=key)
        if now >= known.expires:
            raise Expired("Ask the node's operator for a new one.", "请向节点运维人员申请新凭证。", key=key)
        if now < known.not_before:
            raise NotYet("Use it from its first day on.", "请在生效后使用。", key=key)
        if known.caller.kind == "bureau" and not self._node.sandbox:
            raise SignatureNeeded

    async def _read(self, key: str) -> _Known | None:
        async with self._pool.session() as session:
            row = await store.credential(session, key)
        return None if row is None else _Known.of(row)
