"""What all bodies have in common: what comes in is taken exactly, what goes out may grow; and lists, page by page."""

from typing import Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

T = TypeVar("T")


class In(BaseModel):
    """A request's body: a field that is not known is a mistake, and is said so."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Out(BaseModel):
    """An answer's body: readers ignore fields that they do not know yet."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Page(Out, Generic[T]):
    """One page of a list; `next` is the cursor of the page after it, None on the last."""

    items: tuple[T, ...]
    next: str | None = None
    partial: bool = False
    """The credential is limited to some items, or something cannot be read: there may be more."""
    unreadable: tuple[UUID, ...] = ()
    """Records that this node cannot read just now, and that may be of this page: they are left out. Ask again later."""
