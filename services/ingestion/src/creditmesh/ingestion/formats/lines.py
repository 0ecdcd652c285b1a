"""NDJSON: one object a line; empty lines are no rows."""

from collections.abc import Iterator

from creditmesh.schemas.files import MARK, lines_of


def read(body: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines with their numbers, unread: whether one is a JSON object is the validator's to say."""
    for number, start, stop in lines_of(body, len(MARK) if body.startswith(MARK) else 0):
        line = body[start:stop].strip()
        if line:
            yield number, line
