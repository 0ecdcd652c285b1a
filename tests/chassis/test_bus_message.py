"""What an event looks like on a topic."""

import json
from datetime import UTC, date, datetime
from uuid import uuid4

import jsonschema
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat

from creditmesh.chassis.bus.event import Delivered
from creditmesh.chassis.bus.kafka.message import event_of, headers_of, topic_of
from creditmesh.schemas.asyncapi import asyncapi

FIRST = Delivered(
    stream="ingestion",
    part=3,
    number=1,
    before=None,
    id=uuid4(),
    type="record.changed",
    version=2,
    key=str(uuid4()),
    at=datetime(2026, 2, 28, 23, 59, 59, 123456, tzinfo=UTC),
    legal_date=date(2026, 3, 1),
    traceparent=None,
    data=b'{"kind": "\xe7\xbd\x9a"}',
)
LATER = Delivered(
    **{name: getattr(FIRST, name) for name in ("stream", "part", "type", "version", "key", "at", "legal_date", "data")},
    number=2**40,
    before=FIRST.id,
    id=uuid4(),
    traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)


@pytest.mark.parametrize("event", [FIRST, LATER])
def test_an_event_is_read_as_it_was_written(event: Delivered):
    headers = headers_of(event, node="city")
    assert event_of(headers, event.data, stream="ingestion", part=3) == event


@pytest.mark.parametrize("event", [FIRST, LATER])
def test_any_reader_of_cloudevents_understands_it(event: Delivered):
    message = KafkaMessage(headers=dict(headers_of(event, node="city")), key=None, value=event.data)
    read = from_binary(message, JSONFormat())
    assert (read.get_id(), read.get_type(), read.get_specversion()) == (str(event.id), "record.changed", "1.0")
    assert (read.get_source(), read.get_time()) == ("creditmesh/city/ingestion", event.at)
    assert (read.get_extension("number"), read.get_extension("legaldate")) == (str(event.number), "2026-03-01")
    assert read.get_data() == json.loads(event.data)


@pytest.mark.parametrize("event", [FIRST, LATER])
def test_the_headers_are_those_that_the_asyncapi_document_describes(event: Delivered):
    described = asyncapi()["components"]["messageTraits"]["envelope"]["headers"]
    said = {name: value.decode() for name, value in headers_of(event, node="city")}
    jsonschema.validate(said, described, format_checker=jsonschema.FormatChecker())
    assert set(said) <= set(described["properties"])


@pytest.mark.parametrize("broken", ["ce_id", "ce_number", "ce_type", "ce_key", "ce_time", "ce_part", "ce_specversion"])
def test_a_message_that_lacks_something_is_none_of_ours(broken: str):
    headers = [(name, value) for name, value in headers_of(LATER, node="city") if name != broken]
    with pytest.raises(ValueError, match="event"):
        event_of(headers, LATER.data, stream="ingestion", part=3)


@pytest.mark.parametrize(
    ("name", "value"), [("ce_id", b"?"), ("ce_number", b"one"), ("ce_part", b"4"), ("ce_time", b"now"), ("x", b"\xff")]
)
def test_a_message_that_says_something_else_is_none_of_ours(name: str, value: bytes):
    headers = dict(headers_of(LATER, node="city")) | {name: value}
    with pytest.raises(ValueError):  # noqa: PT011 - whichever parser refuses it
        event_of(headers.items(), LATER.data, stream="ingestion", part=3)


def test_a_message_without_a_body_is_none_of_ours():
    with pytest.raises(ValueError, match="event"):
        event_of(headers_of(LATER, node="city"), None, stream="ingestion", part=3)


def test_a_topic_is_named_for_its_node_and_its_service():
    assert topic_of("city", "ingestion") == "city.ingestion"
