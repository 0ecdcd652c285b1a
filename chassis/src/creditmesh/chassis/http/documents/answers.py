"""What a sandbox node answered to its reading routes, with one entry of each list. A test writes and compares it."""

from functools import cache
from importlib.resources import files
from typing import Any

import orjson

FILE = "answers.json"


def answer_of(operation: str) -> Any:
    """The example of what an operation answers, None where none is kept."""
    return _answers().get(operation)


@cache
def _answers() -> dict[str, Any]:
    kept: dict[str, Any] = orjson.loads(files(__package__).joinpath(FILE).read_bytes())
    return kept
