"""The keys that seal this node's feeds, as it keeps them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson

from creditmesh.chassis.database.connecting import Row
from creditmesh.chassis.database.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedKey:
    """A key of a feed as this node keeps it: wrapped to itself, and the words of those it was ever wrapped to."""

    key: str
    month: date
    receivers: frozenset[str]
    wrapped: Sequence[Mapping[str, Any]]
    """For each of this node's own keys that it was wrapped to last."""


_EVERY = """
    select k.key, min(k.month) as month, array_agg(distinct r.word) as receivers,
           (array_agg(k.wrapped order by k.number desc))[1] as wrapped
      from exchange.feed_key k, unnest(k.receivers) as r(word)
     where k.feed = :feed {which} group by k.key order by min(k.number)
"""
_OWN = "and k.key not like '%/%'"
_THERE = "select distinct key from exchange.feed_key where feed = :feed and key = any(cast(:names as text[]))"
_PASSED = "select count(distinct key) from exchange.feed_key where feed = :feed and starts_with(key, :origin || '/')"
_LAST = "select coalesce(max(number), 0) from exchange.feed_key where feed = :feed"
# That was put into the feed last for the first time: older ones are, once more, for who comes later. Those of others'
# feeds, which are passed on, seal nothing of this one.
_NEWEST = """
    and k.key = (select key from exchange.feed_key where feed = :feed and key not like '%/%'
                  group by key order by min(number) desc limit 1)
"""
_ADD = """
    insert into exchange.feed_key (feed, number, key, month, receivers, wrapped)
    select :feed, (select coalesce(max(number), 0) from exchange.feed_key where feed = :feed) + k.place,
           k.key, k.month, string_to_array(k.receivers, ' '), k.wrapped
      from unnest(cast(:keys as text[]), cast(:months as date[]), cast(:receivers as text[]), cast(:wrapped as jsonb[]))
           with ordinality as k(key, month, receivers, wrapped, place)
"""


async def every(session: Session, feed: str) -> list[FeedKey]:
    """All keys that ever sealed entries of the feed, those of others that were passed on among them."""
    return [_key(row) for row in await session.fetch(_EVERY.format(which=""), {"feed": feed})]


async def own(session: Session, feed: str) -> list[FeedKey]:
    """The feed's own keys, without those of others that are passed on in it."""
    return [_key(row) for row in await session.fetch(_EVERY.format(which=_OWN), {"feed": feed})]


async def there(session: Session, feed: str, names: Collection[str]) -> set[str]:
    """Which of these keys the feed has."""
    rows = await session.fetch(_THERE, {"feed": feed, "names": list(names)}) if names else ()
    return {row[0] for row in rows}


async def count_passed(session: Session, feed: str, origin: str) -> int:
    """How many keys of this origin's feed are passed on in the feed."""
    [row] = await session.fetch(_PASSED, {"feed": feed, "origin": origin})
    return int(row[0])


async def last(session: Session, feed: str) -> int:
    """The number of the key that was put into the feed last; 0 before the first."""
    [row] = await session.fetch(_LAST, {"feed": feed})
    return int(row[0])


async def newest(session: Session, feed: str) -> FeedKey | None:
    """The key that seals the feed's entries now; None before the first."""
    found = await session.fetch(_EVERY.format(which=_NEWEST), {"feed": feed})
    return _key(found[0]) if found else None


async def add(session: Session, feed: str, made: Sequence[FeedKey]) -> None:
    """Keep keys that were just put into the feed, in that order."""
    await session.execute(
        _ADD,
        {
            "feed": feed,
            "keys": [key.key for key in made],
            "months": [key.month for key in made],
            "receivers": [" ".join(sorted(key.receivers)) for key in made],
            "wrapped": [orjson.dumps([dict(each) for each in key.wrapped]).decode() for key in made],
        },
    )


def _key(row: Row) -> FeedKey:
    wrapped = orjson.loads(row.wrapped)  # older versions wrapped to one key of their own
    given = wrapped if isinstance(wrapped, list) else [wrapped]
    return FeedKey(**{**row, "receivers": frozenset(row.receivers), "wrapped": given})
