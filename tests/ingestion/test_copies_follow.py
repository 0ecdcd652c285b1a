"""Whatever comes of a record, and in whatever pieces: what two tiers show is what its origin says, or nothing."""

from dataclasses import dataclass, field
from datetime import date
from itertools import count
from typing import Any

import orjson
from hypothesis import example, given, settings
from hypothesis import strategies as st

from creditmesh.exchange.entries import record_draft
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.exchange import STATE_CHANGES
from tests.exchange.conftest import NOW
from tests.ingestion.conftest import House
from tests.ingestion.entries import Feed, new_record
from tests.ingestion.pages import SentEntry
from tests.ingestion.rows import penalty, resident

CONTENT = ("corrected", "refused", "spoilt")
STEPS = (*CONTENT, "marked", "unmarked", "discharged", "ended", "withheld", "unknown", "upgraded", "offered")
ENDS = {"withdrawn", "repaired"}
FIELD, ROLE = "CF_WFXW", "legal_representative"


@dataclass
class Origin:
    """A record at its origin, small and slow: what it says, and what of it its reader could not use yet."""

    feed: Feed
    row: dict[str, str]
    record: Any = field(default_factory=new_record)
    rev: int = 0
    state: str = "published"
    mark: str | None = None
    text: str = ""
    usable: bool = True
    """Whether its newest content can be shown by who has it."""
    discharged: bool = False
    lacks_a_word: bool = False
    """Whether its next entry has a word that its reader does not know yet."""
    sent: list[tuple[SentEntry, SentEntry | None]] = field(default_factory=list)
    """Its entries, and of what was spoilt on its way how it is when it is offered."""
    waits: list[SentEntry] = field(default_factory=list)

    def step(self, what: str) -> list[list[SentEntry]]:
        """What is told when this becomes of the record, one list behind the other."""
        match what:
            case "unknown":
                self.lacks_a_word = True
            case "upgraded":
                self.lacks_a_word, told, self.waits = False, self.waits, []
                return [told]
            case "offered" if not self.waits:
                return [self.offered()]
            case _ if (change := self.change(what)) is not None:
                return [[self.said(change, what)]]
        return []

    def change(self, what: str) -> Any:
        """What becomes of it, if anything can."""
        if self.state in ENDS:
            return "reopened" if what in CONTENT else None
        if what in CONTENT:
            return "corrected" if self.rev else "accepted"
        may = {
            "marked": self.mark is None,
            "unmarked": self.mark is not None,
            "discharged": self.state == "published",
            "withheld": self.state == "published",
            "ended": True,
        }
        return ("withdrawn" if what == "ended" else what) if self.rev and may.get(what) else None

    def said(self, change: Any, what: str) -> SentEntry:
        self.rev += 1
        more: dict[str, Any] = {}
        if what in CONTENT:
            self.text, self.state, self.usable = f"第{self.rev}版", "published", what == "corrected"
            if what == "refused":
                more = {"display_until": date(2050, 1, 1)}
        match change:
            case "marked" | "unmarked":
                self.mark = "disputed" if change == "marked" else None
            case "withdrawn" | "withheld":
                self.state = change
            case "discharged":
                self.discharged, more = True, {"role": ROLE}
        row = self.row | {FIELD: self.text}
        more |= {"mark": self.mark, "state": self.state}
        whole = self.feed.entry(row, record=self.record, rev=self.rev, change=change, **more)
        spoilt = whole.model_copy(update={"body": "{"}) if what == "spoilt" else None
        self.sent.append((spoilt or whole, whole if spoilt else None))
        told = spoilt or whole
        if (self.lacks_a_word or self.waits) and change not in ENDS:
            self.waits.append(told)
            line = orjson.loads(told.line) | {"change": "suspended"}
            return told.model_copy(update={"line": orjson.dumps(line).decode(), "body": None})
        return told

    def offered(self) -> list[SentEntry]:
        """What was spoilt comes after all, and with it all that stands behind; without what is replaced or ended."""
        first = next((n for n, (_, whole) in enumerate(self.sent) if whole is not None), None)
        if first is None:
            return []
        self.sent[first:] = [(whole or sent, None) for sent, whole in self.sent[first:]]
        changes = [orjson.loads(sent.line)["change"] for sent, _ in self.sent]
        last = max(n for n, each in enumerate(changes) if each not in STATE_CHANGES)
        self.usable = self.usable or "2050-01-01" not in (self.sent[last][0].body or "")
        return [sent for sent, _ in self.sent[first:]]


