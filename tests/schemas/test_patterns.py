"""No pattern takes more time over a text than the text is long, whatever stands in it again and again."""

import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module

import pytest

from creditmesh import schemas
from tests.support.measuring import bounded

ATOMS = (
    *("a", "1", " ", "(", ")", '"', "'", ";", ",", ".", "-", "=", "x:", "x:y\n", "x:y\r\n", "\r\n", "\n", "a,1\r\n"),
    *(
        "id:1,at:08:30\r\n",
        "号",
        "第1",
        "〔2026〕",
        "其他-",
        "一",
        "某",
        "*",
        "#",
        "元",
        "2026-",
        "TABLE\r\n0,1\r\n",
        "ID;P\r\n",
    ),
)
LENGTH = 400
"""An exponential pattern would not end, a cubic one takes seconds."""


@cache
def patterns() -> tuple[tuple[str, "re.Pattern[str] | re.Pattern[bytes]"], ...]:
    """Every compiled pattern that stands in a module, in whatever tuple or mapping it stands."""
    return tuple(_patterns())


def _patterns() -> Iterator[tuple[str, "re.Pattern[str] | re.Pattern[bytes]"]]:
    for module in pkgutil.walk_packages(schemas.__path__, "creditmesh.schemas."):
        if not module.name.endswith(".__main__"):
            for name, value in vars(import_module(module.name)).items():
                yield from ((f"{module.name}.{name}", each) for each in _within(value))


def _within(value: object, depth: int = 3) -> Iterator["re.Pattern[str] | re.Pattern[bytes]"]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth and isinstance(value, dict):
        for each in (*value, *value.values()):
            yield from _within(each, depth - 1)
    elif depth and isinstance(value, tuple | list | set | frozenset):
        for each in value:
            yield from _within(each, depth - 1)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("atom", ATOMS)
def test_no_pattern_takes_longer_the_more_often_something_stands_in_a_text(atom: str):
    assert len(patterns()) > 60
    text = (atom * LENGTH)[:LENGTH]
    for name, pattern in patterns():
        given = text.encode() if isinstance(pattern.pattern, bytes) else text
        for asked in (pattern.search, pattern.match, pattern.fullmatch):
            try:
                bounded(0.5, lambda: asked(given))  # noqa: B023 - called at once
            except AssertionError as slow:
                slow.add_note(f"{name} over {atom!r}")
                raise
