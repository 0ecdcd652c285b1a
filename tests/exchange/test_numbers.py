"""What goes into `up` of a record is told from all that the feed says of it: whether it has ended, above all."""

from uuid import UUID, uuid4

import orjson
import pytest

from creditmesh.exchange.entries import Draft
from creditmesh.exchange.operations.numbers import Given, RecordStory
from creditmesh.exchange.store.set_aside import Said
from creditmesh.schemas.exchange import EntryLine

RECORD = uuid4()
Revision = tuple[int, str]
LATER = "2026-03-01T00:00:00Z"


def line_of(rev: int, change: str, at: str, *, record: UUID = RECORD) -> str:
    line = {"v": 1, "type": "record", "at": at, "commitment": "0" * 64, "record": str(record), "rev": rev}
    said = "withheld" if change == "waits" else change  # what waits is withheld, for a reason that its body has
    return orjson.dumps(line | {"change": said, "origin": "city"}).decode()


def draft_of(rev: int, change: str, *, at: str = LATER, record: UUID = RECORD) -> Draft:
    body = orjson.dumps({"revision": str(uuid4())}).decode()
    line = line_of(rev, change, at, record=record)
    return Draft(line=line, salt=b"1", body=body, record=record, rev=rev, change=change, item="item", party="party")


def story_of(*said: Revision) -> RecordStory:
    """A record of this node of which the feed says these, one a day."""
    lines = [line_of(rev, change, f"2026-01-{day:02}T00:00:00Z") for day, (rev, change) in enumerate(said, start=1)]
    whole = [Said(RECORD, rev, n, change, lines[n]) for n, (rev, change) in enumerate(said)]
    return RecordStory(is_own=True, said=whole)


def takes(story: RecordStory, *drafts: Draft, again: bool = False) -> list[bool]:
    given = [Given(each, again=again) for each in drafts]
    return [story.takes(each, EntryLine.model_validate_json(each.draft.line)) for each in given]


def listed(story: RecordStory) -> list[Revision]:
    return [(each.rev or 0, each.change or "") for each in story.listed]


def test_content_right_above_an_end_goes_up_by_what_opens_it_and_by_nothing_else():
    """Whatever was seen before of what was decided without knowing of the end: nothing is remembered of it."""
    ended = (1, "accepted"), (2, "withdrawn")
    for rev in (2, 3, 4):
        story = story_of(*ended)
        assert takes(story, draft_of(rev, "corrected")) == [False]
        assert (listed(story), story.outnumbered) == ([(2, "withdrawn")], [])
    assert takes(story_of(*ended), draft_of(3, "reopened"), draft_of(4, "corrected")) == [True, True]
    assert takes(story_of(*ended), draft_of(3, "withheld"), draft_of(4, "corrected")) == [True, True]


@pytest.mark.parametrize("behind", ["discharged", "withheld", "waits"])
def test_what_comes_behind_an_end_beside_it_does_not_open_the_record(behind: str):
    ended = (1, "accepted"), (2, "withdrawn"), (3, behind)
    story = story_of(*ended)
    assert takes(story, draft_of(2, "corrected"), draft_of(3, "corrected"), draft_of(4, "corrected")) == [False] * 3
    assert (set(listed(story)), story.outnumbered) == ({(2, "withdrawn")}, [])
    story = story_of(*ended)
    assert takes(story, draft_of(3, "corrected")) == [False]
    assert (listed(story), story.outnumbered) == ([(2, "withdrawn")], [])
    story = story_of(*ended)
    assert takes(story, draft_of(2, "repaired")) == [False]
    assert [each.above for each in story.outnumbered] == [3], "another end is said above"


def test_nothing_goes_above_an_erasure():
    for change in ("withdrawn", "repaired", "erased", "corrected", "reopened"):
        for rev in (2, 3):
            story = story_of((1, "accepted"), (2, "erased"))
            assert takes(story, draft_of(rev, change)) == [False]
            assert story.outnumbered == []
    story = story_of((1, "accepted"), (2, "erased"), (3, "withheld"))
    assert takes(story, draft_of(4, "corrected")) == [False]
    assert listed(story) == [(2, "erased")]


def test_a_record_that_was_opened_again_goes_on():
    story = story_of((1, "accepted"), (2, "withdrawn"), (3, "reopened"))
    assert takes(story, draft_of(3, "corrected"), draft_of(4, "corrected")) == [False, True]
    assert ([each.above for each in story.outnumbered], listed(story)) == ([3], [])


def test_what_is_shared_without_its_content_is_a_decision_all_the_same():
    story = story_of((1, "accepted"), (2, "corrected"))
    withheld, corrected = draft_of(2, "withheld"), draft_of(2, "corrected")
    assert takes(story, withheld, corrected) == [False, False]
    asked = [str(each.revision) for each in story.outnumbered]
    assert asked == [orjson.loads(each.body or "")["revision"] for each in (withheld, corrected)]
    assert ([each.above for each in story.outnumbered], listed(story)) == ([2, 2], [])


def test_content_takes_the_place_of_what_stands_for_it_once():
    story = story_of((1, "accepted"), (2, "withheld"))
    content = draft_of(2, "corrected")
    assert takes(story, content, content) == [True, False]


def test_what_was_set_aside_is_replaced_by_what_was_decided_after_it_wherever_that_stands():
    """The first history may be longer than any reader said when it was cut."""
    first = (1, "accepted"), *((rev, "corrected") for rev in range(2, 20))
    story = story_of(*first)
    assert takes(story, draft_of(2, "withdrawn"), again=True) == [False]
    assert [each.above for each in story.outnumbered] == [19], "what was decided last is said above all of it"
    story = story_of(*first)
    assert takes(story, draft_of(2, "withdrawn", at="2026-01-10T12:00:00Z"), again=True) == [False]
    assert story.outnumbered == [], "it was decided again since"
