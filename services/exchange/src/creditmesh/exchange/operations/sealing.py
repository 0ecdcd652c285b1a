"""The key that seals a feed's personal fields: made at the first entry, monthly, and when who may read changes.

It stands in the feed itself, before the first entry it seals, wrapped to every node above and to this one. Who is
enrolled later is given the older ones too, each once more: it reads the whole feed, as far as that has not forgotten.
"""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date

import orjson
import structlog
from pydantic import ValidationError

from creditmesh.chassis.context import Context
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.vault.feeds import SEALING, FeedCipher, raw, unwrap, wrap
from creditmesh.chassis.vault.keys import KeyMissing
from creditmesh.exchange.entries import Draft, key_draft
from creditmesh.exchange.errors import NotWrapped
from creditmesh.exchange.operations.feeds import append
from creditmesh.exchange.store import feeds, sealing_keys
from creditmesh.exchange.store.sealing_keys import FeedKey
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.exchange import KEY, EntryLine, FeedEntry, FeedKeyBody, Wrapped, feed_origin
from creditmesh.schemas.origins import passed_key
from creditmesh.schemas.rules.calendar import shanghai_day

_log = structlog.get_logger(__name__)
_ciphers: dict[str, FeedCipher] = {}
"""The opened keys of this process, by their ids, which are random; there are a dozen a year."""
_lost: set[tuple[str, str]] = set()
"""The keys (a node's, by its code) that could not be opened, and of which the log says so."""
MOST_PASSED = 1000
"""Keys of one origin's feed that are passed on: a dozen a year, and one whenever who may read it changes."""
_OWN = 2
"""Of this node's own feed keys so many: while one is renewed, of its processes some have only the older one."""


class _Opened(dict[str, tuple[int, frozenset[str]]]):
    """What a process knows of this node's feeds: up to which key of each, and by whose keys, all can be opened."""


@dataclass(frozen=True, slots=True)
class _Receiver:
    node: str
    keys: Sequence[tuple[str, bytes]]
    """The ids and public halves of its feed keys, the newest last."""
    active: bool = True

    @property
    def word(self) -> str:
        """Its newest key, as those are named that a key is wrapped to."""
        return self.words[-1]

    @property
    def words(self) -> list[str]:
        """All its keys, as words."""
        return [f"{self.node}/{key}" for key, _ in self.keys]

    def opens(self, key: FeedKey) -> bool:
        """Whether the key was ever wrapped to one of its keys."""
        return not key.receivers.isdisjoint(self.words)


async def cipher_of(ctx: Context, feed: str) -> FeedCipher:
    """The cipher of the feed's key of now; a new key is put into the feed first where one is due."""
    newest = await sealing_keys.newest(await ctx.session(), feed)
    if newest is None or not _serves(ctx, newest):
        newest = await _renewed(ctx, feed)
    cipher = _ciphers.get(newest.key)
    if cipher is None:
        cipher = _ciphers[newest.key] = FeedCipher(newest.key, _secret(ctx, feed, newest))
    return cipher


async def pass_on(ctx: Context, feed: str, origin: str, secrets: Mapping[str, bytes]) -> AbstractSet[str]:
    """Put these keys of another's feed into this one for who reads it; which of them are there then.

    Whoever comes later is given them as the feed's own ones. Of one origin there are so many and no more: what it
    seals takes no room from others. The head is held then, if there is one that is new.
    """
    session, names = await ctx.session(), {passed_key(origin, key): key for key in secrets}
    there = await sealing_keys.there(session, feed, names)
    if names.keys() - there:
        await ctx.assert_followed()
        await feeds.hold(session, feed)
        there = await sealing_keys.there(session, feed, names)
        room = MOST_PASSED - await sealing_keys.count_passed(session, feed, origin)
        new = [name for name in names if name not in there][: max(room, 0)]
        made = [FeedKey(key=name, month=_month(ctx), receivers=frozenset(), wrapped=()) for name in new]
        await _put(ctx, feed, [_wrapped(ctx, feed, key, secrets[names[key.key]], _receivers(ctx)) for key in made])
        there |= set(new)
    return {names[name] for name in there}


