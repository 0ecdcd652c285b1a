"""The rules by themselves: names of tasks, due days, whom a measure reaches."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditmesh.matching import deadlines, reach
from creditmesh.matching.naming import TaskName, handle_of, task_id
from creditmesh.schemas.rules.calendar import UnknownYear
from tests.matching.catalogue import TODAY, Catalogue, a_list, matter, measure, party

RECORD = "0198f2c4-7a50-7c31-9d1e-5f0f6f0f2a11"


@given(record=st.uuids(), subject=st.uuids(), code=st.from_regex(r"[a-z][a-z0-9_.-]{1,63}", fullmatch=True))
def test_a_tasks_id_is_read_back_and_has_no_subject_in_it(record, subject, code):
    name = TaskName(record, handle_of(record, subject), code)
    assert TaskName.read(str(name)) == name
    assert len(str(name)) <= 114
    assert str(subject) not in str(name)


@pytest.mark.parametrize("text", ["", "x", RECORD, f"{RECORD}.abc.bar", f"{RECORD}.{'0' * 12}.Bar", "a.b.c"])
def test_what_is_no_tasks_id_is_said_so(text: str):
    with pytest.raises(ValueError, match="not a task"):
        TaskName.read(text)


def test_events_name_a_task_alike_whenever_it_is_computed_and_another_otherwise():
    record, subject = uuid4(), uuid4()
    known = {"record": record, "subject": subject, "measure": "bar", "party": "permits_office"}
    others = [{"record": uuid4()}, {"subject": uuid4()}, {"measure": "luxury"}, {"party": "both"}]
    assert task_id(**known) == task_id(**known)
    assert len({task_id(**(known | other)) for other in ({}, *others)}) == 5


@given(day=st.dates(date(2024, 2, 1), date(2026, 12, 31)), before=st.integers(0, 60))
def test_what_is_due_before_a_day_is_what_began_before_one(day: date, before: int):
    since = day - timedelta(days=before)
    due = deadlines.due(since)
    assert (due is not None and due < day) == (since < deadlines.due_before(day))


def test_a_year_the_calendar_does_not_know_is_not_guessed():
    assert deadlines.due(date(2050, 1, 1)) is None
    with pytest.raises(UnknownYear):
        deadlines.due_before(date(2050, 1, 1))


def test_a_measure_reaches_the_responsible_only_by_a_black_list_and_if_it_says_so():
    lists = {"black": a_list("black"), "red": a_list("red", "red")}
    found = set(reach.ways(measure("mm", "black", "red", "gone", reaches_responsible=True), lists))
    assert {(way.list, way.role) for way in found} == {
        ("black", "listed"), ("black", "responsible"), ("red", "listed"),
    }  # fmt: skip
    assert {way.role for way in reach.ways(measure("mm", "black"), lists)} == {"listed"}


def test_a_matter_and_a_measure_must_name_each_other():
    directory = Catalogue()
    for code, named in (("permit", {"bar", "luxury", "lane"}), ("narrow", set())):
        found = directory.matter(code, on=TODAY)
        assert found is not None
        assert {way.measure for way in reach.for_matter(directory, found, on=TODAY)} == named


def test_whom_a_measure_reaches_is_what_the_newest_version_says_at_once():
    directory = Catalogue()
    permit, office = directory.matter("permit", on=TODAY), directory.party("permits_office")

    def reached() -> tuple[set[str], set[str]]:
        by_matter = reach.for_matter(directory, permit, on=TODAY)
        return {way.measure for way in by_matter}, {
            way.reach.measure for way in reach.for_party(directory, office, on=TODAY)
        }

    assert reached() == ({"bar", "luxury", "lane"}, {"bar", "luxury", "lane"})
    directory.withdraw("measure", "lane")
    assert reached() == ({"bar", "luxury"}, {"bar", "luxury"})
    directory.tell("matter", matter("permit", "luxury"))
    assert reached() == ({"luxury"}, {"bar", "luxury"})
    directory.tell("party", party("permits_office", 1, "spending"))
    assert reached() == ({"luxury"}, {"luxury", "elsewhere"})
    directory.withdraw("list", "black", on=TODAY + timedelta(days=1))
    assert reached() == ({"luxury"}, {"luxury", "elsewhere"})
    assert not reach.for_matter(directory, permit, on=TODAY + timedelta(days=1))


def test_whom_a_measure_reaches_is_worked_out_once_a_version_and_day(monkeypatch: pytest.MonkeyPatch):
    directory, ways = Catalogue(), reach.ways
    permit, asked = directory.matter("permit", on=TODAY), []
    monkeypatch.setattr(reach, "ways", lambda measure, lists: asked.append(measure.code) or ways(measure, lists))
    for on in (TODAY, TODAY, TODAY + timedelta(days=1), TODAY):
        reach.for_matter(directory, permit, on=on)
    assert len(asked) == 2 * 3
