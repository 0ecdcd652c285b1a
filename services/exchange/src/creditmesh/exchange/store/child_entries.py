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
        select number, octet_length(body) as weight from exchange.child_entry
         where child = :child order by number limit :limit
    ), fitting as (
        select number, sum(weight) over (order by number) - weight as before from first
    ), taken as (
        delete from exchange.child_entry a using fitting
         where a.child = :child and a.number = fitting.number and fitting.before < :bytes
        returning a.number, a.type, a.body
    )
    select type, body from taken order by number
"""
_AT_ONCE, _MOST_BYTES = 500, 1024 * 1024


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


async def take(session: Session, child: str) -> list[ChildEntry]:
    """The first for that child, some of them, and of large ones fewer; they wait no more."""
    wanted = {"child": child, "limit": _AT_ONCE, "bytes": _MOST_BYTES}
    return [ChildEntry(child, *row) for row in await session.fetch(_TAKE, wanted)]


async def has_more(session: Session, child: str, *, than: int) -> bool:
    """Whether more than that wait for a child."""
    found: bool = await session.value(_HAS_MORE, {"child": child, "than": than})
    return found
