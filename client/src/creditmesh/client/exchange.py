"""The feeds of a node: following one, and asking for its signed heads and proofs."""

from collections.abc import Iterator
from time import monotonic, sleep
from typing import NamedTuple
from urllib.parse import quote

from creditmesh.client.catalogue import Catalogue
from creditmesh.client.errors import NotUnderstood
from creditmesh.client.feeds import FeedHead, FeedPage, read_page
from creditmesh.client.http import ANSWER, Call, Wire
from creditmesh.client.listing import Listing
from creditmesh.client.retries import Retries, RetryBudget, Waiting
from creditmesh.client.signatures import raw
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.exchange import FeedEntry, FeedOut, ProofOut, feed_origin

MOST = 1000
"""Entries of a page: as many as a node puts under one checkpoint."""
_PAUSE = 1.0


class CheckedPage(NamedTuple):
    """A page that was checked, and the head after it."""

    entries: tuple[FeedEntry, ...]
    head: FeedHead


class Exchange:
    """For nodes, and for whoever was given `exchange:pull`."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def feeds(self) -> Listing[FeedOut]:
        """The node's feeds and its copies of its peers', as far as the caller may know them."""
        return self._wire.listing("/v1/exchange/feeds", Page[FeedOut])

    def start(self, feed: str) -> FeedHead:
        """The empty head of a feed, pinned to the keys that the node publishes for itself.

        Trust on first use, as good as the connection to the node: keep the head, never pin twice.
        """
        node = Catalogue(self._wire).itself()
        publics = tuple(raw(key.public) for key in node.keys if key.use == "node")
        return FeedHead(origin=feed_origin(node.code, feed), publics=publics)

    def follow(
        self,
        head: FeedHead,
        *,
        limit: int = MOST,
        wait: int = 0,
        retries: Retries | None = None,
        waiting: Waiting | None = None,
    ) -> Iterator[CheckedPage]:
        """Every page after this head, checked; Unverified at the first that does not fit.

        Ends where the node has nothing more to give; with `wait` (seconds of long polling) it never does. A node that
        gives nothing more has to show that its signed head of this size is this one: it may have another history.
        """
        feed = head.origin.rpartition("/")[2]
        while True:
            asked = monotonic()
            page = self._page(feed, head.size, limit, wait, RetryBudget(retries or self._wire.retries, waiting))
            if page is None and head.size:
                note = self._checkpoint(feed, head.size, RetryBudget(retries or self._wire.retries, waiting))
                page = FeedPage((), note)
            head = head if page is None else head.followed_by(page)
            if page is not None and page.entries:
                yield CheckedPage(page.entries, head)
            elif not wait:
                return
            elif monotonic() - asked < _PAUSE:  # the node does not wait: ask it no faster than this
                sleep(_PAUSE)

    def entries(self, feed: str, *, after: int = 0, limit: int = MOST, wait: int = 0) -> FeedPage | None:
        """One page as it came, not yet checked: the entries from index `after` on. None: there is nothing new."""
        return self._page(feed, after, limit, wait, RetryBudget(self._wire.retries))

    def checkpoint(self, feed: str, *, size: int | None = None) -> str:
        """A signed head, the newest or that of a size, as a C2SP note."""
        return self._checkpoint(feed, size, RetryBudget(self._wire.retries))

    def inclusion(self, feed: str, *, index: int, size: int) -> tuple[bytes, ...]:
        """The proof that an entry stands in the tree of this size: for `schemas.tlog.verify_inclusion`."""
        return _hashes(self._wire.get(f"{_path(feed)}/proofs/inclusion", ProofOut, index=index, size=size))

    def consistency(self, feed: str, *, old: int, new: int) -> tuple[bytes, ...]:
        """The proof that the tree of size `new` continues that of `old`: for `schemas.tlog.verify_consistency`."""
        return _hashes(self._wire.get(f"{_path(feed)}/proofs/consistency", ProofOut, **{"from": old, "to": new}))

    def _page(self, feed: str, after: int, limit: int, wait: int, patience: RetryBudget) -> FeedPage | None:
        params = {"after": str(after), "limit": str(limit)} | ({"wait": str(wait)} if wait else {})
        call = Call(method="GET", path=f"{_path(feed)}/entries", params=params, patience=ANSWER + wait)
        return read_page(self._wire.answer(call, patience).content)

    def _checkpoint(self, feed: str, size: int | None, patience: RetryBudget) -> str:
        params = {} if size is None else {"size": str(size)}
        call = Call(method="GET", path=f"{_path(feed)}/checkpoint", params=params)
        return self._wire.answer(call, patience).content.decode(errors="replace")


def _path(feed: str) -> str:
    return f"/v1/exchange/feeds/{quote(feed, safe='')}"


def _hashes(answer: ProofOut) -> tuple[bytes, ...]:
    try:
        return tuple(bytes.fromhex(each) for each in answer.proof)
    except ValueError:
        raise NotUnderstood("The proof is not made of hashes.", "证明中含有非哈希值。") from None
