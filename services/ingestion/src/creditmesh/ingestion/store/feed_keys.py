"""The keys of peers' feeds, as they were wrapped to this node."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Text, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from creditmesh.chassis.database.fetch import fetch

FeedKey = tuple[str, str, str]
"""A peer, a feed, and the id of a key of it."""

_TEXTS = ARRAY(Text)
# A key that was wrapped to others only may be sent again, wrapped to us too; never the other way round.
_KEEP = text("""
    insert into ingestion.feed_key as known (peer, feed, key, wrapped, at)
    select k.peer, k.feed, k.key, k.wrapped, :at
      from unnest(:peers, :feeds, :keys, :wrapped) as k(peer, feed, key, wrapped)
        on conflict (peer, feed, key) do update set wrapped = coalesce(excluded.wrapped, known.wrapped)
""").bindparams(*(bindparam(name, type_=_TEXTS) for name in ("peers", "feeds", "keys", "wrapped")))
_WRAPPED = text("""
    select k.peer, k.feed, k.key, k.wrapped from ingestion.feed_key k
      join unnest(:peers, :feeds, :keys) as w(peer, feed, key) using (peer, feed, key)
""").bindparams(*(bindparam(name, type_=_TEXTS) for name in ("peers", "feeds", "keys")))


async def keep(connection: AsyncConnection, wrapped: Mapping[FeedKey, str | None], *, at: datetime) -> None:
    """Keep these keys, each as JSON of what is wrapped to this node; None: nothing is."""
    if wrapped:
        await fetch(connection, _KEEP, {**_columns(wrapped), "wrapped": list(wrapped.values()), "at": at})


async def wrapped_of(connection: AsyncConnection, keys: Collection[FeedKey]) -> dict[FeedKey, str | None]:
    """What is wrapped to this node of these keys; a key that never came is absent."""
    if not keys:
        return {}
    rows = await fetch(connection, _WRAPPED, _columns(keys))
    return {(peer, feed, key): wrapped for peer, feed, key, wrapped in rows}


def _columns(keys: Collection[FeedKey]) -> dict[str, list[str]]:
    return {
        "peers": [peer for peer, _, _ in keys],
        "feeds": [feed for _, feed, _ in keys],
        "keys": [key for _, _, key in keys],
    }
