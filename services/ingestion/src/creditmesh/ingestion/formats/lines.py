"""NDJSON: one object a line; empty lines are no rows."""

from collections.abc import Iterator

from creditmesh.schemas.files import LINE_BYTES, MARK, lines_of
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.reasons import reason


def read(body: bytes) -> Iterator[tuple[int, bytes | FieldError]]:
    """The lines with their numbers; whether one is a JSON object is for the validator to say, unless it is too long."""
    for number, start, stop in lines_of(body, len(MARK) if body.startswith(MARK) else 0):
        if stop - start > LINE_BYTES:
            yield number, reason("row_too_large", limit=LINE_BYTES)
        elif line := body[start:stop].strip():
            yield number, line
