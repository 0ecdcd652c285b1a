"""What children are to be told as soon as their feeds may be appended to."""

from collections.abc import Sequence
from typing import NamedTuple

from creditmesh.chassis.database.session import Session
from creditmesh.schemas.exchange import PassedType

# From one child to the next, however much waits for each.
_CHILDREN = """
    with recursive children as (
        select min(child) as child from exchange.child_entry
         union all
        select (select min(a.child) from exchange.child_entry a where a.child > children.child)
          from children where child is not null
    )
    select child from children where child is not null order by child
"""
_HAS_MORE = "select exists (select from exchange.child_entry where child = :child offset :than)"
_TAKE = """
    with first as (
        select child, number from exchange.child_entry where child = :child order by number limit :limit
    ), taken as (
        delete from exchange.child_entry a using first
         where a.child = first.child and a.number = first.number
        returning a.number, a.type, a.body
    )
    select type, body from taken order by number
"""


class ChildEntry(NamedTuple):
    """The type and the body of an entry of a child's feed."""

    child: str
    type: PassedType
    body: str


async def wait(session: Session, entries: Sequence[ChildEntry]) -> None:
    """Keep these for their children."""
    await session.copy("exchange.child_entry", ChildEntry._fields, entries)


async def children(session: Session) -> list[str]:
    """Those for whom something waits."""
    return [row.child for row in await session.fetch(_CHILDREN)]


async def take(session: Session, child: str, *, limit: int) -> list[ChildEntry]:
    """The first so many for that child; they wait no more."""
    return [ChildEntry(child, *row) for row in await session.fetch(_TAKE, {"child": child, "limit": limit})]


async def has_more(session: Session, child: str, *, than: int) -> bool:
    """Whether more than that wait for a child."""
    found: bool = await session.value(_HAS_MORE, {"child": child, "than": than})
    return found
