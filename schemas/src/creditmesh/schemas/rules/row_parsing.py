"""How a row of JSON is taken apart, before what it says is read: its names, and what a parser is not given."""

import re
from collections.abc import Iterable
from typing import Annotated, Any, NotRequired

from pydantic import AliasChoices, ConfigDict, Field, StringConstraints
from typing_extensions import TypedDict

from creditmesh.schemas.rules.columns import Column

MOST_MARKS = 1000
"""Names (quotes with a colon behind them), braces and brackets of a row that is parsed: each costs a parser much."""
_NAME_ENDS = re.compile(rb'"[ \t\r\n]*:')


def has_each_name_once(line: bytes, names: int) -> bool:
    """Whether no name of a flat object stands twice; the parser keeps the last. No only sends to the exact way."""
    return line.count(b":") == names or len(_NAME_ENDS.findall(line)) == names


def is_crowded(line: bytes) -> bool:
    """Whether it has more than `MOST_MARKS`."""
    nested, names = line.count(b"{") + line.count(b"["), line.count(b":")
    return nested + names > MOST_MARKS and nested + len(_NAME_ENDS.findall(line)) > MOST_MARKS


class Pairs(list[tuple[str, object]]):
    """The members of a JSON object as they stand, repeated names included."""


def row_type(columns: Iterable[Column]) -> Any:
    """A row with these columns under any of their names, for the compiled parser: texts of bounded length."""
    annotations: dict[str, Any] = {}
    for col in columns:
        spec, limit = col.spec, col.most
        names = Field(validation_alias=AliasChoices(*spec.names))
        if spec.required:
            annotations[spec.code] = Annotated[str, StringConstraints(max_length=limit, min_length=1), names]
        else:
            text = Annotated[str, StringConstraints(max_length=limit)]
            annotations[spec.code] = NotRequired[Annotated[text | None, names]]
    make: Any = TypedDict
    row_type = make("Row", annotations)
    row_type.__pydantic_config__ = ConfigDict(
        extra="forbid", strict=True, str_strip_whitespace=True, hide_input_in_errors=True
    )
    return row_type
