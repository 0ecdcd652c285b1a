"""The keys of peers' feeds, as they were wrapped to this node."""

from collections.abc import Collection, Mapping
from datetime import datetime

from creditmesh.chassis.database.session import Session

FeedKey = tuple[str, str, str]
"""A peer, a feed, and the id of a key of it."""

_MOST = 10_000
"""Keys of one origin in a feed: it makes a dozen a year, and one whenever who may read it changes.

The feed's own ones, and those of each node whose keys are passed on in it: what one makes takes no other's room.
"""
_MOST_OF_FEED = 1_000_000
"""Of all origins together, whatever a peer invents."""
_ORIGIN = "case when strpos({0}, '/') > 0 then split_part({0}, '/', 1) else '' end"
# A key that was wrapped to others only may be sent again, wrapped to us too; never the other way round.
_KEEP = f"""
    with came as (
        select *, {_ORIGIN.format("key")} as origin
          from unnest(cast(:peers as text[]), cast(:feeds as text[]), cast(:keys as text[]),
                      cast(:wrapped as text[])) as k(peer, feed, key, wrapped)
    ), room as (
        select f.peer, f.feed, f.origin, held.rest
          from (select distinct peer, feed, origin from came) f
         cross join lateral (
            select least({_MOST} - count(*) filter (where {_ORIGIN.format("k.key")} = f.origin),
                         {_MOST_OF_FEED} - count(*)) as rest
              from ingestion.feed_key k where k.peer = f.peer and k.feed = f.feed) held
    ), placed as (
        select c.*, k.key is not null as is_known,
               row_number() over (partition by c.peer, c.feed, c.origin, k.key is null) as place
          from came c left join ingestion.feed_key k using (peer, feed, key)
    )
    insert into ingestion.feed_key as known (peer, feed, key, wrapped, at)
    select p.peer, p.feed, p.key, p.wrapped, :at
      from placed p join room r using (peer, feed, origin) where p.is_known or p.place <= r.rest
        on conflict (peer, feed, key) do update set wrapped = coalesce(excluded.wrapped, known.wrapped)
    returning peer, feed, key
"""
_WRAPPED = """
    select k.peer, k.feed, k.key, k.wrapped from ingestion.feed_key k
      join unnest(cast(:peers as text[]), cast(:feeds as text[]), cast(:keys as text[])) as w(peer, feed, key)
     using (peer, feed, key)
"""


async def keep(session: Session, wrapped: Mapping[FeedKey, str | None], *, at: datetime) -> set[FeedKey]:
    """Keep these keys, each as JSON of what is wrapped to this node or None; which of them there is room for."""
    if not wrapped:
        return set()
    rows = await session.fetch(_KEEP, {**_columns(wrapped), "wrapped": list(wrapped.values()), "at": at})
    return {(peer, feed, key) for peer, feed, key in rows}


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
