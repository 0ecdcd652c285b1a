"""The keys of peers' feeds, as they were wrapped to this node."""

from collections.abc import Collection, Mapping
from datetime import datetime

from creditmesh.chassis.database.session import Session

FeedKey = tuple[str, str, str]
"""A peer, a feed, and the id of a key of it."""

SentFor = tuple[str, str]
"""A peer, and a node that it sends for."""

_MOST = 10_000
"""Keys of one origin in a feed: it makes a dozen a year, and one whenever who may read it changes.

The feed's own ones, and those of each node that the peer sends for: what one makes takes no other's room. Whatever
else stands before the stroke is the peer's own word, and takes its room.
"""
# What is held is counted once, whatever comes. A key that was wrapped to others only may be sent again, wrapped to us
# too; never the other way round.
_KEEP = f"""
    with sent_for as (
        select * from unnest(cast(:senders as text[]), cast(:origins as text[])) as s(peer, origin)
    ), came as (
        select k.*, coalesce(s.origin, '') as origin
          from unnest(cast(:peers as text[]), cast(:feeds as text[]), cast(:keys as text[]),
                      cast(:wrapped as text[])) as k(peer, feed, key, wrapped)
          left join sent_for s on s.peer = k.peer and starts_with(k.key, s.origin || '/')
    ), held as (
        select k.peer, k.feed, coalesce(s.origin, '') as origin, count(*) as number
          from ingestion.feed_key k
          left join sent_for s on s.peer = k.peer and s.origin = split_part(k.key, '/', 1) and k.key like '%/%'
         where (k.peer, k.feed) in (select c.peer, c.feed from came c)
         group by 1, 2, 3
    ), placed as (
        select c.*, k.key is not null as is_known,
               row_number() over (partition by c.peer, c.feed, c.origin, k.key is null) as place
          from came c left join ingestion.feed_key k using (peer, feed, key)
    )
    insert into ingestion.feed_key as known (peer, feed, key, wrapped, at)
    select p.peer, p.feed, p.key, p.wrapped, :at
      from placed p left join held h using (peer, feed, origin)
     where p.is_known or p.place <= {_MOST} - coalesce(h.number, 0)
        on conflict (peer, feed, key) do update set wrapped = coalesce(excluded.wrapped, known.wrapped)
    returning peer, feed, key
"""
_WRAPPED = """
    select k.peer, k.feed, k.key, k.wrapped from ingestion.feed_key k
      join unnest(cast(:peers as text[]), cast(:feeds as text[]), cast(:keys as text[])) as w(peer, feed, key)
     using (peer, feed, key)
"""


async def keep(
    session: Session, wrapped: Mapping[FeedKey, str | None], *, sent_for: Collection[SentFor], at: datetime
) -> set[FeedKey]:
    """Keep these keys, each as JSON of what is wrapped to this node or None; which of them there is room for."""
    if not wrapped:
        return set()
    values = {"senders": [peer for peer, _ in sent_for], "origins": [origin for _, origin in sent_for], "at": at}
    rows = await session.fetch(_KEEP, {**_columns(wrapped), "wrapped": list(wrapped.values()), **values})
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
