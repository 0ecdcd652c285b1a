"""An event with a word of a newer version is told apart from one that nobody can read, and its value is never told."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel, ValidationError

from creditmesh.schemas.events import EVENTS, Event, UnknownWord, read_event
from tests.contracts.test_frozen_events import FOLDER, sample

WORD = "a_word_of_tomorrow"


def newest(event: type[Event]) -> dict[str, Any]:
    found: dict[str, Any] = sample(Path(FOLDER) / f"{event.type}.v{event.version}.json")["data"]
    return found


def closed(annotation: Any) -> bool:
    """Whether only certain words are taken."""
    return get_origin(annotation) is Literal or any(map(closed, get_args(annotation)))


def words() -> Iterator[tuple[type[Event], str]]:
    for event in EVENTS:
        for name, field in event.model_fields.items():
            nested = [
                each for each in get_args(field.annotation) if isinstance(each, type) and issubclass(each, BaseModel)
            ]
            if closed(field.annotation) and not nested:
                yield event, name


@pytest.mark.parametrize(("event", "name"), list(words()), ids=lambda each: getattr(each, "type", each))
def test_a_word_that_this_version_does_not_know_is_named_by_its_place_and_not_by_itself(event: type[Event], name: str):
    data = json.dumps(newest(event) | {name: WORD}).encode()
    with pytest.raises(UnknownWord) as unknown:
        read_event(event, data, version=event.version)
    assert (unknown.value.event, unknown.value.member.split("/")[0]) == (event.type, name)
    assert WORD not in str(unknown.value)
    assert unknown.value.__cause__ is None


@pytest.mark.parametrize("event", EVENTS, ids=lambda each: each.type)
def test_what_is_sound_is_read_and_members_that_are_not_known_are_ignored(event: type[Event]):
    data = newest(event)
    plain = read_event(event, json.dumps(data).encode(), version=event.version)
    assert read_event(event, json.dumps(data | {"added_later": {"x": 1}}).encode(), version=1) == plain


@pytest.mark.parametrize("event", EVENTS, ids=lambda each: each.type)
def test_a_version_above_its_own_waits_for_a_newer_reader_even_if_it_could_be_read(event: type[Event]):
    with pytest.raises(UnknownWord) as unknown:
        read_event(event, json.dumps(newest(event)).encode(), version=event.version + 1)
    assert (unknown.value.event, unknown.value.member) == (event.type, "")


@pytest.mark.parametrize(("event", "name"), list(words()), ids=lambda each: getattr(each, "type", each))
def test_an_event_that_is_broken_too_is_broken(event: type[Event], name: str):
    data = newest(event)
    needed = next(each for each, field in event.model_fields.items() if field.is_required() and each != name)
    less = {each: value for each, value in data.items() if each != needed}
    for broken in (less | {name: WORD}, data | {name: 17}, data | {name: [WORD]}, less):
        with pytest.raises(ValidationError):
            read_event(event, json.dumps(broken).encode(), version=event.version)
    with pytest.raises(ValidationError):
        read_event(event, b"{", version=event.version)
