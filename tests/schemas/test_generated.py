"""The committed JSON Schemas are what the models say."""

import json
from pathlib import Path

import jsonschema
import pytest

from creditmesh.schemas.asyncapi import STREAMS, asyncapi
from creditmesh.schemas.events import EVENTS
from creditmesh.schemas.generate import FOLDER, documents, write
from tests.contracts.test_frozen_events import SAMPLES, sample

DOCUMENTS = documents()
NEWEST = [path for path in SAMPLES if f"events/{path.name}" in DOCUMENTS]
"""The schema of an older version is not made any more: its bodies are read, and never written."""
REMEDY = "run `python -m creditmesh.schemas.generate` and commit schemas/json"


def test_the_committed_schemas_are_what_the_models_say(tmp_path: Path):
    (tmp_path / "left.json").write_text("{}")
    write(tmp_path)
    generated = {path.relative_to(tmp_path): path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.json")}
    committed = {path.relative_to(FOLDER): path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.json")}
    assert committed == generated, REMEDY
    assert Path("left.json") not in generated


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_document_is_a_json_schema(name: str):
    if name != "asyncapi.json":
        jsonschema.Draft202012Validator.check_schema(DOCUMENTS[name])


@pytest.mark.parametrize("path", NEWEST, ids=lambda path: path.stem)
def test_the_frozen_events_fit_their_schemas(path: Path):
    frozen = sample(path)
    jsonschema.validate(frozen["data"], DOCUMENTS[f"events/{path.name}"])
    jsonschema.validate(frozen, DOCUMENTS["envelope.json"])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({}, DOCUMENTS[f"events/{path.name}"])


def test_every_event_type_has_a_frozen_sample_of_the_version_that_is_written():
    assert {path.name for path in NEWEST} == {f"{event.type}.v{event.version}.json" for event in EVENTS}


def references(found: object) -> set[str]:
    if isinstance(found, dict):
        own = {found["$ref"]} if isinstance(found.get("$ref"), str) else set()
        return own.union(*map(references, found.values()))
    return set().union(*map(references, found)) if isinstance(found, list) else set()


def resolve(document: object, reference: str) -> object:
    for step in reference.removeprefix("#/").split("/"):
        assert isinstance(document, dict)
        document = document[step]
    return document


def test_the_asyncapi_document_refers_only_to_what_it_contains():
    document = json.loads(json.dumps(asyncapi()))
    assert all(resolve(document, reference) is not None for reference in references(document))
    assert set(document["components"]["messages"]) == {event.type for event in EVENTS}


def test_topics_keep_the_nodes_code_open_until_it_is_given():
    assert asyncapi()["channels"]["ingestion"]["address"] == "{node}.ingestion"
    assert set(asyncapi()["channels"]["ingestion"]["parameters"]) == {"node"}
    assert asyncapi("city")["channels"]["ingestion"]["address"] == "city.ingestion"
    assert "parameters" not in asyncapi("city")["channels"]["ingestion"]


def test_the_streams_carry_every_event_type():
    assert {event for emitted in STREAMS.values() for event in emitted} == set(EVENTS)
