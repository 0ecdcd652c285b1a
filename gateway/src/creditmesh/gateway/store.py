"""All SQL of the gateway."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from creditmesh.chassis.database.connecting import Row
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.pruning import Retention

_SHOWN = """
    key, kind, party, officer, subject, label, scopes, items, not_before, expires, created, created_by, revoked,
    revoked_by
"""
_ONE = """
    select key, hash, kind, party, officer, subject, scopes, items, not_before, expires, revoked
      from gateway.credential where key = :key
"""
_LIVE = """
    select key from gateway.credential
     where kind = :kind and party is not distinct from :party and officer is not distinct from :officer
       and subject is not distinct from :subject and label = :label and revoked is null and expires > :at
     order by created
"""
_REVOKE = f"""
    update gateway.credential set revoked = coalesce(revoked, :at), revoked_by = coalesce(revoked_by, :by)
     where key = :key returning {_SHOWN}
"""
_CATCHING_UP = "select peer from bus.catching_up order by peer"
_PAGE = f"""
    select {_SHOWN} from gateway.credential
     where (cast(:party as text) is null or party = :party) and (cast(:kind as text) is null or kind = :kind)
       and (cast(:after as text) is null or key > :after)
     order by key limit :limit
"""


SECURITY_LOG = Retention(
    name="security_log",
    of="gateway",
    statement="select pruned, oldest from gateway.prune_security_log(:before, :most)",
)
"""The log is only added to: the one function that shortens it takes nothing younger than 30 days."""


class RefusalLine(NamedTuple):
    """A row of the security log."""

    id: UUID
    at: datetime
    request_id: str
    times: int
    method: str
    route: str | None
    status: int
    reason: str
    key: str | None
    address: bytes | None


async def credential(session: Session, key: str) -> Row | None:
    """The credential of that id, as far as the door needs it."""
    return await session.row(_ONE, {"key": key})


async def catching_up(session: Session) -> tuple[str, ...]:
    """The peers whose records are not to be shown yet."""
    return tuple([row.peer for row in await session.fetch(_CATCHING_UP)])


async def live_keys(session: Session, holder: Mapping[str, object], *, at: datetime) -> Sequence[str]:
    """The ids of the holder's keys that are neither revoked nor expired, the oldest first."""
    return [row.key for row in await session.fetch(_LIVE, {**holder, "at": at})]


async def add(session: Session, row: Mapping[str, object]) -> None:
    """Keep a new credential."""
    await session.copy("gateway.credential", list(row), [list(row.values())])


async def revoke(session: Session, key: str, *, at: datetime, by: str) -> Row | None:
    """Mark it revoked, once: a second time keeps the first mark. The row as it is then; None if there is none."""
    return await session.row(_REVOKE, {"key": key, "at": at, "by": by})


async def page(
    session: Session, *, party: str | None, kind: str | None, after: str | None, limit: int
) -> Sequence[Row]:
    """Credentials by id, from the one after `after` on."""
    return await session.fetch(_PAGE, {"party": party, "kind": kind, "after": after, "limit": limit})


async def log_refusals(session: Session, lines: Sequence[RefusalLine]) -> None:
    """Append to the security log."""
    await session.copy("gateway.security_log", RefusalLine._fields, lines)
