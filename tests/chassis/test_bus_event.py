"""A body that several consumers read: parsed once, and forgotten by its bytes."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import ClassVar
from uuid import uuid4

import pytest
from pydantic import ValidationError

from creditmesh.chassis.bus.event import Delivered, Parsed, remember
from creditmesh.schemas.events.base import Event


class Said(Event):
    type: ClassVar[str] = "said"
    word: str

    @property
    def key(self) -> str:
        return self.word


class SaidAgain(Said):
    """Another reading of the same body."""


def bodies(count: int, *, size: int = 100) -> Sequence[bytes]:
    return [Said(word=f"{n:0{size}d}").model_dump_json().encode() for n in range(count)]


def delivered(data: bytes) -> Delivered:
    return Delivered(
        stream="s", part=0, number=1, before=None, id=uuid4(), type="said", version=1, key="k",
        at=datetime.now(UTC), legal_date=date(2026, 1, 1), traceparent=None, data=data,
    )  # fmt: skip


def test_consumers_that_read_the_same_event_each_by_itself_share_its_model():
    (body,) = bodies(1)
    first = delivered(body).read(Said)
    assert delivered(bytes(bytearray(body))).read(Said) is first
    other = delivered(body).read(SaidAgain)
    assert (type(other), other.word) == (SaidAgain, first.word)


def test_what_this_process_wrote_is_not_parsed_by_its_consumers():
    written = Said(word="written")
    body = written.model_dump_json().encode()
    remember(written, body)
    remember(Said(word="written"), body)
    assert delivered(bytes(bytearray(body))).read(Said) is written


def test_what_is_kept_is_bounded_by_bytes_and_the_oldest_goes_first():
    parsed, given = Parsed(10_000), bodies(500)
    kept = [parsed.read(Said, body, 1) for body in given]
    assert sum(len(data) for _, data in parsed._kept) == parsed._bytes <= 10_000
    assert parsed.read(Said, given[-1], 1) is kept[-1]
    assert parsed.read(Said, given[0], 1) is not kept[0]


def test_consumers_that_are_a_file_apart_share_what_was_parsed():
    given = bodies(6000, size=1200)
    ahead = [delivered(body).read(Said) for body in given]
    assert all(delivered(body).read(Said) is event for body, event in zip(given, ahead, strict=True))


def test_a_body_larger_than_all_is_read_and_not_kept():
    parsed = Parsed(1000)
    (large,) = bodies(1, size=5000)
    assert len(parsed.read(Said, large, 1).word) == 5000
    assert (parsed._kept, parsed._bytes) == ({}, 0)


def test_what_cannot_be_read_leaves_nothing():
    parsed = Parsed(1000)
    with pytest.raises(ValidationError):
        parsed.read(Said, b'{"word": 1}', 1)
    assert (parsed._kept, parsed._bytes) == ({}, 0)
