"""A page of a feed is what its node signed, and nothing less: each check by itself."""

import pytest

from creditmesh.client.signatures import holds
from creditmesh.schemas.exchange import FeedEntry, feed_origin
from creditmesh.schemas.pages import BadPage, verify_page
from creditmesh.schemas.tlog import Checkpoint, Range
from tests.client.feed import FeedLog

LOG = FeedLog().grow(6)  # the body of the entry at 3 was erased
NOTE = LOG.note(LOG.head())
PUBLICS = [LOG.key.public_key().public_bytes_raw()]


def checked(entries: list[FeedEntry], note: str, *, origin: str = LOG.origin, before: Range | None = None) -> int:
    page = verify_page(before or Range.empty(), entries, note, origin=origin, publics=PUBLICS, verify=holds)
    return page.after.size


def refused(entries: list[FeedEntry], note: str, **more: str) -> tuple[str, int]:
    with pytest.raises(BadPage) as bad:
        checked(entries, note, **more)
    return bad.value.reason, bad.value.index


def altered(place: int, **changes: object) -> list[FeedEntry]:
    return [each.model_copy(update=changes) if each.index == place else each for each in LOG.entries]


def test_what_was_signed_is_a_page_and_so_is_one_whose_body_was_erased_with_its_salt():
    assert checked(LOG.entries, NOTE) == 6
    assert checked(altered(2, salt=None, body=None), NOTE) == 6


def test_a_checkpoint_of_another_feed_is_none_of_this_even_if_it_is_signed_under_its_name():
    other = feed_origin("city", "down")
    assert refused(LOG.entries, LOG.note(Checkpoint(other, 6, LOG.head().root), name=LOG.origin)) == ("origin", 0)
    assert refused(LOG.entries, NOTE, origin=other) == ("signature", 0)


@pytest.mark.parametrize("changes", [{"salt": None}, {"body": None}, {"body": "{}"}, {"salt": b"x" * 16}], ids=str)
def test_an_entry_of_which_half_is_gone_or_other_is_not_what_its_line_commits_to(changes: dict[str, object]):
    assert refused(altered(2, **changes), NOTE) == ("commitment", 2)


def test_an_entry_out_of_its_place_a_line_that_is_none_and_another_tree_do_not_fit():
    assert refused(LOG.entries[1:], NOTE) == ("order", 0)
    assert refused(altered(2, line="{}"), NOTE) == ("malformed", 2)
    assert refused(altered(2, line=LOG.entries[2].line + " "), NOTE) == ("root", 0)
    assert refused(LOG.entries[:4], NOTE) == ("size", 4)
