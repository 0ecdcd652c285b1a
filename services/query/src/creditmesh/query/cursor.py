"""Opaque cursors: where a page ended, written so that callers do not build on its shape."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import TypeVar

from creditmesh.query.errors import BadCursor

C = TypeVar("C")
_NO_BIGINT = 2**63


def written(place: object) -> str:
    """The cursor of a place."""
    return urlsafe_b64encode(str(place).encode()).rstrip(b"=").decode()


def number(text: str) -> int:
    """A place that is a number the database can count to."""
    if not (text.isascii() and text.isdigit() and (value := int(text[:20])) < _NO_BIGINT):
        raise ValueError("not a number")
    return value


def read(cursor: str | None, of: Callable[[str], C]) -> C | None:
    """The place of a cursor, None if none was given; BadCursor if it is not one."""
    if cursor is None:
        return None
    try:
        return of(urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)).decode())
    except ValueError as error:  # also its kinds: bad base64, bad UTF-8, not a number, not an id
        raise BadCursor("Leave the cursor out to begin again.", "请不带游标重新开始。") from error
