"""The keys of peers' feeds, as they were wrapped to this node."""

from collections.abc import Collection, Mapping
from datetime import datetime

from creditmesh.chassis.database.session import Session

FeedKey = tuple[str, str, str]
"""A peer, a feed, and the id of a key of it."""

# A key that was wrapped to others only may be sent again, wrapped to us too; never the other way round.
_KEEP = """
    insert into ingestion.feed_key as known (peer, feed, key, wrapped, at)
    select k.peer, k.feed, k.key, k.wrapped, :at
      from unnest(cast(:peers as text[]), cast(:feeds as text[]), cast(:keys as text[]), cast(:wrapped as text[]))
           as k(peer, feed, key, wrapped)
        on conflict (peer, feed, key) do update set wrapped = coalesce(excluded.wrapped, known.wrapped)
"""
_WRAPPED = """
    select k.peer, k.feed, k.key, k.wrapped from ingestion.feed_key k
      join unnest(cast(:peers as text[]), cast(:feeds as text[]), cast(:keys as text[])) as w(peer, feed, key)
     using (peer, feed, key)
"""


async def keep(session: Session, wrapped: Mapping[FeedKey, str | None], *, at: datetime) -> None:
    """Keep these keys, each as JSON of what is wrapped to this node; None: nothing is."""
    if wrapped:
        await session.execute(_KEEP, {**_columns(wrapped), "wrapped": list(wrapped.values()), "at": at})


async def wrapped_of(session: Session, keys: Collection[FeedKey]) -> dict[FeedKey, str | None]:
    """What is wrapped to this node of these keys; a key that never came is absent."""
    if not keys:
        return {}
    rows = await session.fetch(_WRAPPED, _columns(keys))
    return {(peer, feed, key): wrapped for peer, feed, key, wrapped in rows}


def _columns(keys: Collection[FeedKey]) -> dict[str, list[str]]:
    return {
        "peers": [peer for peer, _, _ in keys],
        "feeds": [feed for _, feed, _ in keys],
        "keys": [key for _, _, key in keys],
    }
