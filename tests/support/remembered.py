"""What functions remember of the values they were asked, known from when each was made, so that it can be forgotten.

Imported before anything of ours. The garbage collector knows them too, but not those that a test session has frozen,
and finding the others means looking at every object of the process.
"""

import functools
from typing import Any
from weakref import WeakSet

_lru_cache = functools.lru_cache
_wrapper = functools._lru_cache_wrapper
_made: WeakSet[Any] = WeakSet()


def _known(function: Any) -> Any:
    if isinstance(function, _wrapper):
        _made.add(function)
    return function


def _noted(*given: Any, **named: Any) -> Any:
    """As `functools.lru_cache`, with or without its brackets."""
    found = _lru_cache(*given, **named)
    return _known(found) if isinstance(found, _wrapper) else lambda function: _known(found(function))


functools.lru_cache = _noted


def forget() -> None:
    """Empty what our own functions keep of the newest values; what is kept without a bound is made once."""
    for each in _made:
        if (each.__module__ or "").startswith("creditmesh.") and each.cache_parameters()["maxsize"] is not None:
            each.cache_clear()