class Above:
    """The tier above: what the first makes of the record is told to it as the first one's exchange would tell it."""

    def __init__(self, house: House, feed: Feed) -> None:
        self.house, self.feed, self.record = house, feed, new_record()
        self.indices = count(feed.key_of(None).index + 1)
        self.told = 0

    async def entries(self, events: list[RecordChanged]) -> list[SentEntry]:
        new, self.told = events[self.told :], len(events)
        return [await self.entry(each) for each in new]

    async def entry(self, event: RecordChanged) -> SentEntry:
        ciphers = await self.house.equipment.vault.open({each.about for each in event.sealed})
        fields = {
            each.field: ciphers[each.about].unseal(each, object=event.record, field=each.field) for each in event.sealed
        }
        said = event.model_copy(
            update={"record": self.record, "origin": self.feed.peer, "rev": event.origin_rev or event.rev}
        )
        place = f"{self.feed.name}|{self.record}|{said.rev}"
        draft = record_draft(said, at=NOW, sealed=self.feed.cipher.seal(fields, place=place))
        return SentEntry(peer=self.feed.peer, feed="up", index=next(self.indices), line=draft.line, body=draft.body)


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(st.sampled_from(STEPS), max_size=14),
    first=st.sampled_from(CONTENT),
    cuts=st.lists(st.integers(1, 3), min_size=1, max_size=4),
)
@example(steps=["unknown", "refused", "upgraded", "marked"], first="corrected", cuts=[1])
@example(steps=["refused", "discharged", "ended", "corrected"], first="corrected", cuts=[1])
@example(steps=["unknown", "corrected", "discharged", "ended", "upgraded", "corrected"], first="corrected", cuts=[1])
@example(steps=["unknown", "withheld", "upgraded", "marked"], first="corrected", cuts=[2])
@example(steps=["unknown", "marked", "upgraded"], first="corrected", cuts=[1])
async def test_what_is_shown_is_what_the_origin_says_or_nothing(
    province: House, steps: list[str], first: str, cuts: list[int]
):
    number = province.number()
    row = penalty(number, CF_FR_ZJLX="身份证", CF_FR_ZJHM=resident(number))
    origin, second = Origin(Feed(province), row), Feed(province, peer="harbour")
    await province.deliver(origin.feed.key(), second.key())
    above = Above(province, second)
    for n, step in enumerate([first, *steps, "upgraded"]):
        for told in origin.step(step):
            await in_pieces(province, told, cuts[n % len(cuts)])
            await in_pieces(
                province, await above.entries(await province.events(origin.record)), cuts[-1 - n % len(cuts)]
            )
        copies = [await province.events(each) for each in (origin.record, above.record)]
        for events in copies:
            assert_shows(events, origin)
        if origin.state == "published" and origin.usable and not origin.waits:
            assert [events[-1].state for events in copies] == ["published", "published"]


async def in_pieces(house: House, told: list[SentEntry], size: int) -> None:
    for begin in range(0, len(told), size):
        await house.deliver(*told[begin : begin + size])


def assert_shows(events: list[RecordChanged], origin: Origin) -> None:
    """Nothing, or the newest content of the origin with its mark, and nobody who was discharged of it."""
    if not events or events[-1].state != "published":
        return
    shown = events[-1]
    assert (origin.state, origin.text, origin.mark) == ("published", shown.fields[FIELD], shown.mark)
    discharged = {event.about for event in events if event.change == "discharged"}
    assert not origin.discharged or {each.subject for each in shown.related if each.role == ROLE} <= discharged
