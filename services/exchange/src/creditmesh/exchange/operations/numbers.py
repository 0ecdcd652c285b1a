"""A number of a record of this node goes into `up` once; ingestion alone gives numbers (decision 70).

Whatever is appended of such a record, as it is shared or as it is said again, is looked at here under the feed's head:
it goes in, or is there already, or its number is taken, of which ingestion is told. Where the record has ended, which
all its lines tell, of what was decided without knowing it only ends are said, and the rest is listed.
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
from creditmesh.schemas.exchange import BESIDE_CONTENT, ENDS, UP, EntryLine

_WITHHELD = frozenset({"withheld", "waits"})
"""What stands for content that is not shown; it takes no number from that."""
_CONTRADICTORY = "contradictory_entry"
_NOWHERE = -1


class Given(NamedTuple):
    """What is to be appended.

    `again`: it was set aside; `said`: its body, where it goes in without it.
    """

    draft: Draft
    again: bool = False
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
        for outnumbered in story.outnumbered:
            ctx.emit(outnumbered)
    await lost.put(await ctx.session(), [line for story in stories.values() for line in story.listed])
    return found


def _asked_about(feed: str, given: Given) -> EntryLine | None:
    """The line of what is asked about."""
    if feed != UP or given.draft.record is None or (not given.again and (given.draft.rev or 0) <= 1):
        return None
    return EntryLine.model_validate_json(given.draft.line)


@dataclass(slots=True)
class RecordStory:
    """What the feed says of one record, and what is found about what is to come behind it."""

    is_own: bool
    said: list[Said] = field(default_factory=list)
    outnumbered: list[RevisionOutnumbered] = field(default_factory=list)
    listed: list[LostEntry] = field(default_factory=list)
    unknowing: int | None = None
    """The last number of what was decided here without knowing that the record had ended."""

    @property
    def end(self) -> Said | None:
        """What ended the record; None where it goes on. Nothing opens it that was erased."""
        last = max(
            (each for each in self.said if each.change not in BESIDE_CONTENT | _WITHHELD), key=_rev, default=None
        )
        erased = next((each for each in self.said if each.change == "erased"), None)
        return erased or (last if last is not None and last.change in ENDS else None)

    def takes(self, given: Given, line: EntryLine) -> bool:
        """Whether it goes in as it is."""
        draft, rev = given.draft, given.draft.rev or 0
        if not self.is_own:  # a number is used once at the origin of what another node sent
            return not any((each.rev, each.change) == (rev, draft.change) for each in self.said)
        newest = max(self.said, key=lambda each: (each.rev, each.change not in _WITHHELD), default=None)
        if newest is None:
            return self._goes_in(draft)
        stands = _stands_for(newest, draft)
        if not stands and any(_is_same(each, draft, line) or _replaces(each, given, line) for each in self.said):
            return False
        if self.end is not None and self._is_beneath(self.end, draft, line):
            return False
        if stands or rev > newest.rev:
            return self._goes_in(draft)
        self._is_taken(draft, newest, said=given.said or draft.body)
        return False

    def _goes_in(self, draft: Draft) -> bool:
        if draft.record is not None:
            self.said.append(Said(draft.record, draft.rev or 0, _NOWHERE, draft.change or "", draft.line))
        return True

    def _is_beneath(self, end: Said, draft: Draft, line: EntryLine) -> bool:
        """Whether a record that has ended leaves nothing of it to say; what ends nothing is listed."""
        if draft.change in _WITHHELD:
            self.unknowing = None
            return False
        if draft.change in ENDS:
            self.unknowing = None
            return end.change == "erased"
        known = self.unknowing is None or draft.rev != self.unknowing + 1
        if known and end.change != "erased" and (draft.change in BESIDE_CONTENT or self._opens(end, draft, line)):
            return False
        self._list(draft, end)
        return True

    def _opens(self, end: Said, draft: Draft, line: EntryLine) -> bool:
        """Whether content was decided knowing of the end: by what opens it, or above the word that nothing is shown."""
        if draft.change == "reopened":
            return True
        hidden = [each for each in self.said if each.change in _WITHHELD and each.rev > end.rev]
        return any(each.rev < (draft.rev or 0) or _is_same(each, draft, line) for each in hidden)

    def _is_taken(self, draft: Draft, newest: Said, *, said: str | None) -> None:
        """Its number is another revision's: it is said above that, where it says anything."""
        revision, end = None if said is None else orjson.loads(said).get("revision"), self.end
        if draft.change in _WITHHELD and (revision is None or end is not None):
            return
        if end is not None and draft.change == end.change:
            return
        if revision is None or (end is not None and draft.change not in ENDS):
            self._list(draft, end or newest)
            return
        self.outnumbered.append(RevisionOutnumbered(record=newest.record, revision=UUID(revision), above=newest.rev))

    def _list(self, draft: Draft, standing: Said) -> None:
        if standing.change in ENDS:
            self.unknowing = draft.rev
        line = LostEntry(UP, standing.index, standing.record, standing.rev, standing.change, draft.item, draft.party)
        if standing.index != _NOWHERE:
            self.listed.append(line._replace(why=_CONTRADICTORY))


def _rev(said: Said) -> int:
    return said.rev


def _stands_for(said: Said, draft: Draft) -> bool:
    """Whether what stands under that number only stands for it."""
    return said.rev == draft.rev and said.change in _WITHHELD and draft.change not in _WITHHELD


def _is_same(said: Said, draft: Draft, line: EntryLine) -> bool:
    """Whether both are one revision: of that number and that instant; or a mark of that number that says the same."""
    if said.rev != draft.rev:
        return False
    marks = said.change == draft.change and draft.change in {"marked", "unmarked"}
    return marks or EntryLine.model_validate_json(said.line).at == line.at


def _replaces(said: Said, given: Given, line: EntryLine) -> bool:
    """Whether this node said content or an end of the record after what was set aside of it: in time, not in place."""
    return given.again and said.change not in BESIDE_CONTENT and EntryLine.model_validate_json(said.line).at > line.at


async def _stories(ctx: Context, asked: Sequence[tuple[Draft, EntryLine]]) -> dict[UUID | None, RecordStory]:
    """What the feed has of these records."""
    stories = {draft.record: RecordStory(is_own=line.origin == ctx.node.code) for draft, line in asked}
    records = [record for record in stories if record is not None]
    for each in await set_aside.said(await ctx.session(), UP, records) if records else ():
        stories[each.record].said.append(each)
    return stories
