"""The keys that seal peers' entries: kept as they were wrapped to this node, and opened where they are needed."""

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache

from pydantic import TypeAdapter

from creditmesh.chassis.context import Context
from creditmesh.chassis.vault.feeds import FeedCipher, unwrap
from creditmesh.chassis.vault.keys import KeyMissing, Keys
from creditmesh.ingestion.operations.copying.entries import PeerEntry, read_key
from creditmesh.ingestion.store import feed_keys
from creditmesh.ingestion.store.feed_keys import FeedKey, SentFor
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.exchange import Wrapped, feed_origin
from creditmesh.schemas.origins import passed_key
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason
from creditmesh.schemas.received import ReceivedEntry

_REMEMBERED = 1024
_WRAPPED = TypeAdapter(list[Wrapped])
_MOST_WRAPPED = 8
"""Of one key for this node: one for each key that its row may name."""


async def keep_keys(ctx: Context, received: Sequence[ReceivedEntry]) -> list[tuple[ReceivedEntry, FieldError]]:
    """Keep what of these keys is wrapped to this node; one that is wrapped to others only is known as such.

    Those that are refused: nobody can read them, or their feed has had more keys than any has.
    """
    refused, kept = list[tuple[ReceivedEntry, FieldError]](), dict[FeedKey, str | None]()
    places = dict[FeedKey, list[ReceivedEntry]]()
    for each in received:
        body = read_key(each.body)
        if body is None:
            refused.append((each, reason("unreadable_entry")))
        else:
            ours = [wrapped for wrapped in body.wrapped if wrapped.node == ctx.node.code]
            text = "[" + ",".join(wrapped.model_dump_json() for wrapped in ours[:_MOST_WRAPPED]) + "]" if ours else None
            place = (each.peer, each.feed, body.key)
            kept[place] = text or kept.get(place)
            places.setdefault(place, []).append(each)
    if kept:
        sent_for = _sent_for(ctx, {peer for peer, _, _ in kept})
        there = await feed_keys.keep(await ctx.session(), kept, sent_for=sent_for, at=ctx.instant)
        without_room = kept.keys() - there
        refused += [(each, reason("too_many_keys")) for place in without_room for each in places[place]]
    return refused


def _sent_for(ctx: Context, peers: Collection[str]) -> list[SentFor]:
    parties = [ctx.followed(Directory).party(peer) for peer in peers]
    return [(party.code, origin) for party in parties if party is not None for origin in set(party.sends_for)]


class FeedCiphers:
    """The ciphers of some entries, by the feed they came in and the key they name."""

    def __init__(self, keys: Keys, wrapped: Mapping[FeedKey, str | None]) -> None:
        self._keys = keys
        self._wrapped = wrapped

    @classmethod
    async def of(cls, ctx: Context, entries: Collection[PeerEntry]) -> "FeedCiphers":
        """The ciphers that these entries need."""
        needed = {key for entry in entries if entry.known_body.sealed is not None for key, _ in _keys(entry)}
        return cls(ctx.keys, await feed_keys.wrapped_of(await ctx.session(), needed))

    def unseal(self, entry: PeerEntry) -> Mapping[str, object] | FieldError:
        """The clear and the personal fields of an entry in one row, or why they cannot be read."""
        body = entry.known_body
        if body.sealed is None:
            return body.fields
        found = [(key, node, wrapped) for key, node in _keys(entry) if (wrapped := self._wrapped.get(key)) is not None]
        if not found:
            return reason("sealed_for_others")
        [((peer, feed, key), node, wrapped), *_] = found
        try:
            cipher = _cipher(self._keys, feed_origin(peer, feed), key, wrapped)
            sealed = cipher.unseal(body.sealed, place=f"{feed_origin(node, feed)}|{body.record}|{body.rev}")
            return {**body.fields, **sealed.get("subject", {}), **sealed.get("representative", {})}
        except KeyMissing:
            return reason("sealed_for_others")
        except (ValueError, TypeError, AttributeError):  # altered, moved, or not the shape it should have
            return reason("unreadable_entry")


def _keys(entry: PeerEntry) -> list[tuple[FeedKey, str]]:
    """The keys that may seal it, each with the node in whose feed it did: the origin's, the peer's."""
    sealed = entry.known_body.sealed
    if sealed is None:
        return []
    passed = [] if entry.origin == entry.peer else [(passed_key(entry.origin, sealed.key), entry.origin)]
    return [((entry.peer, entry.feed, key), node) for key, node in [*passed, (sealed.key, entry.peer)]]


@lru_cache(_REMEMBERED)
def _cipher(keys: Keys, feed: str, key: str, wrapped: str) -> FeedCipher:
    """The feed's key, with whichever of this node's keys it was wrapped to; KeyMissing if this process has none."""
    missing = KeyMissing(f"No key of this process opens {key}.")
    for each in _WRAPPED.validate_json(wrapped):
        try:
            return FeedCipher(key, unwrap(keys, each, feed=feed))
        except KeyMissing as error:
            missing = error
    raise missing
