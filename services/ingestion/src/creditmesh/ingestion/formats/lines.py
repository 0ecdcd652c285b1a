"""NDJSON: one object a line; empty lines are no rows."""

from collections.abc import Iterator

_MARK = b"\xef\xbb\xbf"


def read(body: bytes) -> Iterator[bytes]:
    """The lines, unread: whether one is a JSON object is the validator's to say."""
    start, end = (len(_MARK) if body.startswith(_MARK) else 0), len(body)
    while start < end:
        stop = body.find(b"\n", start)
        if stop < 0:
            stop = end
        line = body[start:stop].strip()
        if line:
            yield line
        start = stop + 1
