"""The lines of a file: where they end, whichever of the three line ends it was written with; how much may be sent."""

import re
from collections.abc import Iterator

from creditmesh.schemas.files.encoding import Octets

LINE_BYTES = 512 * 1024
"""Twice what a row may have: a longer line is none, and is not read."""
MOST_ROWS = 200_000
FILE_BYTES = 64 * 1024 * 1024
MOST_LINE_ENDS = 1_000_000
"""What one submission may have, unpacked. Line ends: empty lines are no rows, and texts in cells may have some."""
_FIRST_END = re.compile(rb'(?:[^"\r\n]++|"[^"]*+")*+(\r*\n|\r)')
_ANY_END = re.compile(rb"\r*\n|\r")


def ending_of(body: Octets, start: int = 0) -> bytes:
    r"""What ends a line, by the first end outside quotes: `\n` with or without `\r` before it, or `\r` alone."""
    stop = start + LINE_BYTES
    found = _FIRST_END.match(body, start, stop) or _ANY_END.search(body, start, stop)
    return b"\r" if found is not None and found[0].endswith(b"\r") else b"\n"


def lines_of(body: Octets, start: int = 0) -> Iterator[tuple[int, int, int]]:
    """The number of each line, from 1, and from where to where it stands, its end included."""
    ending, number, size = ending_of(body, start), 0, len(body)
    while start < size:
        stop = body.find(ending, start) + 1 or size
        number += 1
        yield number, start, stop
        start = stop
