"""Entries of a peer's feed, and the pages that its exchange would have told of them."""

from collections.abc import Sequence

from pydantic import BaseModel

from creditmesh.schemas.events import PageReceived
from creditmesh.schemas.exchange import FeedEntry


class SentEntry(BaseModel):
    """An entry at its place in a peer's feed."""

    peer: str
    feed: str
    index: int
    line: str
    body: str | None = None
    replaced: bool = False
    anew: bool = False


def pages(entries: Sequence[SentEntry]) -> list[PageReceived]:
    """These entries as pages: what follows each other in one feed is one."""
    runs: list[list[SentEntry]] = []
    for each in entries:
        last = runs[-1][-1] if runs else None
        if last is None or (last.peer, last.feed, last.index + 1) != (each.peer, each.feed, each.index):
            runs.append([])
        runs[-1].append(each)
    return [
        PageReceived(
            peer=run[0].peer,
            feed=run[0].feed,
            first=run[0].index,
            until=run[-1].index + 1,
            entries=tuple(FeedEntry(index=each.index, line=each.line, body=each.body) for each in run),
            replaced=tuple(each.index for each in run if each.replaced),
            anew=run[0].anew,
        )
        for run in runs
    ]
