"""What the catalogue's stream has published, object by object: a history of versions each, and which is in force.

The one in force on a legal date is the newest whose effective date has come: a version published for next month changes
nothing today, and a withdrawal is one more entry of the history.
"""

from collections.abc import Callable
from datetime import date
from functools import lru_cache, wraps
from typing import Concatenate, NamedTuple, ParamSpec, Protocol, TypeVar, cast

from pydantic import BaseModel, ValidationError

from creditmesh.schemas.catalogue import (
    CodeSet,
    CreditList,
    Item,
    Matter,
    Measure,
    Party,
    Procedure,
    Purpose,
    Rule,
)
from creditmesh.schemas.catalogue.base import KEPT
from creditmesh.schemas.errors import LoggableError
from creditmesh.schemas.events.catalogue import CatalogueChanged, ClockChanged, ObjectKind
from creditmesh.schemas.events.entries import EntriesJudged

Published = Item | CreditList | Measure | Matter | Purpose | Party | CodeSet | Rule | Procedure

P = TypeVar("P", Item, CreditList, Measure, Matter, Purpose, Party, CodeSet, Rule, Procedure)

MODELS: dict[ObjectKind, type[Published]] = {
    "item": Item,
    "list": CreditList,
    "measure": Measure,
    "matter": Matter,
    "purpose": Purpose,
    "party": Party,
    "code_set": CodeSet,
    "rule": Rule,
    "procedure": Procedure,
}
_KINDS: dict[type[BaseModel], ObjectKind] = {model: kind for kind, model in MODELS.items()}
_FOREVER = date.max
_ANSWERS_KEPT = 512
Q = ParamSpec("Q")
T = TypeVar("T")
H = TypeVar("H", bound="Histories")


class UnreadableCatalogue(LoggableError):
    """An event of the catalogue's stream that this version cannot read; nothing of it was applied."""


class CatalogueEvent(Protocol):
    """What the directory needs to see of an event of the catalogue's stream."""

    @property
    def type(self) -> str:
        """The event type."""

    @property
    def part(self) -> int:
        """The part in which it stands: one carries the whole catalogue (its key is always `catalogue`)."""

    @property
    def number(self) -> int:
        """Its number in that part."""

    @property
    def data(self) -> bytes:
        """Its JSON body."""


class Version(NamedTuple):
    """One entry of an object's history."""

    number: int
    state: str
    effective: date
    body: Published
    basis: str | None


def once_a_version(question: Callable[Concatenate[H, Q], T]) -> Callable[Concatenate[H, Q], T]:
    """A question to the directory that is answered once a version for the same arguments, of which a day is one.

    Whoever asks gets the same answer: it must not be changed.
    """

    @wraps(question)
    def asked(directory: H, /, *arguments: Q.args, **named: Q.kwargs) -> T:
        return cast("T", directory.answers(directory.number, question, *arguments, **named))

    return asked


class Histories:
    """Every object of the catalogue, as the events that came so far say it."""

    def __init__(self) -> None:
        self.number = 0
        """The highest event number applied."""
        self.passed = 0
        """The highest number seen in the catalogue's part: other events may stand there, behind what was applied."""
        self.offset_days = 0
        """How far the sandbox's legal date was moved."""
        self._part: int | None = None
        self._histories: dict[ObjectKind, dict[str, list[Version]]] = {kind: {} for kind in MODELS}
        self.answers: Callable[..., object] = lru_cache(maxsize=_ANSWERS_KEPT)(self._answer)
        """What was asked of this and of earlier versions, the least recently asked gone (`once_a_version`)."""

    def apply(self, event: CatalogueEvent) -> None:
        """Take one event into memory; one at or below `number` is a repeat. UnreadableCatalogue: nothing is applied."""
        if event.type == EntriesJudged.type:  # what was judged stands in any part, also in the catalogue's
            if event.part == self._part:
                self.passed = max(self.passed, event.number)
            return
        if event.number <= self.number:
            return
        try:
            if event.type == CatalogueChanged.type:
                self._change(CatalogueChanged.model_validate_json(event.data))
            elif event.type == ClockChanged.type:
                self.offset_days = ClockChanged.model_validate_json(event.data).offset_days
            else:
                raise UnreadableCatalogue(f"catalogue event {event.number} has the unknown type {event.type!r}")
        except ValidationError as error:
            where = "; ".join("/".join(map(str, e["loc"])) + ": " + e["msg"] for e in error.errors()[:5])
            raise UnreadableCatalogue(
                f"catalogue event {event.number} ({event.type}) cannot be read: {where}"
            ) from error
        self._part, self.number = event.part, event.number
        self.passed = max(self.passed, event.number)

    def versions(self, kind: ObjectKind, code: str) -> tuple[Version, ...]:
        """The whole history of an object, oldest first; empty if there never was one."""
        return tuple(self._histories.get(kind, {}).get(code, ()))

    def version(self, kind: ObjectKind, code: str, number: int) -> Version | None:
        """One published version by its number."""
        for version in self.versions(kind, code):
            if version.number == number and version.state == "published":
                return version
        return None

    def _change(self, change: CatalogueChanged) -> None:
        model = MODELS.get(change.kind)
        if model is None:
            raise UnreadableCatalogue(f"the catalogue publishes {change.kind} {change.code}, which has no model here")
        body = model.model_validate(change.body, context=KEPT)
        if body.code != change.code:
            raise UnreadableCatalogue(
                f"the catalogue publishes {change.kind} {change.code} with the body of {body.code}"
            )
        version = Version(change.number, change.state, change.effective, body, change.basis)
        self._histories[change.kind].setdefault(change.code, []).append(version)
        self._has_changed(change, body)

    def _has_changed(self, change: CatalogueChanged, body: Published) -> None:
        """Forget what followed from earlier versions."""

    def _in_force(self, kind: ObjectKind, code: str, on: date) -> Version | None:
        for version in reversed(self._histories[kind].get(code, [])):
            if version.effective <= on:
                return version
        return None

    def _find(self, model: type[P], code: str, on: date) -> P | None:
        version = self._in_force(_KINDS[model], code, on)
        if version is None or version.state != "published" or not isinstance(version.body, model):
            return None
        return version.body

    def _newest(self, model: type[P], code: str) -> P | None:
        return self._find(model, code, _FOREVER)

    def _answer(self, _number: int, question: Callable[..., T], /, *arguments: object, **named: object) -> T:
        return question(self, *arguments, **named)
