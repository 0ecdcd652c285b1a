"""A number of a record of this node goes into `up` once; ingestion alone gives numbers (decision 70).

Whatever is appended of such a record, as it is shared or as it is said again, is looked at here under the feed's head:
it goes in, or is there already, or its number is taken, of which ingestion is told. Where the record had ended, of what
was decided without knowing it only ends are said, and the rest is listed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

import orjson

from creditmesh.chassis.context import Context
from creditmesh.exchange.entries import Draft
from creditmesh.exchange.store import lost, set_aside
from creditmesh.exchange.store.lost import LostEntry
from creditmesh.exchange.store.set_aside import Said
from creditmesh.schemas.events import RevisionOutnumbered
from creditmesh.schemas.exchange import ENDS, HIDING, UP, EntryLine

BESIDE = frozenset({"marked", "unmarked", "discharged"})
"""The changes beside which the content of a record goes on."""
_WITHHELD = frozenset({"withheld", "waits"})
"""What stands for content that is not shown; it takes no number from that."""
_CONTRADICTORY = "contradictory_entry"
_NOWHERE = -1


class Given(NamedTuple):
    """What is to be appended.

    `behind`: of what was set aside, how far the first history went; `said`: its body, where it goes in without it.
    """

    draft: Draft
    behind: int | None = None
    said: str | None = None


async def fitting(ctx: Context, feed: str, given: Sequence[Given]) -> list[Draft]:
    """Those of these that go into the feed; of numbers that are taken ingestion is told. The feed's head is held.

    A record's first revision, as it is shared, is not asked about: nobody else has its id.
    """
    read = [(each, _asked_about(feed, each)) for each in given]
    stories, found = await _stories(ctx, [(each.draft, line) for each, line in read if line is not None]), list[Draft]()
    for each, line in read:
        story = None if line is None else stories.get(line.record)
        if line is None or story is None or story.takes(each, line):
            found.append(each.draft)
    for story in stories.values():
        if story.outnumbered is not None:
            ctx.emit(story.outnumbered)
    await lost.put(await ctx.session(), [line for story in stories.values() for line in story.listed])
    return found


def _asked_about(feed: str, given: Given) -> EntryLine | None:
    """The line of what is asked about."""
    if feed != UP or given.draft.record is None or (given.behind is None and (given.draft.rev or 0) <= 1):
        return None
    return EntryLine.model_validate_json(given.draft.line)


@dataclass(slots=True)
class _Story:
    """What the feed says of one record, and what is found about what is to come behind it."""

    is_own: bool
    said: list[Said] = field(default_factory=list)
    outnumbered: RevisionOutnumbered | None = None
    listed: list[LostEntry] = field(default_factory=list)
    unknowing: tuple[Said, int] | None = None
    """An end, and the last number of what was decided here without knowing it."""

    def takes(self, given: Given, line: EntryLine) -> bool:
        """Whether it goes in as it is."""
        draft, rev = given.draft, given.draft.rev or 0
        newest = max(self.said, key=lambda each: each.rev, default=None)
        if not self.is_own:  # a number is used once at the origin of what another node sent
            return not any((each.rev, each.change) == (rev, draft.change) for each in self.said)
        if newest is None or _stands_for(newest, draft):
            return self._goes_in(draft)
        if any(_is_same(each, draft, line) or _replaces(each, given) for each in self.said):
            return False
        if self._did_not_know(draft):
            return False
        if rev > newest.rev:
            return self._goes_in(draft)
        self._is_taken(draft, newest, said=given.said or draft.body)
        return False

    def _goes_in(self, draft: Draft) -> bool:
        if draft.record is not None:
            self.said.append(Said(draft.record, draft.rev or 0, _NOWHERE, draft.change or "", draft.line))
        return True

    def _did_not_know(self, draft: Draft) -> bool:
        """Whether it goes on from what was decided without knowing that the record had ended."""
        end, number = self.unknowing or (None, 0)
        if end is None or draft.rev != number + 1 or draft.change in HIDING | _WITHHELD:
            self.unknowing = None
            return False
        self._list(draft, end)
        return True

    def _is_taken(self, draft: Draft, newest: Said, *, said: str | None) -> None:
        """Its number is another revision's: it is said above that, where it says anything."""
        if draft.change in _WITHHELD or (draft.change in ENDS and draft.change == newest.change):
            return
        revision = None if said is None else orjson.loads(said).get("revision")
        if revision is None or (newest.change in ENDS and draft.change not in ENDS):
            self._list(draft, newest)
        elif self.outnumbered is None:
            self.outnumbered = RevisionOutnumbered(record=newest.record, revision=UUID(revision), above=newest.rev)

    def _list(self, draft: Draft, newest: Said) -> None:
        if newest.change in ENDS:
            self.unknowing = newest, draft.rev or 0
        line = LostEntry(UP, newest.index, newest.record, newest.rev, newest.change, draft.item, draft.party)
        if newest.index != _NOWHERE:
            self.listed.append(line._replace(why=_CONTRADICTORY))


def _stands_for(said: Said, draft: Draft) -> bool:
    """Whether what stands under that number only stands for it."""
    return said.rev == draft.rev and said.change in _WITHHELD and draft.change not in _WITHHELD


def _is_same(said: Said, draft: Draft, line: EntryLine) -> bool:
    """Whether both are one revision: of that number and that instant; or a mark of that number that says the same."""
    if said.rev != draft.rev:
        return False
    marks = said.change == draft.change and draft.change in {"marked", "unmarked"}
    return marks or EntryLine.model_validate_json(said.line).at == line.at


def _replaces(said: Said, given: Given) -> bool:
    """Whether this node said it behind the first history, after what was set aside of the record."""
    return given.behind is not None and said.index >= given.behind and said.change not in BESIDE


async def _stories(ctx: Context, asked: Sequence[tuple[Draft, EntryLine]]) -> dict[UUID | None, _Story]:
    """What the feed has of these records."""
    stories = {draft.record: _Story(is_own=line.origin == ctx.node.code) for draft, line in asked}
    records = [record for record in stories if record is not None]
    for each in await set_aside.said(await ctx.session(), UP, records) if records else ():
        stories[each.record].said.append(each)
    return stories
