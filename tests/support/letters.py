"""Texts that stand nowhere else, of letters alone: digits by chance are somebody's number sooner or later."""

from uuid import uuid4

_LETTERS = str.maketrans("0123456789", "ghijklmnop")


def letters(count: int = 32) -> str:
    """So many letters, others each time."""
    return uuid4().hex.translate(_LETTERS)[:count]
