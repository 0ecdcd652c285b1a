"""Statements as the driver takes them: SQLAlchemy writes and compiles each once, with its values by name.

A statement is a constant of its module: a text with `:name` where a value goes, or one that SQLAlchemy composed with
`bindparam`. Types that PostgreSQL cannot infer are written as casts (`cast(:ids as uuid[])`).
"""

from functools import cache
from typing import NamedTuple

from sqlalchemy import Executable, text
from sqlalchemy.dialects.postgresql.asyncpg import dialect

Statement = str | Executable


class Compiled(NamedTuple):
    """The driver's form of a statement: `$1`, `$2`, ... in the order of `names`."""

    sql: str
    names: tuple[str, ...]


@cache
def compiled(statement: Statement) -> Compiled:
    """The statement's compiled form, made once; TypeError if a value stands in it, which would make it no constant."""
    executable = text(statement) if isinstance(statement, str) else statement
    made = executable.compile(dialect=dialect())  # type: ignore[attr-defined,no-untyped-call] # SQLAlchemy's
    names = tuple(made.positiontup or ())
    if own := [name for name in names if made.binds[name].value is not None]:
        raise TypeError(f"values belong beside a statement and not into it: {', '.join(own)} in {made}")
    return Compiled(str(made), names)
