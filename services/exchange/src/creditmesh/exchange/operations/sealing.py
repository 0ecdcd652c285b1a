"""The key that seals a feed's personal fields: made at the first entry, monthly, and when who may read changes.

It stands in the feed itself, before the first entry it seals, wrapped to every node above and to this one. Before a new
one every older key stands there once more for whoever could not open it: who is enrolled later reads the whole feed.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import orjson
import structlog

from creditmesh.chassis.context import Context
from creditmesh.chassis.vault.feeds import SEALING, FeedCipher, raw, unwrap, wrap
from creditmesh.chassis.vault.keys import KeyMissing
from creditmesh.exchange.entries import Draft, key_draft
from creditmesh.exchange.errors import NotWrapped
from creditmesh.exchange.operations.feeds import append
from creditmesh.exchange.store import feeds, sealing_keys
from creditmesh.exchange.store.sealing_keys import FeedKey
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.exchange import Wrapped, feed_origin
from creditmesh.schemas.rules.calendar import shanghai_day

_log = structlog.get_logger(__name__)
_ciphers: dict[str, FeedCipher] = {}
"""The opened keys of this process, by their ids, which are random; there are a dozen a year."""


@dataclass(frozen=True, slots=True)
class _Receiver:
    node: str
    key: str
    public: bytes

    @property
    def word(self) -> str:
        return f"{self.node}/{self.key}"


async def cipher_of(ctx: Context, feed: str) -> FeedCipher:
    """The cipher of the feed's key of now; a new key is put into the feed first where one is due."""
    newest = await sealing_keys.newest(await ctx.session(), feed)
    if newest is None or not _serves(ctx, newest):
        newest = await _renewed(ctx, feed)
    cipher = _ciphers.get(newest.key)
    if cipher is None:
        cipher = _ciphers[newest.key] = FeedCipher(newest.key, _secret(ctx, feed, newest))
    return cipher


async def open_to_readers(ctx: Context, feed: str) -> None:
    """Put what is lacking into the feed, so that each node above can open every key of it; nothing before the first."""
    newest = await sealing_keys.newest(await ctx.session(), feed)
    if newest is not None and not _serves(ctx, newest):
        await _renewed(ctx, feed)


async def assert_open(ctx: Context, feed: str, node: str) -> None:
    """NotWrapped while the feed has keys that are not wrapped to the newest feed key of this node above."""
    newest = await sealing_keys.newest(await ctx.alone(), feed)
    if newest is not None and not {each.word for each in _receivers(ctx) if each.node == node} <= newest.receivers:
        raise NotWrapped


async def _renewed(ctx: Context, feed: str) -> FeedKey:
    """The key of now, after it and what is lacking of the older ones were put into the feed, here or elsewhere."""
    session = await ctx.session()
    await feeds.hold(session, feed)
    keys = await sealing_keys.every(session, feed)
    if keys and _serves(ctx, keys[-1]):  # another process was first
        return keys[-1]
    secrets = [
        *_unread(ctx, feed, keys),
        (f"{feed}-{len(keys) + 1}-{os.urandom(4).hex()}", _month(ctx), os.urandom(32)),
    ]
    made = [_wrapped(ctx, feed, *each) for each in secrets]
    await append(ctx, feed, [draft for _, draft in made])
    await sealing_keys.add(session, feed, [key for key, _ in made])
    return made[-1][0]


def _unread(ctx: Context, feed: str, keys: Sequence[FeedKey]) -> Iterator[tuple[str, date, bytes]]:
    """Name, month and secret of the keys that not everybody above could open; but for those this node itself lost."""
    wanted = {each.word for each in _receivers(ctx)}
    for key in keys:
        if not wanted <= key.receivers:
            try:
                yield key.key, key.month, _secret(ctx, feed, key)
            except KeyMissing as error:
                _log.error(
                    "a feed's key cannot be wrapped to whoever came later", feed=feed, key=key.key, reason=str(error)
                )


def _serves(ctx: Context, key: FeedKey) -> bool:
    """Whether entries of now are sealed with it."""
    return (key.month, key.receivers) == (_month(ctx), frozenset(each.word for each in _receivers(ctx)))


def _wrapped(ctx: Context, feed: str, key: str, month: date, secret: bytes) -> tuple[FeedKey, Draft]:
    """A key as it stands in the feed, for everybody above and this node."""
    origin, receivers = feed_origin(ctx.node.code, feed), _receivers(ctx)
    wrapped = [wrap(secret, node=each.node, key=each.key, public=each.public, feed=origin) for each in receivers]
    own = next(each for each in wrapped if each["node"] == ctx.node.code)
    words = frozenset(each.word for each in receivers)
    made = FeedKey(key=key, month=month, receivers=words, wrapped=own)
    return made, key_draft(key=key, alg=SEALING, wrapped=wrapped, at=ctx.instant)


def _secret(ctx: Context, feed: str, key: FeedKey) -> bytes:
    wrapped = Wrapped.model_validate_json(orjson.dumps(dict(key.wrapped)))
    return unwrap(ctx.keys, wrapped, feed=feed_origin(ctx.node.code, feed))


def _receivers(ctx: Context) -> list[_Receiver]:
    """The node itself and every node above, each with its newest feed key.

    One that was taken out too: it gets nothing, and when it is enrolled again it can read what came between.
    """
    mine = ctx.keys.public("feed")
    found = [_Receiver(ctx.node.code, mine.id, mine.raw)]
    for peer in ctx.followed(Directory).enrolled("above"):
        theirs = [key for key in peer.keys if key.use == "feed"]
        if theirs:
            found.append(_Receiver(peer.code, theirs[-1].id, raw(theirs[-1].public)))
    return found


def _month(ctx: Context) -> date:
    return shanghai_day(ctx.instant).replace(day=1)