async def open_to_readers(ctx: Context, feed: str) -> None:
    """Put what is lacking into the feed, so that each node above can open every key of it; never a new one.

    Whoever calls has let the feed forget what it is to. Transient while this process has not followed the catalogue.
    """
    session = await ctx.session()
    if not await _lacks(ctx, session, feed):
        return
    await ctx.assert_followed()
    await feeds.hold(session, feed)
    lacking = list(_lacking(ctx, feed, await sealing_keys.every(session, feed)))
    await _put(ctx, feed, [_wrapped(ctx, feed, key, secret, [_own(ctx), *to]) for key, secret, to in lacking])


async def assert_open(ctx: Context, feed: str, node: str) -> None:
    """NotWrapped while the feed has keys that were wrapped to none of the feed keys of this node above."""
    if any(each.node == node for each in await _lacks(ctx, await ctx.alone(), feed)):
        raise NotWrapped


async def answering(ctx: Context, feed: str) -> list[str]:
    """The nodes above that are waited for before replaced content goes; none while one waits for its keys."""
    if await _lacks(ctx, await ctx.session(), feed):
        return []
    return [each.code for each in ctx.followed(Directory).enrolled("above")]


async def keep_fetched(ctx: Context, feed: str, entries: Sequence[FeedEntry]) -> None:
    """Keep the keys among entries of this node's feed that were fetched back, as far as they are wrapped to it."""
    found = [_fetched(ctx, entry) for entry in entries]
    await sealing_keys.add(await ctx.session(), feed, [key for key in found if key is not None])


def _fetched(ctx: Context, entry: FeedEntry) -> FeedKey | None:
    try:
        line = EntryLine.model_validate_json(entry.line)
        if line.type != KEY or entry.body is None:
            return None
        body = FeedKeyBody.model_validate_json(entry.body)
    except ValidationError:
        return None  # of a newer version
    own = [each.model_dump(mode="json") for each in body.wrapped if each.node == ctx.node.code]
    words = frozenset(f"{each.node}/{each.key}" for each in body.wrapped)
    month = shanghai_day(line.at).replace(day=1)
    return FeedKey(key=body.key, month=month, receivers=words, wrapped=own) if own else None


async def put_again(ctx: Context, feed: str, names: Collection[str]) -> Mapping[str, Draft]:
    """The entries of these keys once more, for who reads the feed now; without those that this node itself lost."""
    made = [_wrapped(ctx, feed, key, secret, _receivers(ctx)) for key, secret in await _opened(ctx, feed, names)]
    await sealing_keys.add(await ctx.session(), feed, [key for key, _ in made])
    return {key.key: draft for key, draft in made}


async def _opened(ctx: Context, feed: str, names: Collection[str]) -> list[tuple[FeedKey, bytes]]:
    keys = [key for key in await sealing_keys.every(await ctx.session(), feed) if key.key in names] if names else []
    return [(key, secret) for key in keys if (secret := _secret_left(ctx, feed, key)) is not None]


async def _renewed(ctx: Context, feed: str) -> FeedKey:
    """The key of now, after it was put into the feed, here or elsewhere.

    Transient while this process has not followed the catalogue: it would make one against that of a process which has.
    """
    await ctx.assert_followed()
    session = await ctx.session()
    await feeds.hold(session, feed)
    keys = await sealing_keys.own(session, feed)
    if keys and _serves(ctx, keys[-1]):  # another process was first
        return keys[-1]
    name = f"{feed}-{len(keys) + 1}-{os.urandom(4).hex()}"
    made = FeedKey(key=name, month=_month(ctx), receivers=frozenset(), wrapped=())
    [key] = await _put(ctx, feed, [_wrapped(ctx, feed, made, os.urandom(32), _receivers(ctx))])
    return key


async def _put(ctx: Context, feed: str, made: Sequence[tuple[FeedKey, Draft]]) -> list[FeedKey]:
    if made:
        await append(ctx, feed, [draft for _, draft in made])
        await sealing_keys.add(await ctx.session(), feed, [key for key, _ in made])
    return [key for key, _ in made]


