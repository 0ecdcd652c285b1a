"""How an object of a lower tier may differ from a higher tier's: each field of each model says its direction.

What a direction allows never lets more be read, shown, kept or collected, by more bodies, for longer, or with a longer
clock, than the higher tier did. `wider` is the one comparison; a field that says nothing is not compared, and a test
refuses it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

Wider = Callable[[Any, Any], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Narrower:
    """The direction of a field. `wider` gives the places, below the field, at which the newer value is wider.

    With `whole` it is given the two objects themselves: what the field means depends on others beside it.
    """

    wider: Wider
    whole: bool = False


def wider(new: BaseModel, old: BaseModel) -> Iterator[str]:
    """The places (JSON Pointers) at which the new object is wider than the old."""
    for name, info in type(new).model_fields.items():
        for direction in info.metadata:
            if isinstance(direction, Narrower):
                pair = (new, old) if direction.whole else (getattr(new, name), getattr(old, name))
                yield from (f"/{name}{place}" for place in direction.wider(*pair))


def narrows(new: BaseModel, old: BaseModel) -> bool:
    """Whether the new object allows less than the old somewhere, and more nowhere."""
    return next(wider(new, old), None) is None and next(wider(old, new), None) is not None


def where(allowed: Callable[[Any, Any], bool]) -> Narrower:
    """A direction of one value: whether the new one is allowed over the old one."""
    return Narrower(lambda new, old: iter(() if allowed(new, old) else ("",)))


def whole(allowed: Callable[[Any, Any], bool]) -> Narrower:
    """The same of the two objects that hold the field."""
    return Narrower(where(allowed).wider, whole=True)


FREE = where(lambda _new, _old: True)
"""Widens nothing, whatever it says: names, notes, what is verified."""

TOGETHER = where(lambda _new, _old: True)
"""Compared by the field that holds the object, not by itself."""

FROZEN = where(lambda new, old: new == old)

SUBSET = where(lambda new, old: _set(new) <= _set(old))
"""Members may be taken away; a single value may be taken away altogether."""

SUPERSET = where(lambda new, old: _set(new) >= _set(old))
"""Members may be added; a value may be given where there was none."""

MAX = where(lambda new, old: old is None or (new is not None and Decimal(new) <= Decimal(old)))
"""May fall; None is without limit. A switch may be turned off."""

MIN = where(lambda new, old: Decimal(new) >= Decimal(old))
"""May rise. A switch may be turned on."""

MIN_IF_ANY = where(lambda new, old: new is None or (old is not None and new >= old))
"""May rise; None is narrower than any."""

UNTIL = where(lambda new, old: old is None or (new is not None and new <= old))
"""A last day: may be earlier; None is without end."""

SINCE = where(lambda new, old: new >= old)
"""A first day: may be later."""


AS_ONE = where(lambda new, old: next(wider(new, old), None) is None)
"""An object of its own, told as one place."""

EACH_OF_ONE = where(lambda new, old: all(any(next(wider(n, o), None) is None for o in old) for n in new))
"""Every member narrows some member that was there."""


def fewer(key: str) -> Narrower:
    """Members, known by a key, may be taken away, and those that stay be narrowed."""
    return _members(key, lambda new, old: new <= old)


def more(key: str) -> Narrower:
    """Members, known by a key, may be added, and none be taken away or weakened."""
    return _members(key, lambda new, old: new >= old)


def _members(key: str, allowed: Callable[[set[Any], set[Any]], bool]) -> Narrower:
    def compared(new: tuple[Any, ...], old: tuple[Any, ...]) -> Iterator[str]:
        mine, theirs = _by(key, new), _by(key, old)
        if not allowed(set(mine), set(theirs)):
            yield ""
        for code in sorted(mine.keys() & theirs.keys()):
            if next(wider(mine[code], theirs[code]), None) is not None:
                yield f"/{code}"

    return Narrower(compared)


def _by(key: str, values: tuple[Any, ...]) -> Mapping[Any, Any]:
    return {getattr(value, key): value for value in values}


def _set(value: Any) -> set[Any]:
    if value is None:
        return set()
    return set(value) if isinstance(value, tuple) else {value}
