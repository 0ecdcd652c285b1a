"""Reading an event's body: what a newer version says must be told apart from what nobody can read."""

from collections.abc import Callable
from typing import TypeVar

from pydantic import ValidationError

from creditmesh.schemas.events.base import Event

E = TypeVar("E", bound=Event)
_CLOSED = frozenset({"literal_error", "enum"})


class UnknownWord(Exception):
    """The event is sound, and says something that this version has no word for: a newer one reads it.

    `member` is where the word stands (empty: the event's version itself); the word is not told, it may be personal.
    """

    def __init__(self, event: str, member: str = "") -> None:
        super().__init__(f"{event}: this version does not know what {member or 'its version'} says")
        self.event = event
        self.member = member


def read_event(cls: type[E], data: bytes, *, version: int, parse: Callable[[bytes], E] | None = None) -> E:
    """The body of an event of that version as its model; members that are not known are ignored.

    UnknownWord if a newer version is needed to read it, ValidationError if none could. `parse` reads the
    model's JSON as the model itself does.
    """
    if version > cls.version:
        raise UnknownWord(cls.type)
    try:
        return (parse or cls.model_validate_json)(data)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False)
        if all(each["type"] in _CLOSED and isinstance(each["input"], str) for each in found):
            raise UnknownWord(cls.type, "/".join(map(str, found[0]["loc"]))) from None
        raise
