"""The key that seals a feed's personal fields: made at the first entry, monthly, and when who may read changes.

It stands in the feed itself, before the first entry it seals, wrapped to every node above and to this one.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import orjson

from creditmesh.chassis.context import Context
from creditmesh.chassis.vault.feeds import SEALING, FeedCipher, raw, unwrap, wrap
from creditmesh.exchange.entries import key_draft
from creditmesh.exchange.operations.feeds import append
from creditmesh.exchange.store import feeds
from creditmesh.exchange.store.feeds import FeedKey
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.exchange import Wrapped, feed_origin
from creditmesh.schemas.rules.calendar import shanghai_day

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
    session, month, receivers = await ctx.session(), _month(ctx), _receivers(ctx)
    wanted = frozenset(each.word for each in receivers)
    newest = await feeds.newest_key(session, feed)
    if newest is None or (newest.month, newest.receivers) != (month, wanted):
        await feeds.hold(session, feed)
        newest = await feeds.newest_key(session, feed)  # another process may have been first
        if newest is None or (newest.month, newest.receivers) != (month, wanted):
            newest = await _renew(ctx, feed, month, receivers, number=1 if newest is None else newest.number + 1)
    return _opened(ctx, feed, newest)


async def _renew(ctx: Context, feed: str, month: date, receivers: Sequence[_Receiver], *, number: int) -> FeedKey:
    secret, origin = os.urandom(32), feed_origin(ctx.node.code, feed)
    key = f"{feed}-{number}-{os.urandom(4).hex()}"
    wrapped = [wrap(secret, node=r.node, key=r.key, public=r.public, feed=origin) for r in receivers]
    own = next(each for each in wrapped if each["node"] == ctx.node.code)
    made = FeedKey(number=number, key=key, month=month, receivers=frozenset(r.word for r in receivers), wrapped=own)
    await append(ctx, feed, [key_draft(key=key, alg=SEALING, wrapped=wrapped, at=ctx.instant)])
    await feeds.add_key(await ctx.session(), feed, made)
    return made


def _opened(ctx: Context, feed: str, key: FeedKey) -> FeedCipher:
    cipher = _ciphers.get(key.key)
    if cipher is None:
        wrapped = Wrapped.model_validate_json(orjson.dumps(dict(key.wrapped)))
        secret = unwrap(ctx.keys, wrapped, feed=feed_origin(ctx.node.code, feed))
        cipher = _ciphers[key.key] = FeedCipher(key.key, secret)
    return cipher


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
