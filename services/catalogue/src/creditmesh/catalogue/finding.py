"""What is wrong with an object of the catalogue, and where."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal, InvalidOperation
from typing import NamedTuple, Protocol, TypeVar

from creditmesh.schemas.events.catalogue import ObjectKind
from creditmesh.schemas.histories import Published

P = TypeVar("P", bound=Published)
T = TypeVar("T")


class SoundnessFinding(NamedTuple):
    """One thing that is wrong, and where in the object."""

    pointer: str
    code: str
    detail: str
    detail_zh: str


class Others(Protocol):
    """The other objects an object may name."""

    def get(self, kind: ObjectKind, code: str, model: type[P]) -> P | None:
        """The object of that code, or None."""

    def all(self, model: type[P]) -> Iterator[P]:
        """Every object of that kind."""

    def once(self, asked: object, answer: Callable[[], T]) -> T:
        """The answer to a question that is asked many times of the same objects."""


def at(pointer: str, code: str, detail: str, detail_zh: str) -> SoundnessFinding:
    """A finding at a place of the object (a JSON Pointer)."""
    return SoundnessFinding(pointer, code, detail, detail_zh)


def missing(pointer: str, what: str) -> SoundnessFinding:
    """Something is named that is not there."""
    return at(pointer, "not_there", f"{what} is not there; publish it first or with this.",
              f"{what} 不存在；请先行或同时发布。")  # fmt: skip


def never_fires(pointer: str, why: str, why_zh: str) -> SoundnessFinding:
    """A rule rests on something that no row can have."""
    return at(pointer, "never_fires", f"The rule never fires: {why}.", f"该规则永远不会生效：{why_zh}。")


def unambiguous(pointer: str, words: Iterable[str]) -> Iterator[SoundnessFinding]:
    """Each word that stands twice."""
    for word in sorted(word for word, count in Counter(words).items() if count > 1):
        yield at(pointer, "ambiguous", f"{word} names two things; keep one.", f"{word} 重复；请保留一个。")


def is_decimal(text: str) -> bool:
    """Whether it is a decimal number, as the catalogue writes amounts."""
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False
