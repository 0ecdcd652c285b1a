"""What became of a run of peers' entries, told once a feed: the exchange signs it as the acknowledgement."""

from dataclasses import dataclass, field
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.schemas.acknowledgements import EntryRefusal
from creditmesh.schemas.events import EntriesJudged
from creditmesh.schemas.events.entries import TrackedEntry
from creditmesh.schemas.problems import FieldError


@dataclass(slots=True)
class _FeedRun:
    first: int
    until: int
    refused: list[EntryRefusal] = field(default_factory=list)
    ends: dict[UUID, None] = field(default_factory=dict)
    tracked: list[TrackedEntry] = field(default_factory=list)


class EntryResults:
    """The results of one run, which may be of several feeds."""

    def __init__(self) -> None:
        self._runs: dict[tuple[str, str], _FeedRun] = {}

    def add(
        self,
        peer: str,
        feed: str,
        index: int,
        refusal: FieldError | None,
        *,
        ended: UUID | None = None,
        tracked: UUID | None = None,
    ) -> None:
        """One entry was applied, or refused for this reason.

        `ended`: it marked or ended a record of that subject; `tracked`: it says so of that record, known here or not.
        """
        run = self._runs.setdefault((peer, feed), _FeedRun(index, index + 1))
        run.first, run.until = min(run.first, index), max(run.until, index + 1)
        if tracked is not None:
            run.tracked.append(TrackedEntry(index=index, record=tracked))
        if refusal is not None:
            run.refused.append(EntryRefusal(index=index, code=refusal.code))
        elif ended is not None:
            run.ends[ended] = None

    def emit(self, ctx: Context) -> None:
        """One event a feed."""
        for (peer, feed), run in self._runs.items():
            ctx.emit(
                EntriesJudged(
                    peer=peer,
                    feed=feed,
                    first=run.first,
                    until=run.until,
                    refused=tuple(run.refused),
                    ends=tuple(run.ends),
                    tracked=tuple(run.tracked),
                )
            )
