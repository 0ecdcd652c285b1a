"""What of an object somebody compared with the law: its parts that say so, held against those of another version.

What is confirmed is a text. It stays confirmed in whatever version says the same of it, and in one that allows less.
"""

from typing import Any

from creditmesh.schemas.catalogue.base import KEPT
from creditmesh.schemas.histories import Published


def confirms(mine: Published, theirs: Published) -> bool:
    """Whether the two differ in nothing but that more of mine is verified."""
    one, other = _content(mine), _content(theirs)
    return _all_verified(one) == _all_verified(other) and _unverified(one) < _unverified(other)


def was_confirmed(mine: Published, theirs: Published) -> bool:
    """Whether mine was verified throughout, and theirs is not."""
    return not _unverified(_content(mine)) and bool(_unverified(_content(theirs)))


def confirmed_as(mine: Published, theirs: Published) -> Published:
    """Mine, which says what theirs does or allows less, with what theirs has confirmed: itself, and each same part."""
    one, other = _content(mine), _content(theirs)
    said = _carried(one, other)
    if other.get("verified") is True:
        said["verified"] = True
    if said == one:
        return mine
    return type(mine).model_validate({**mine.model_dump(mode="json"), **said}, context=KEPT)


def _carried(mine: Any, theirs: Any) -> Any:
    if isinstance(mine, list) and isinstance(theirs, list):
        return [_carried(part, _same(part, theirs)) for part in mine]
    if not isinstance(mine, dict) or not isinstance(theirs, dict):
        return mine
    said = {name: _carried(part, theirs.get(name)) for name, part in mine.items()}
    if theirs.get("verified") is True and mine.get("verified") is False and _text(mine) == _text(theirs):
        said |= {name: theirs[name] for name in ("verified", "source") if name in theirs}
    return said


def _same(part: object, others: list[Any]) -> object:
    return next((other for other in others if _text(other) == _text(part)), None)


def _text(part: object) -> object:
    """What it says; where that was read (`source`) is no part of it."""
    said = _all_verified(part)
    return {name: each for name, each in said.items() if name != "source"} if isinstance(said, dict) else said


def _content(body: Published) -> dict[str, Any]:
    return body.model_dump(mode="json", exclude={"number"})


def _unverified(value: object, place: str = "") -> set[str]:
    """The places that say they are not verified."""
    if isinstance(value, list):
        value = dict(enumerate(value))
    if not isinstance(value, dict):
        return set()
    here = {place} if value.get("verified") is False else set()
    return here.union(*(_unverified(part, f"{place}/{name}") for name, part in value.items()))


def _all_verified(value: object) -> object:
    if isinstance(value, list):
        return [_all_verified(part) for part in value]
    if isinstance(value, dict):
        return {name: True if name == "verified" else _all_verified(part) for name, part in value.items()}
    return value
