"""What children are to be told as soon as their feeds may be appended to."""

from collections.abc import Sequence

from creditmesh.chassis.database.session import Session

# From one child to the next, however much waits for each.
_CHILDREN = """
    with recursive children as (
        select min(child) as child from exchange.child_answer
         union all
        select (select min(a.child) from exchange.child_answer a where a.child > children.child)
          from children where child is not null
    )
    select child from children where child is not null order by child
"""
_HAS_MORE = "select exists (select from exchange.child_answer where child = :child offset :than)"
_TAKE = """
    with first as (
        select child, number from exchange.child_answer where child = :child order by number limit :limit
    ), taken as (
        delete from exchange.child_answer a using first
         where a.child = first.child and a.number = first.number
        returning a.number, a.body
    )
    select body from taken order by number
"""


async def wait(session: Session, child: str, bodies: Sequence[str]) -> None:
    """Keep these bodies of entries for that child."""
    await session.copy("exchange.child_answer", ("child", "body"), [(child, body) for body in bodies])


async def children(session: Session) -> list[str]:
    """Those for whom something waits."""
    return [row.child for row in await session.fetch(_CHILDREN)]


async def take(session: Session, child: str, *, limit: int) -> list[str]:
    """The first so many bodies for that child; they wait no more."""
    return [row.body for row in await session.fetch(_TAKE, {"child": child, "limit": limit})]


async def has_more(session: Session, child: str, *, than: int) -> bool:
    """Whether more bodies than that wait for a child."""
    found: bool = await session.value(_HAS_MORE, {"child": child, "than": than})
    return found
