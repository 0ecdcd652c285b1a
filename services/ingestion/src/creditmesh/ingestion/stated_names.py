"""Under which names subjects stand, as far as one transaction needs to know: pure, over MACs of names."""

from collections import Counter
from collections.abc import Collection, Iterable
from uuid import UUID


class StatedNames:
    """The names in the rows of one transaction, and which of them are new to their subjects."""

    def __init__(self) -> None:
        self._heard: Collection[bytes] = ()
        self._unheard: Collection[bytes] = ()
        self._given = Counter[UUID]()
        self._written: dict[UUID, set[bytes]] = {}

    def meet(self, rows: Iterable[tuple[UUID, bytes]], *, heard: Collection[bytes], unheard: Collection[bytes]) -> None:
        """Take in the next rows; `heard`: names under which their subjects stand, `unheard`: who stand under others.

        A name that is neither is one of a subject of whom none is known.
        """
        self._heard, self._unheard = heard, unheard
        self._given = Counter(subject for subject, _ in set(rows))

    def may_be_another(self, subject: UUID, name: bytes) -> bool:
        """Whether it may turn out to be another name, whatever becomes of the other rows."""
        return name in self._unheard or (name not in self._heard and self._given[subject] > 1)

    def is_another(self, subject: UUID, name: bytes) -> bool:
        """Whether the subject stands under other names only, by what was stored and what was written since."""
        if name in self._heard:
            return False
        written = self._written.get(subject, set())
        return name not in written and (bool(written) or name in self._unheard)

    def write(self, subject: UUID, name: bytes) -> None:
        """A revision says that the subject stands under this name."""
        self._written.setdefault(subject, set()).add(name)
