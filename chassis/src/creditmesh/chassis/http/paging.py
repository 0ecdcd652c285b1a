"""Lists, page by page: opaque cursors that say where a page ended, so that callers do not build on their shape."""

from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Query

from creditmesh.chassis.caller import Caller
from creditmesh.chassis.errors import Malformed
from creditmesh.schemas.bodies import Page

MOST = 200
"""Entries of a page."""
LONGEST = 200
"""Characters of a cursor."""
Limit = Annotated[int, Query(ge=1, le=MOST)]
Cursor = Annotated[str | None, Query(max_length=LONGEST, description="The `next` of the page before.")]

F = TypeVar("F")
P = TypeVar("P")
T = TypeVar("T")


class BadCursor(Malformed):
    """400: the cursor is not one that this route gave."""

    code = "bad_cursor"
    title = "This cursor is not one of this list's"
    title_zh = "游标无效"


def page(
    found: Sequence[F],
    *,
    limit: int,
    place: Callable[[F], object],
    shown: Callable[[F], T | None],
    caller: Caller | None = None,
    looked: object | None = None,
    unreadable: tuple[UUID, ...] = (),
) -> Page[T]:
    """The page of what was found, one beyond the limit if there is more; `place` is what the next one begins after.

    `looked` is where a search ended that did not go to the end of the list: there the next page begins after a short
    one. Of a list that is narrowed to the items of a credential, the `caller` tells whether it is partial.
    So is one in which records are `unreadable`: of those nothing is `shown`.
    """
    after = place(found[limit - 1]) if len(found) > limit else looked
    partial = bool(unreadable) or (caller is not None and caller.items is not None)
    more = None if after is None else written(after)
    items = tuple(each for each in map(shown, found[:limit]) if each is not None)
    return Page(items=items, next=more, partial=partial, unreadable=unreadable)


def written(place: object) -> str:
    """The cursor of a place."""
    return urlsafe_b64encode(str(place).encode()).rstrip(b"=").decode()


def read(cursor: str | None, of: Callable[[str], P]) -> P | None:
    """The place of a cursor, None if none was given; BadCursor if it is none, or `of` raises ValueError."""
    if cursor is None:
        return None
    try:
        return of(b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode())
    except ValueError as error:  # also its kinds: bad base64, bad UTF-8
        raise BadCursor("Leave the cursor out to begin again.", "请不带游标重新开始。") from error


def word(text: str) -> str:
    """A place that is a code or an id; ValueError for any other text."""
    if not (text.isascii() and text.isprintable() and text):
        raise ValueError("not a word")
    return text
