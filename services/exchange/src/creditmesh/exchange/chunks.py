"""A page as it is kept and told: in chunks, each the JSON of one event. Pure.

A chunk is parsed before it is verified, and written from what was read: what stands between the lines, or beside the
members of one, is verified by nobody, and is not kept.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import orjson
from pydantic import ValidationError

from creditmesh.schemas.events import PageReceived
from creditmesh.schemas.exchange import KEY, FeedEntry, base64_text
from creditmesh.schemas.pages import BadPage

MOST_BYTES = 64 * 1024
"""Of the lines of a chunk, unless it is one line: Kafka takes it, and a batch of them fits in memory."""
MOST_ENTRIES = 500
MOST_OF_A_LINE = 4096
"""Characters: no version has a quarter of that to say in one, and it stays where a body is taken out."""


class PageChunk(NamedTuple):
    """A stretch of a page."""

    page: PageReceived
    data: bytes
    """Its JSON."""

    def of(self, node: str) -> "PageChunk":
        """The same of another's feed: of the node whose own it is, which was given it back."""
        return _changed(self.page, peer=node)

    def ahead(self) -> "PageChunk | None":
        """Of it what holds at once: keys, and what ends a record. None if it has neither.

        Nobody answers for what is told ahead.
        """
        read = zip(self.page.entries, self.page.received, strict=True)
        told = tuple(entry for entry, each in read if each.type == KEY or each.ends)
        return _changed(self.page, entries=told, ahead=True) if told else None

    def with_unproven(self, indices: Collection[int]) -> "PageChunk":
        """The same, with those of these entries that are in it told as not proven to be of their origin."""
        among = tuple(each.index for each in self.page.entries if each.index in indices)
        return _changed(self.page, unproven=among) if among else self

    def with_waiting(self, indices: Sequence[int]) -> "PageChunk":
        """The same, with these entries waiting for a newer version."""
        return _changed(self.page, waiting=tuple(indices))


def chunks_of(peer: str, feed: str, *, first: int, lines: Sequence[bytes]) -> list[PageChunk]:
    """These lines of a page as chunks, the first line being the entry `first`. BadPage where they are no entries."""
    found: list[PageChunk] = []
    start = 0
    while start < len(lines):
        stop, size = start + 1, len(lines[start])
        while stop < len(lines) and stop - start < MOST_ENTRIES and (size := size + len(lines[stop])) <= MOST_BYTES:
            stop += 1
        found.append(_chunk(peer, feed, first + start, lines[start:stop]))
        start = stop
    return found


def without_bodies(page: PageReceived, indices: Collection[int]) -> bytes:
    """The JSON of a page with only the lines of these entries."""
    return _changed(page, entries=_lines(page, indices)).data


def held_back(page: PageReceived, *, replaced: Collection[int], waiting: Collection[int]) -> PageChunk:
    """The same page without the content at some places, which was replaced; others are for nobody yet."""
    gone = tuple(each.index for each in page.entries if each.index in replaced)
    held = tuple(each.index for each in page.entries if each.index in waiting or each.index in page.waiting)
    return _changed(page, entries=_lines(page, gone), replaced=gone, waiting=held)


def alone(peer: str, feed: str, entry: FeedEntry) -> PageChunk:
    """One entry that was verified before."""
    return told_anew(peer, feed, [entry], replaced=False)


def told_anew(peer: str, feed: str, entries: Sequence[FeedEntry], *, replaced: bool, anew: bool = False) -> PageChunk:
    """Entries that stand one after another and were verified before; without their content, where that was replaced.

    `anew`: whatever is held of their records.
    """
    first, until = entries[0].index, entries[-1].index + 1
    page = PageReceived(peer=peer, feed=feed, first=first, until=until, entries=tuple(entries), anew=anew)
    return held_back(page, replaced=range(first, until), waiting=()) if replaced else _written(page)


def _lines(page: PageReceived, indices: Collection[int]) -> tuple[FeedEntry, ...]:
    return tuple(
        each.model_copy(update={"salt": None, "body": None}) if each.index in indices else each for each in page.entries
    )


def _changed(page: PageReceived, **said: object) -> PageChunk:
    made = page.model_copy(update=said)
    made.__dict__.pop("received", None)  # that was read of the page as it was
    return _written(made)


def _written(page: PageReceived) -> PageChunk:
    # As the model writes it, which calls back into Python for every salt and takes three times as long.
    said = {name: getattr(page, name) for name in PageReceived.model_fields}
    return PageChunk(page, orjson.dumps(said | {"entries": [_said(each) for each in page.entries]}))


def _said(entry: FeedEntry) -> dict[str, object]:
    salt = None if entry.salt is None else base64_text(entry.salt)
    return {"index": entry.index, "line": entry.line, "salt": salt, "body": entry.body}


def _chunk(peer: str, feed: str, first: int, lines: Sequence[bytes]) -> PageChunk:
    until = first + len(lines)
    head = orjson.dumps({"peer": peer, "feed": feed, "first": first, "until": until})
    data = b'%b,"entries":[%b]}' % (head[:-1], b",".join(lines))
    try:
        page = PageReceived.model_validate_json(data)
    except ValidationError as error:
        where = error.errors(include_url=False, include_context=False, include_input=False)[0]["loc"]
        raise BadPage("malformed", first + (int(where[1]) if len(where) > 1 else 0)) from error
    place, beside = (page.peer, page.feed, page.first, page.until), page.waiting + page.replaced + page.unproven
    if place != (peer, feed, first, until) or beside or page.ahead or page.anew:
        raise BadPage("malformed", first)
    if too_long := next((each for each in page.entries if len(each.line) > MOST_OF_A_LINE), None):
        raise BadPage("too_large", too_long.index)
    return _written(page)
