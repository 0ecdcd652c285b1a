"""What reads as a day, a month or a count as a spreadsheet shows it, told by its numerals and not by its spelling."""

import re
from itertools import permutations

from creditmesh.schemas.rules.numbers import day_of

_OF_A_YEAR, _OF_A_MONTH = range(1, 13), range(1, 32)
_DAYS_SINCE_1899 = range(36_526, 54_789)
"""The days of 2000 to 2049 as a spreadsheet counts them."""
_MONTHS = (
    "JAN(?:UARY)?", "FEB(?:RUARY)?", "MAR(?:CH)?", "APR(?:IL)?", "MAY", "JUNE?", "JULY?", "AUG(?:UST)?",
    "SEP(?:T(?:EMBER)?)?", "OCT(?:OBER)?", "NOV(?:EMBER)?", "DEC(?:EMBER)?",
)  # fmt: skip
_MONTH_NAME = re.compile(rf"(?<![A-Z])(?:{'|'.join(f'({name})' for name in _MONTHS)})(?![A-Z])")
"""Each in its group. Whole names and their first letters: bodies have letters too (MARA, NOVA)."""
_BETWEEN_NUMERALS = re.compile(r"[-./,_\\年月日]+")
_COUNT = re.compile(r"\d+\.0{1,2}", re.ASCII)
"""1.0, as a spreadsheet shows how many there are."""


def reads_as_day(number: str) -> bool:
    """Whether a number, in half-width digits and without 号, may be a day, a month of a year, or how many there are."""
    parts = [each for each in _BETWEEN_NUMERALS.split(_MONTH_NAME.sub(_month, number)) if each]
    if not 0 < len(parts) <= 3 or not all(each.isascii() and each.isdigit() for each in parts):  # noqa: PLR2004 - year, month, day
        return False
    if len(parts) > 1:
        return _COUNT.fullmatch(number) is not None or any(map(_month_and_day, permutations(parts)))
    (number,) = parts
    year, month = number[:4], number[4:]
    return (
        (len(number) == 5 and int(number) in _DAYS_SINCE_1899)  # noqa: PLR2004
        or (len(number) == 8 and day_of(number) is not None)  # noqa: PLR2004
        or (len(month) == 2 and _is_year(year) and int(month) in _OF_A_YEAR)  # noqa: PLR2004
    )


def _month_and_day(parts: tuple[str, ...]) -> bool:
    """Whether these are a month and a day, a year and a month, or all three, in this order."""
    *year, month, day = parts if len(parts) > 2 or not _is_year(parts[0]) else (*parts, "1")  # noqa: PLR2004
    return (
        max(len(month), len(day)) <= 2  # noqa: PLR2004
        and int(month) in _OF_A_YEAR
        and int(day) in _OF_A_MONTH
        and all(_is_year(each) or len(each) == 2 for each in year)  # noqa: PLR2004
    )


def _is_year(digits: str) -> bool:
    return len(digits) == 4 and digits[:2] in {"19", "20"}  # noqa: PLR2004


def _month(found: re.Match[str]) -> str:
    return f"-{found.lastindex}-"
