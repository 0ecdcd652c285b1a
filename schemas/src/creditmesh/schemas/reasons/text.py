"""The text of a reason: it names the rule and the remedy, never a value of the row.

`{...}` is filled with facts of the catalogue.
"""

from typing import NamedTuple


class Reason(NamedTuple):
    """The text of one code in both languages."""

    detail: str
    detail_zh: str