async def _lacks(ctx: Context, session: Session, feed: str) -> list[_Receiver]:
    """The nodes above that can open not every key of the feed.

    Once there are none the keys are read again when there is one more, or somebody else reads them: of this node's own
    and of each origin's there is one more a month, for as long as it stands.
    """
    words = frozenset(word for each in _receivers(ctx) if each.active for word in each.words)
    mark = await sealing_keys.last(session, feed), words
    marks: _Opened = ctx.equipment.memory.setdefault(_Opened, _Opened())
    if marks.get(feed) == mark:
        return []
    lacking = [each for _, _, some in _lacking(ctx, feed, await sealing_keys.every(session, feed)) for each in some]
    if not lacking:
        marks[feed] = mark
    return lacking


def _lacking(ctx: Context, feed: str, keys: Sequence[FeedKey]) -> Iterator[tuple[FeedKey, bytes, Sequence[_Receiver]]]:
    """The keys that nodes above can open with none of theirs, and which; but for those this node itself lost."""
    above = [each for each in _receivers(ctx) if each.node != ctx.node.code and each.active]
    for key in keys:
        lacking = [each for each in above if not each.opens(key)]
        secret = _secret_left(ctx, feed, key) if lacking else None
        if secret is not None:
            yield key, secret, lacking


def _secret_left(ctx: Context, feed: str, key: FeedKey) -> bytes | None:
    """What an older key is; None where it cannot be opened any more, which the log says once."""
    try:
        return _secret(ctx, feed, key)
    except (KeyMissing, ValueError, TypeError) as error:  # lost; altered, or of no shape that a version wrote
        if (place := (ctx.node.code, key.key)) not in _lost:
            _lost.add(place)
            _log.error(
                "a feed's key cannot be wrapped to whoever came later", feed=feed, key=key.key, reason=str(error)
            )
        return None


def _serves(ctx: Context, key: FeedKey) -> bool:
    """Whether entries of now are sealed with it: everybody above has it by its newest key, and by no key that is gone.

    One of a later month, or wrapped to a newer key of this node, is as good: another process made it.
    """
    receivers, own = _receivers(ctx), f"{ctx.node.code}/"
    given = {word for word in key.receivers if not word.startswith(own)}
    return (
        key.month >= _month(ctx)
        and {each.word for each in receivers} <= key.receivers
        and given <= {word for each in receivers for word in each.words}
    )


def _wrapped(
    ctx: Context, feed: str, key: FeedKey, secret: bytes, receivers: Sequence[_Receiver]
) -> tuple[FeedKey, Draft]:
    """A key as it stands in the feed, for these."""
    origin = feed_origin(ctx.node.code, feed)
    to = [
        (each.node, name, public)
        for each in receivers
        for name, public in each.keys[-(_OWN if each.node == ctx.node.code else 1) :]
    ]
    wrapped = [wrap(secret, node=node, key=name, public=public, feed=origin) for node, name, public in to]
    own = [each for each in wrapped if each["node"] == ctx.node.code]
    made = replace(key, receivers=frozenset(f"{node}/{name}" for node, name, _ in to), wrapped=own)
    return made, key_draft(key=key.key, alg=SEALING, wrapped=wrapped, at=ctx.instant)


def _secret(ctx: Context, feed: str, key: FeedKey) -> bytes:
    """What a key is, by whichever of this node's own keys it was wrapped to; KeyMissing if this process has none."""
    missing = KeyMissing(f"No key of this process opens {key.key}.")
    for each in key.wrapped:
        wrapped = Wrapped.model_validate_json(orjson.dumps(dict(each)))
        try:
            return unwrap(ctx.keys, wrapped, feed=feed_origin(ctx.node.code, feed))
        except KeyMissing as error:
            missing = error
    raise missing


def _own(ctx: Context) -> _Receiver:
    return _Receiver(ctx.node.code, [(each.id, each.raw) for each in ctx.keys.public_halves("feed")])


def _receivers(ctx: Context) -> list[_Receiver]:
    """The node itself and every node above, each with its feed keys.

    One that was taken out too: it gets nothing, and when it is enrolled again it can read what came between.
    """
    found = [_own(ctx)]
    for peer in ctx.followed(Directory).enrolled("above"):
        theirs = [(key.id, raw(key.public)) for key in peer.keys if key.use == "feed"]
        if theirs:
            found.append(_Receiver(peer.code, theirs, active=peer.active))
    return found


def _month(ctx: Context) -> date:
    return shanghai_day(ctx.instant).replace(day=1)
