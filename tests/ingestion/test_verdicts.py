"""The rule of verdicts alone: sending any of history again changes nothing."""

from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from creditmesh.ingestion.verdicts import Known, decide

CONTENT = st.binary(min_size=1, max_size=1)


def sent(contents: list[bytes], *, history: list[Known], submission: UUID) -> list[str]:
    """Send contents of one record, as the register does."""
    verdicts = []
    for content in contents:
        decision = decide(history, {content}, submission=submission, party="one")
        verdicts.append(decision.verdict if decision.reason is None else decision.reason)
        if decision.reason is None:
            record = history[0].record if history else uuid4()
            history.append(Known(record, len(history) + 1, content, "published", None, submission, "one"))
    return verdicts


def test_new_then_changed_then_stale():
    history: list[Known] = []
    assert sent([b"a", b"b", b"a", b"b"], history=history, submission=uuid4()) == [
        "accepted",
        "corrected",
        "repeated",
        "repeated",
    ]
    assert sent([b"a", b"b"], history=history, submission=uuid4()) == ["superseded", "same"]


@given(st.lists(CONTENT, min_size=1, max_size=12), st.data())
def test_sending_any_part_of_history_again_in_any_order_changes_nothing(contents: list[bytes], data: st.DataObject):
    history: list[Known] = []
    sent(contents, history=history, submission=uuid4())
    before = list(history)
    again = data.draw(st.lists(st.sampled_from(contents), max_size=20))
    assert set(sent(again, history=history, submission=uuid4())) <= {"same", "superseded"}
    assert history == before


@given(st.sampled_from(["withdrawn", "repaired"]), CONTENT, CONTENT)
def test_an_ended_record_is_closed_to_every_content(state, first: bytes, other: bytes):
    record = uuid4()
    history = [
        Known(record, 1, first, "published", None, None, "one"),
        Known(record, 2, first, state, None, None, "one"),
    ]
    for content in (first, other):
        decision = decide(history, {content}, submission=None, party="one")
        expected = ("unchanged", "record_ended") if content == first else ("refused", "record_closed")
        assert (decision.verdict, decision.reason) == expected
        anothers = decide(history, {content}, submission=None, party="two")
        assert (anothers.verdict, anothers.reason) == ("refused", "record_closed")


def test_a_record_that_was_opened_again_takes_new_content():
    record = uuid4()
    history = [
        Known(record, 1, b"a", "published", None, None, "one"),
        Known(record, 2, b"a", "withdrawn", None, None, "one"),
        Known(record, 3, b"b", "published", None, None, "one"),
    ]
    assert decide(history, {b"a"}, submission=None, party="one").reason == "superseded"
    assert decide(history, {b"c"}, submission=None, party="one").verdict == "corrected"


def test_what_another_party_says_otherwise_of_a_record_is_held_and_never_written():
    history = [Known(uuid4(), 1, b"a", "published", None, None, "one")]
    other = decide(history, {b"b"}, submission=None, party="other")
    assert (other.verdict, other.reason) == ("held", "another_partys_record")
    assert decide(history, {b"a"}, submission=None, party="other").reason == "same"


def test_content_is_recognised_by_any_of_its_fingerprints():
    history = [Known(uuid4(), 1, b"a", "published", None, None, "one")]
    assert decide(history, {b"x", b"a"}, submission=None, party="one").reason == "same"
