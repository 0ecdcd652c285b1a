"""An entry of a higher tier's catalogue: as it was told, as it is read, and what stands against it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ValidationError

from creditmesh.catalogue.acceptance import Key
from creditmesh.catalogue.objects import CatalogueObject, entry_of
from creditmesh.catalogue.store import RefusedEntry
from creditmesh.schemas.catalogue import Tier
from creditmesh.schemas.exchange import CatalogueBody
from creditmesh.schemas.identifiers import Code
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.received import ReceivedEntry


class _About(BaseModel):
    """What a body is about that cannot be read as a whole: also a kind that a later version has."""

    kind: Code
    code: Code


_UNREADABLE = FieldError(
    pointer="",
    code="unreadable",
    detail="This version cannot read it; upgrade the node.",
    detail_zh="当前版本无法读取；请升级节点。",
)


@dataclass(frozen=True, slots=True)
class ReceivedObject:
    """A readable entry."""

    row: RefusedEntry
    """As it is kept if it has to wait."""
    said: CatalogueBody
    entry: CatalogueObject | None
    """None of a withdrawal: there the last body is nothing but a reminder."""
    errors: tuple[FieldError, ...] = ()

    @property
    def key(self) -> Key:
        """The object it is about."""
        return (self.said.kind, self.said.code)

    @property
    def together(self) -> tuple[str, str, Tier, date, str | None]:
        """What entries of one publishing have in common: they may name each other."""
        return (self.row.peer, self.said.state, self.said.issued_by, self.said.effective, self.said.basis)

    def judged(self, errors: Sequence[FieldError]) -> "ReceivedObject":
        """The entry with those of the errors that are about it."""
        prefix = f"/{self.said.kind}/{self.said.code}"
        about = (each for each in errors if f"{each.pointer}/".startswith(f"{prefix}/"))
        return replace(self, errors=tuple(about))

    def waits(self) -> RefusedEntry:
        """The row that says why it waits."""
        return replace(self.row, kind=self.said.kind, code=self.said.code, errors=_dumped(*self.errors))


def as_told(event: ReceivedEntry, *, at: datetime) -> RefusedEntry:
    """The row of an entry that nobody has tried to read yet."""
    body = event.body or ""
    return RefusedEntry(
        peer=event.peer, feed=event.feed, index=event.index, kind=None, code=None, body=body, errors=(), at=at
    )


def read(row: RefusedEntry) -> ReceivedObject | RefusedEntry:
    """The entry, or the row with why this version cannot read it."""
    try:
        said = CatalogueBody.model_validate_json(row.body)
        if said.state == "withdrawn":
            return ReceivedObject(row, said, None)
        entry = entry_of(said.kind, said.body)
    except ValidationError:
        return _unreadable(row)
    return ReceivedObject(row, said, entry) if entry.code == said.code else _unreadable(row)


def _unreadable(row: RefusedEntry) -> RefusedEntry:
    """The row with what its body says it is about, as far as it says so."""
    try:
        about = _About.model_validate_json(row.body)
    except ValidationError:
        return replace(row, kind=None, code=None, errors=_dumped(_UNREADABLE))
    return replace(row, kind=about.kind, code=about.code, errors=_dumped(_UNREADABLE))


def _dumped(*errors: FieldError) -> tuple[dict[str, Any], ...]:
    return tuple(error.model_dump() for error in errors)
