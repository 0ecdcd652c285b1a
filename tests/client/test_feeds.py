"""Following a feed from Python: the head decides what fits, and proofs come as what `schemas.tlog` verifies."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditmesh.client import NotUnderstood, Unverified
from creditmesh.client.feeds import FeedHead, read_page
from creditmesh.schemas.tlog import leaf_hash, verify_consistency, verify_inclusion
from tests.client.feed import FeedLog

LOG = FeedLog(most=9).grow(9)
PAGE = LOG.page(4, 5)


def head_of(log: FeedLog, size: int = 0) -> FeedHead:
    empty = FeedHead(origin=log.origin, publics=(log.key.public_key().public_bytes_raw(),))
    return empty.followed_by(read_page(log.page(0, size))) if size else empty


HEAD = head_of(LOG, 4)
AFTER = HEAD.followed_by(read_page(PAGE))


@given(st.integers(0, len(PAGE) - 1), st.integers(0, 7))
def test_no_bit_of_a_page_can_be_changed_so_that_something_else_fits(at: int, bit: int):
    altered = PAGE[:at] + bytes([PAGE[at] ^ 1 << bit]) + PAGE[at + 1 :]
    with suppress(Unverified):
        page = read_page(altered)
        after = HEAD.followed_by(page)
        assert (page.entries, after.range) == (read_page(PAGE).entries, AFTER.range)


@given(st.lists(st.integers(1, 5), max_size=6))
def test_however_a_feed_is_cut_into_pages_its_head_is_the_same(cuts: list[int]):
    head = head_of(LOG)
    for cut in [*cuts, *[9] * 2]:
        page = read_page(LOG.page(head.size, cut))
        head = head if page is None else head.followed_by(page)
    assert head.range == AFTER.range
    assert head.range.root() == LOG.head().root


def test_pages_are_followed_from_any_head_and_each_comes_with_the_head_after_it(remote, node):
    remote.log = log = FeedLog().grow(10)
    start = node.exchange.start("up")
    assert (start.origin, start.size) == ("creditmesh/city/up", 0)
    sizes = [(len(entries), head.size) for entries, head in node.exchange.follow(start)]
    assert sizes == [(4, 4), (4, 8), (2, 10)]
    (entries, head), *_ = node.exchange.follow(head_of(log, 4), limit=3)
    assert ([each.index for each in entries], head.size) == ([4, 5, 6], 7)


def test_a_broken_connection_and_a_busy_node_are_tried_again(remote, node):
    remote.log = FeedLog().grow(6)
    start = node.exchange.start("up")
    remote.busy = [{}, {}]
    assert [head.size for _, head in node.exchange.follow(start)] == [4, 6]


def test_heads_and_proofs_are_asked_for_and_verify(remote, node):
    remote.log = log = FeedLog().grow(7)
    assert next(node.exchange.feeds()).root == log.head().root.hex()
    head = node.exchange.start("up")
    old, new = (head.signed(node.exchange.checkpoint("up", size=size)) for size in (5, None))
    assert (old.size, new.size) == (5, 7)
    path = node.exchange.inclusion("up", index=2, size=7)
    leaf = leaf_hash(log.entries[2].line.encode())
    assert verify_inclusion(leaf=leaf, index=2, size=7, path=path, root=new.root)
    proof = node.exchange.consistency("up", old=5, new=7)
    assert verify_consistency(old=5, new=7, old_root=old.root, new_root=new.root, proof=proof)


def test_a_page_that_is_not_asked_through_follow_is_not_checked_and_says_so_by_its_type(remote, node):
    remote.log = FeedLog().grow(3)
    page = node.exchange.entries("up", after=1)
    assert [each.index for each in page.entries] == [1, 2]
    with pytest.raises(Unverified) as told:
        node.exchange.start("up").followed_by(page)
    assert (told.value.code, told.value.index) == ("order", 0)


def test_a_node_without_keys_of_its_own_cannot_be_followed(remote, node):
    remote.log = FeedLog()
    remote.log.parties = lambda: {"items": [], "next": None}
    with pytest.raises(NotUnderstood, match="keys"):
        node.exchange.start("up")
