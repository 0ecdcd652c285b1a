"""Authorisations: an immutable signed text, the count of its uses, and whether it was taken back."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from uuid import UUID

from creditmesh.chassis.database.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorisation:
    """One row: the signed text says what was permitted, the rest finds it and follows it."""

    part: int
    id: UUID
    subject: UUID
    bureau: str
    token: str
    valid_from: date
    valid_until: date
    max_uses: int
    given_at: datetime
    uses: int = 0
    revoked_at: datetime | None = None


_NAMES = tuple(Authorisation.__dataclass_fields__)
_GIVE = f"""
    insert into query.authorisation ({", ".join(_NAMES)}) values ({", ".join(f":{name}" for name in _NAMES)})
"""
# Naming the parts lets each be probed by its key.
_FIND = "select * from query.authorisation where part = any(:parts) and id = :id"
_PAGE = """
    select * from query.authorisation
     where part = :part and subject = :subject
       and id < coalesce(cast(:before as uuid), 'ffffffff-ffff-ffff-ffff-ffffffffffff')
     order by id desc limit :limit
"""
_REVOKE = """
    update query.authorisation set revoked_at = coalesce(revoked_at, :at)
     where part = :part and id = :id and subject = :subject
"""


async def give(session: Session, given: Authorisation) -> None:
    """Add an authorisation."""
    await session.execute(_GIVE, asdict(given))


async def find(session: Session, id: UUID, *, parts: Sequence[int]) -> Authorisation | None:  # noqa: A002
    """The authorisation of that id, whoever's it is."""
    row = await session.row(_FIND, {"parts": list(parts), "id": id})
    return None if row is None else Authorisation(**row)


async def page(session: Session, *, part: int, subject: UUID, before: UUID | None, limit: int) -> list[Authorisation]:
    """At most `limit` authorisations that a subject gave before that one (None: all), newest first."""
    values = {"part": part, "subject": subject, "before": before, "limit": limit}
    return [Authorisation(**row) for row in await session.fetch(_PAGE, values)]


async def revoke(session: Session, id: UUID, *, part: int, subject: UUID, at: datetime) -> bool:  # noqa: A002
    """Take it back, once; False if the subject gave no such authorisation. A use under way has ended when this does."""
    return bool(await session.execute(_REVOKE, {"part": part, "id": id, "subject": subject, "at": at}))
