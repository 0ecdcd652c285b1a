"""An event as a Kafka message: CloudEvents 1.0 in binary mode, its attributes as headers and its body as it is.

There is no Kafka key: the part is chosen by us and given explicitly. The few lines are ours because the cloudevents
library would parse and print every body once more; a test reads what we write with that library.
"""

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from creditmesh.chassis.bus.event import Delivered

Headers = list[tuple[str, bytes]]
_CONSTANT: Headers = [("content-type", b"application/json"), ("ce_specversion", b"1.0")]


def topic_of(node: str, stream: str) -> str:
    """The name of the topic that carries a stream of a node."""
    return f"{node}.{stream}"


def headers_of(event: Delivered, *, node: str) -> Headers:
    """The attributes of an event: random ids, numbers and dates, never a value that names a person."""
    attributes = {
        "id": str(event.id),
        "source": f"creditmesh/{node}/{event.stream}",
        "type": event.type,
        "time": event.at.isoformat(),
        "version": str(event.version),
        "node": node,
        "part": str(event.part),
        "number": str(event.number),
        "before": str(event.before or ""),
        "key": event.key,
        "legaldate": event.legal_date.isoformat(),
        "traceparent": event.traceparent or "",
    }
    return _CONSTANT + [(f"ce_{name}", value.encode()) for name, value in attributes.items() if value]


def event_of(headers: Iterable[tuple[str, bytes]], data: bytes | None, *, stream: str, part: int) -> Delivered:
    """The event of a message from this part of this stream's topic. ValueError if it is none of ours."""
    said = {name: value.decode() for name, value in headers}
    if data is None or said.get("ce_specversion") != "1.0" or said.get("ce_part") != str(part):
        raise ValueError("not an event of this part")
    try:
        before, traceparent = said.get("ce_before"), said.get("ce_traceparent")
        return Delivered(
            stream=stream,
            part=part,
            number=int(said["ce_number"]),
            before=None if before is None else UUID(before),
            id=UUID(said["ce_id"]),
            type=said["ce_type"],
            version=int(said["ce_version"]),
            key=said["ce_key"],
            at=datetime.fromisoformat(said["ce_time"]),
            legal_date=date.fromisoformat(said["ce_legaldate"]),
            traceparent=traceparent,
            data=data,
        )
    except KeyError as missing:
        raise ValueError(f"an event without {missing}") from missing
