"""Events that were written once must be readable for ever: one frozen sample per type and version, never edited.

A new version of an event gets a new sample beside the old ones; a sample is not changed to make a test pass.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from creditmesh.chassis.bus.event import part_of
from creditmesh.schemas.events import EVENTS, Envelope

FOLDER = Path(__file__).parent / "events"
NEWEST = {event.type: event for event in EVENTS}
SAMPLES = sorted(FOLDER.glob("*.json"))
PARTS = 12


def sample(path: Path) -> dict[str, Any]:
    frozen: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return frozen


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_every_version_of_every_event_type_has_a_frozen_sample(event):
    wanted = {f"{event.type}.v{version}.json" for version in range(1, event.version + 1)}
    assert wanted == {path.name for path in SAMPLES if path.name.startswith(f"{event.type}.v")}


def test_no_event_type_was_forgotten_or_given_up():
    assert {sample(path)["type"] for path in SAMPLES} == set(NEWEST)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_the_newest_class_reads_it_and_every_field_still_means_what_it_meant(path: Path):
    frozen = sample(path)
    envelope = Envelope.model_validate(frozen)
    assert path.stem == f"{envelope.type}.v{envelope.version}"
    assert json.loads(envelope.model_dump_json()) == frozen
    read = NEWEST[envelope.type].model_validate_json(json.dumps(envelope.data))
    again = json.loads(read.model_dump_json())
    if envelope.version == NEWEST[envelope.type].version:
        assert {name: again.get(name) for name in envelope.data} == envelope.data
    else:  # an older shape is read as the newest: nothing of it is lost on the way
        assert NEWEST[envelope.type].model_validate_json(json.dumps(again)) == read
    assert read.key == envelope.key
    assert envelope.part == part_of(read.key, PARTS)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_fields_that_a_later_version_adds_are_ignored(path: Path):
    frozen = sample(path)
    event = NEWEST[frozen["type"]]
    plain = event.model_validate_json(json.dumps(frozen["data"]))
    assert event.model_validate_json(json.dumps(frozen["data"] | {"added_later": {"x": 1}})) == plain
    assert Envelope.model_validate(frozen | {"added_later": 1}) == Envelope.model_validate(frozen)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_body_that_lacks_what_it_must_say_is_not_read(path: Path):
    frozen = sample(path)
    event = NEWEST[frozen["type"]]
    needed = [name for name, field in event.model_fields.items() if field.is_required() and name in frozen["data"]]
    for name in needed:
        with pytest.raises(ValidationError):
            event.model_validate_json(json.dumps({k: v for k, v in frozen["data"].items() if k != name}))
    assert needed
