"""Idempotency-Keys: same key and same body, same effect and ids; the service keeps a digest and a reference.

What is kept is never an answer: a replay is evaluated again from the reference, so that nothing personal outlives its
period in a cache of answers. Each service has the table in its own schema and writes it in its own transaction.
"""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from uuid import UUID

from fastapi import Request

from creditmesh.chassis.context import Context
from creditmesh.chassis.database.roles import quoted
from creditmesh.chassis.errors import Invalid, Malformed
from creditmesh.chassis.pruning import Retention

HEADER = "idempotency-key"
REPLAYED = "Idempotency-Replayed"
LONGEST = 128
"""Characters of a key."""


class KeyReused(Invalid):
    """The key was used before with another body."""

    code = "idempotency_key_reused"
    title = "This Idempotency-Key was used with another body"
    title_zh = "该 Idempotency-Key 已用于不同的请求正文"


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """The caller's key, if any, and the digest of what was asked under it."""

    key: str | None
    digest: bytes


async def once_of(request: Request) -> Once:
    """The key of a request, and the digest of its path, its If-Match and its body: another of these is another one.

    Without a key nothing is repeated, and the digest is empty.
    """
    key = key_of(request)
    if key is None:
        return Once(key=None, digest=b"")
    words = (request.url.path, request.headers.get("if-match", ""))
    return Once(key=key, digest=digest("\n".join(words).encode() + b"\n" + await request.body()))


def key_of(request: Request) -> str | None:
    """The caller's key; Malformed if it is empty, longer than 128 characters or not printable ASCII."""
    key = request.headers.get(HEADER)
    if key is not None and not (0 < len(key) <= LONGEST and key.isascii() and key.isprintable()):
        raise Malformed(
            "Idempotency-Key: 1 to 128 printable ASCII characters; use a fresh UUID.",
            "Idempotency-Key 须为 1 至 128 个可打印 ASCII 字符；建议使用新的 UUID。",
        )
    return key


def digest(body: bytes) -> bytes:
    """What a body is known by."""
    return sha256(body).digest()


async def recall(ctx: Context, key: str, body_digest: bytes) -> UUID | None:
    """The reference kept for this caller's key, or None; KeyReused if it was kept for another body."""
    session = await ctx.alone()
    values = {"owner": ctx.known_caller.credential, "key": key}
    row = await session.row(_recall(ctx.equipment.service.name), values)
    return None if row is None else reference_of(*row, digest=body_digest)


async def remember(ctx: Context, key: str, body_digest: bytes, reference: UUID) -> UUID:
    """Keep the reference for this caller's key; the reference that stands (another request may have been first)."""
    session = await ctx.session()
    row = await session.row(_remember(ctx.equipment.service.name), values_of(ctx, key, body_digest, reference))
    if row is not None:
        return reference_of(*row, digest=body_digest)
    standing = await recall(ctx, key, body_digest)  # the other request committed while this one waited for it
    return reference if standing is None else standing


def values_of(ctx: Context, key: str | None, body_digest: bytes, reference: UUID) -> dict[str, object]:
    """The values of the statement `insertion`; without a key it adds nothing."""
    return {
        "key_owner": ctx.known_caller.credential,
        "key": key,
        "key_digest": body_digest,
        "key_reference": reference,
        "key_at": ctx.instant,
    }


@cache
def insertion(schema: str, *, on: str = "true") -> str:
    """Keeps a key, for the statement that writes what it stands for; it returns no row if the key stands already.

    Such a statement is rolled back, or writes nothing, and `recall` then says what the key stands for. `on` is a
    condition on which the key is kept.
    """
    return f"""
        insert into {quoted(schema)}.idempotency (owner, key, digest, reference, at)
        select :key_owner, :key, :key_digest, :key_reference, :key_at
         where cast(:key as text) is not null and {on}
            on conflict (owner, key) do nothing
        returning digest, reference
    """


def kept_keys(schema: str) -> Retention:
    """The keys of a service, for what its declaration `prunes`."""
    table = f"{quoted(schema)}.idempotency"
    statement = f"""
        with gone as (
            delete from {table}
             where (owner, key) in (select owner, key from {table} where at < :before order by at limit :most)
            returning 1
        )
        select (select count(*) from gone), (select min(at) from {table} where at >= :before)
    """
    return Retention(name="idempotency", of=schema, statement=statement)


def reference_of(kept: bytes, reference: UUID, *, digest: bytes) -> UUID:
    """The reference kept under a key, of a request with this digest; KeyReused if another's digest is kept there."""
    if kept != digest:
        raise KeyReused(
            "Use a new key for a new request, or send the first body again.",
            "新请求请使用新的键，或重新发送原请求正文。",
        )
    return reference


@cache
def _recall(schema: str) -> str:
    return f"select digest, reference from {quoted(schema)}.idempotency where owner = :owner and key = :key"


@cache
def _remember(schema: str) -> str:
    return f"""
        with added as ({insertion(schema)})
        select digest, reference from added union all
        select digest, reference from {quoted(schema)}.idempotency where owner = :key_owner and key = :key
    """
