"""What became of stretches of peers' feeds, told once a run of them: the exchange signs it as the acknowledgement."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.schemas.acknowledgements import MOST_ANSWERED, EntryRefusal
from creditmesh.schemas.events import EntriesJudged, PageReceived
from creditmesh.schemas.events.entries import TrackedEntry
from creditmesh.schemas.problems import FieldError


class _Placed(Protocol):
    @property
    def peer(self) -> str: ...
    @property
    def feed(self) -> str: ...
    @property
    def index(self) -> int: ...


@dataclass(slots=True)
class _FeedRun:
    first: int
    until: int
    refused: list[EntryRefusal] = field(default_factory=list)
    ends: dict[UUID, None] = field(default_factory=dict)
    tracked: list[TrackedEntry] = field(default_factory=list)


class EntryResults:
    """The results of these pages: every entry of them is applied unless it is said to be refused."""

    def __init__(self, pages: Sequence[PageReceived]) -> None:
        self._runs: dict[tuple[str, str], list[_FeedRun]] = defaultdict(list)
        for page in pages:
            runs = self._runs[page.peer, page.feed]
            if runs and runs[-1].until == page.first and page.until - runs[-1].first <= MOST_ANSWERED:
                runs[-1].until = page.until
            else:
                runs.append(_FeedRun(page.first, page.until))

    def refuse(self, entry: _Placed, refusal: FieldError) -> None:
        """One entry was refused for this reason."""
        self._run(entry).refused.append(EntryRefusal(index=entry.index, code=refusal.code))

    def ended(self, entry: _Placed, subject: UUID) -> None:
        """One entry marked or ended a record of that subject."""
        self._run(entry).ends[subject] = None

    def track(self, entry: _Placed, record: UUID) -> None:
        """One entry says that it marks or ends that record, known here or not."""
        self._run(entry).tracked.append(TrackedEntry(index=entry.index, record=record))

    def emit(self, ctx: Context) -> None:
        """One event a run, which is of no more entries than one answer is about."""
        for (peer, feed), runs in self._runs.items():
            for run in runs:
                ctx.emit(
                    EntriesJudged(
                        peer=peer,
                        feed=feed,
                        first=run.first,
                        until=run.until,
                        refused=tuple(sorted(run.refused, key=lambda each: each.index)),
                        ends=tuple(run.ends),
                        tracked=tuple(run.tracked),
                    )
                )

    def _run(self, entry: _Placed) -> _FeedRun:
        runs = self._runs[entry.peer, entry.feed]
        return next(run for run in runs if run.first <= entry.index < run.until)
