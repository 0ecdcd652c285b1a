"""How every program writes to standard output: to people in the code page they have, to programs in UTF-8."""

import sys
from io import TextIOWrapper
from typing import IO


def to_any_code_page() -> None:
    """What a terminal or a pipe cannot write, in the encoding it has, is written as `?`, and nothing ends for it.

    The first thing that each program does: what it prints is often said after the work was done.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def write_document(text: str, stream: IO[str]) -> None:
    """A text that another program reads, as a line of its own: in UTF-8 where nobody looks, whatever the code page."""
    line = f"{text}\n"
    if isinstance(stream, TextIOWrapper) and not stream.isatty():
        stream.flush()
        stream.buffer.write(line.encode("utf-8", "replace"))
    else:
        stream.write(line)
    stream.flush()
