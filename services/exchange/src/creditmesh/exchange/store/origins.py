"""What is kept of peers' feeds to pass it on and to prove it; and what was not proven to be of its origin."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from creditmesh.chassis.database.session import Session
from creditmesh.schemas.exchange import UP


class KeyPlace(NamedTuple):
    """Where in a peer's `up` a key of it stands."""

    peer: str
    key: str
    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks a place for


class VerifiedRun(NamedTuple):
    """A stretch of a peer's `up` between two verified heads: the range before it, and the head as it was signed."""

    first: int
    stack: bytes
    until: int
    note: str


_NOTE_KEYS = """
    insert into exchange.copied_key (peer, key, index)
    select * from unnest(cast(:peers as text[]), cast(:keys as text[]), cast(:indices as bigint[]))
        on conflict do nothing
"""
_KEYS = """
    select k.peer, k.key, k.index from unnest(cast(:keys as text[])) as w(key)
      join exchange.copied_key k on k.peer = :peer and k.key = w.key order by k.key, k.index
"""
# A head that an older version verified has no range, and nothing before the next one that has can be proven.
_RUNS = """
    select distinct coalesce(below.size, 0) as first, coalesce(below.stack, '') as stack,
           above.size as until, above.note
      from unnest(cast(:indices as bigint[])) as w(index)
     cross join lateral (
        select size, note from exchange.copy_checkpoint
         where peer = :peer and feed = :feed and size > w.index order by size limit 1) above
      left join lateral (
        select size, stack from exchange.copy_checkpoint
         where peer = :peer and feed = :feed and size <= w.index order by size desc limit 1) below on true
     where above.note is not null and (below.size is null or below.stack is not null)
     order by first
"""
_ADD = """
    insert into exchange.unproven_entry (peer, feed, index)
    select :peer, :feed, unnest(cast(:indices as bigint[])) on conflict do nothing
"""
_TAKE = """
    delete from exchange.unproven_entry
     where peer = :peer and feed = :feed and index = any(cast(:indices as bigint[]))
"""
_UNPROVEN = """
    select index from exchange.unproven_entry
     where peer = :peer and feed = :feed and index >= :first and index < :until
"""


async def note_keys(session: Session, places: Sequence[KeyPlace]) -> None:
    """Remember where these keys of peers' feeds stand."""
    if places:
        columns = zip(("peers", "keys", "indices"), zip(*places, strict=True), strict=True)
        await session.execute(_NOTE_KEYS, dict(columns))


async def keys(session: Session, peer: str, wanted: Collection[str]) -> list[KeyPlace]:
    """Where these keys of a peer's feed stand, each as often as it does."""
    return [KeyPlace(*row) for row in await session.fetch(_KEYS, {"peer": peer, "keys": list(wanted)})]


async def runs(session: Session, peer: str, indices: Collection[int]) -> list[VerifiedRun]:
    """The stretches of a peer's `up` in which these entries are, as far as they can be proven."""
    wanted = {"peer": peer, "feed": UP, "indices": list(indices)}
    return [VerifiedRun(*row) for row in await session.fetch(_RUNS, wanted)]


async def add_unproven(session: Session, peer: str, feed: str, indices: Collection[int]) -> None:
    """Remember that nothing proves these entries."""
    if indices:
        await session.execute(_ADD, {"peer": peer, "feed": feed, "indices": list(indices)})


async def take_unproven(session: Session, peer: str, feed: str, indices: Collection[int]) -> None:
    """Forget it: they are proven now."""
    await session.execute(_TAKE, {"peer": peer, "feed": feed, "indices": list(indices)})


async def unproven(session: Session, peer: str, feed: str, *, first: int, until: int) -> set[int]:
    """Those of the entries `first <= index < until` that are not proven."""
    rows = await session.fetch(_UNPROVEN, {"peer": peer, "feed": feed, "first": first, "until": until})
    return {row[0] for row in rows}
