"""Statements as the driver takes them, each rewritten once: a text with `:name` where a value goes.

A statement is a constant of its module. Types that PostgreSQL cannot infer are written as casts
(`cast(:ids as uuid[])`, or `::`), and a colon before a word that is no value with a backslash before it.
"""

import re
from functools import cache
from typing import NamedTuple

_VALUE = re.compile(r"(?<![:\w\\]):(\w+)(?![:\w])")
_COLON = re.compile(r"\\(?=:)")


class Compiled(NamedTuple):
    """The driver's form of a statement: `$1`, `$2`, ... in the order of `names`."""

    sql: str
    names: tuple[str, ...]


@cache
def compiled(statement: str) -> Compiled:
    """The statement's form for the driver, made once; a name that stands in it twice is one value."""
    places: dict[str, int] = {}
    sql = _VALUE.sub(lambda found: f"${places.setdefault(found[1], len(places) + 1)}", statement)
    return Compiled(_COLON.sub("", sql), tuple(places))
