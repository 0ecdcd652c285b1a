"""A step of a history in words, and what it does."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.histories.model import Record
from tests.support.cast import Cast

Step = tuple[str, ...]


class CannotBeTakenError(Exception):
    """The step cannot be taken where it stands, as was found when it was begun; nothing was done."""


@dataclass(frozen=True, kw_only=True)
class Deed:
    """What a step does at a node, and what has to be so when it was acknowledged."""

    at: str
    call: Callable[[], Awaitable[Any]]
    record: Record | None = None
    change: str | None = None
    decides: bool = False
    then: Callable[[Any], None] = lambda _: None
    """What the model learns of an answer that came."""
    case: bool = False
    """Whether it is of several calls about a case: nobody knows how far it came if it is interrupted."""


def in_force(cast: Cast, item: str) -> bool:
    """Whether a node takes rows of the item, and shows what they say."""
    found = cast.node.host.followed.item(item, on=cast.today)
    return found is not None and found.display.general_months > 4
