"""A list of a node: its items, page by page as they are iterated, and what the pages say of the list itself."""

from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Self, TypeVar
from uuid import UUID

from creditmesh.schemas.bodies import Page
from creditmesh.schemas.identifiers import NodeCode

if TYPE_CHECKING:
    from creditmesh.schemas.queries import AccessOut

T = TypeVar("T")


class Listing(Iterator[T]):
    """Every item; beside them what the pages that were read so far say: all of it, once the last item was had."""

    def __init__(self, pages: Iterator[Page[T]]) -> None:
        self.partial = False
        """The credential is limited to some items, or something cannot be read: there may be more."""
        self.unreadable: tuple[UUID, ...] = ()
        """Records that the node cannot read just now, and that may be of this list: they are left out."""
        self._pages = pages
        self._read: deque[T] = deque()

    def __next__(self) -> T:
        while not self._read:
            self._turn()
        return self._read.popleft()

    def begun(self) -> Self:
        """The same, with a page of it asked for: what refuses the list is raised here."""
        if not self._read:
            with suppress(StopIteration):
                self._turn()
        return self

    def _turn(self) -> None:
        page = next(self._pages)
        self._note(page)
        self._read.extend(page.items)

    def _note(self, page: Page[T]) -> None:
        self.partial |= page.partial
        self.unreadable = tuple(dict.fromkeys((*self.unreadable, *page.unreadable)))


class AccessListing(Listing["AccessOut"]):
    """Who looked, and where else there is a log of it."""

    copies_at: tuple[NodeCode, ...] = ()
    """The next node above, which may hold copies: who looks there is in its own log at once."""

    def _note(self, page: "Page[AccessOut]") -> None:
        super()._note(page)
        self.copies_at = getattr(page, "copies_at", self.copies_at)
