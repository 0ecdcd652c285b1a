"""The AsyncAPI document of a node's streams: which topic carries which event types, and what their bodies look like."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic.json_schema import models_json_schema

from creditmesh.schemas.events import (
    AccessReceived,
    AccessRecorded,
    AccessToPass,
    CaseChanged,
    CatalogueChanged,
    ChainChanged,
    ClockChanged,
    CopiesDisclosed,
    DisclosedToBureau,
    EntriesJudged,
    Event,
    HolderChanged,
    PageReceived,
    RecordChanged,
    RecordPurged,
    RevisionOutnumbered,
    TaskChanged,
)

STREAMS: Mapping[str, Sequence[type[Event]]] = {
    "catalogue": (CatalogueChanged, ClockChanged, EntriesJudged),
    "exchange": (AccessReceived, ChainChanged, HolderChanged, PageReceived, RevisionOutnumbered),
    "ingestion": (AccessRecorded, AccessToPass, EntriesJudged, RecordChanged, RecordPurged),
    "matching": (AccessRecorded, CopiesDisclosed, TaskChanged),
    "query": (AccessRecorded, CopiesDisclosed, DisclosedToBureau),
    "repair": (AccessRecorded, CaseChanged),
}
"""The services of a node that emit events, and the types each emits."""

_TEXT = {"type": "string"}
_UUID = {"type": "string", "format": "uuid"}
_INTEGER = {"type": "string", "pattern": "^[0-9]+$"}
_HEADERS: dict[str, Any] = {
    "content-type": {"const": "application/json"},
    "ce_specversion": {"const": "1.0"},
    "ce_id": _UUID,
    "ce_source": {"type": "string", "format": "uri-reference"},
    "ce_type": _TEXT,
    "ce_time": {"type": "string", "format": "date-time"},
    "ce_version": _INTEGER,
    "ce_node": _TEXT,
    "ce_part": _INTEGER,
    "ce_number": _INTEGER,
    "ce_before": _UUID,
    "ce_key": _TEXT,
    "ce_legaldate": {"type": "string", "format": "date"},
    "ce_traceparent": _TEXT,
}
_ENVELOPE: dict[str, Any] = {
    "type": "object",
    "description": "CloudEvents 1.0 in binary mode, all values as UTF-8 text; the Kafka key is absent. `ce_number` is "
    "dense in (topic, part); `ce_before` is the id of the event before it there, absent at the first.",
    "properties": _HEADERS,
    "required": [name for name in _HEADERS if name not in {"ce_before", "ce_traceparent"}],
}


def asyncapi(node: str | None = None, streams: Mapping[str, Sequence[type[Event]]] = STREAMS) -> dict[str, Any]:
    """The AsyncAPI 3.0 document; without a node's code the topics' names keep it as a parameter."""
    events = sorted({event for emitted in streams.values() for event in emitted}, key=lambda event: event.type)
    _, shapes = models_json_schema(
        [(event, "validation") for event in events], ref_template="#/components/schemas/{model}"
    )
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Creditmesh streams",
            "version": "1",
            "description": "Topics are inside a node's trust boundary; parties outside pull feeds. Readers ignore "
            "fields they do not know. 主题仅限节点内部使用；读取方忽略未知字段。",
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(name, emitted, node) for name, emitted in streams.items()},
        "operations": {
            f"read_{name}": {"action": "receive", "channel": {"$ref": f"#/channels/{name}"}} for name in streams
        },
        "components": {
            "messages": {event.type: _message(event) for event in events},
            "messageTraits": {"envelope": {"headers": _ENVELOPE}},
            "schemas": shapes["$defs"],
        },
    }


def _channel(name: str, emitted: Sequence[type[Event]], node: str | None) -> dict[str, Any]:
    channel: dict[str, Any] = {
        "address": f"{node or '{node}'}.{name}",
        "messages": {event.type: {"$ref": f"#/components/messages/{event.type}"} for event in emitted},
    }
    return channel if node else channel | {"parameters": {"node": {"description": "The node's code, such as `city`."}}}


def _message(event: type[Event]) -> dict[str, Any]:
    return {
        "name": event.type,
        "title": f"{event.type}, version {event.version}",
        "summary": (event.__doc__ or "").strip(),
        "traits": [{"$ref": "#/components/messageTraits/envelope"}],
        "payload": {"$ref": f"#/components/schemas/{event.__name__}"},
    }
