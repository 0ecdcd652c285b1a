"""How a day is read: every spelling becomes YYYY-MM-DD, the day it is in China; anything else is None."""

import re
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from unicodedata import category

from creditmesh.schemas.rules.calendar import OPEN_END
from creditmesh.schemas.rules.characters import IN_DIGITS, NUMERALS, SPOKEN, nfkc
from creditmesh.schemas.rules.names import simplified
from creditmesh.schemas.rules.values import bare

_OPEN = re.compile(
    "(?:有效期限?)?[至到为]?(?:长期|长久|永久性?|永续|终身|终生|持续|一直|无固定期限|无限期?|无限制|无期限|不限期?|不设期限|未设期限)(?:有效)?"
    "|LONG-?TERM|PERMANENT"
)
_DATE = re.compile(
    r"(\d{4})(?:([-/._,\\])(\d{1,2})\2(\d{1,2})|(\d{2})(\d{2})|年(\d{1,2})月(\d{1,2})[日号]?)"
    r"(?:(?:T| +|(?<=[日号]))(?P<half>(?:[上下]午)? *)"
    r"(?P<hour>\d{1,2})"
    r"(?::(?P<minute>\d{1,2})(?::\d{1,2}(?:[.,]\d+)?)?|[时点](?:(?P<minute_zh>\d{1,2})分(?:\d{1,2}秒)?)?)"
    r"(?P<half_en>(?: ?[AP]M)?)"
    r"|[T ]?(?P<packed>\d{4})(?:\d{2}(?:\d{3})?)?)?(?P<zone>(?: ?(?:Z|UTC|GMT)| *[+-][01]\d(?::?\d{2})?)?)",
    re.ASCII,
)
_AROUND_MARKS = re.compile(r" *([-/.]) *")
_NOT_A_DAY = re.compile(r"\(?(?:星期|周|礼拜)[一二三四五六日天]\)?|\[ASIA/SHANGHAI\]|中国标准时间|北京时间")
_NUMERAL = "".join(NUMERALS)
_MONTH_IN_WORDS = re.compile(f"([{_NUMERAL}]{{4}})年|([{_NUMERAL}十]{{1,3}})(?=[月日号])")
_CHINA = timezone(timedelta(hours=8))
_EARLIEST = 1900
_OPEN_END = OPEN_END.isoformat()
LONGEST = 40
"""Characters of the longest day, however it is spelled."""


def read_date(text: str) -> str | None:
    """YYYY-MM-DD from that, YYYY/MM/DD, YYYY.MM.DD, YYYYMMDD or 年月日, also with a time: the day it is in China."""
    return _day(text) if len(text) <= LONGEST else None


def read_end(text: str) -> str | None:
    """The same for a day until which something holds, which may be 长期: without end, as a day that is no nearer is."""
    day = read_date(text)
    if day is not None:
        return min(day, _OPEN_END)  # 9999-12-31
    said = "".join(c for c in simplified(nfkc(text[:LONGEST]).upper()) if c.isalnum() or c == "-")
    return _OPEN_END if _OPEN.fullmatch(said) else None


@lru_cache(maxsize=8192)
def _day(text: str) -> str | None:
    found = _DATE.fullmatch(text) or _DATE.fullmatch(_date_text(text))
    if found is None or (found["packed"] and found[5] is None):
        return None
    year, _, month, day = found.group(1, 2, 3, 4)
    month = month or found[5] or found[7]
    day = day or found[6] or found[8]
    try:
        read = date(int(year), int(month), int(day))
        read = _in_china(read, found)
    except (ValueError, OverflowError):
        return None
    return read.isoformat() if read.year >= _EARLIEST else None


def _date_text(text: str) -> str:
    """A date that is written in another way: in words, with other dashes, a day of the week, blanks or guards."""
    said = _NOT_A_DAY.sub("", bare(nfkc(text)).upper()).strip(" .。")
    said = "".join("-" if category(c) == "Pd" or c == "−" else c for c in said)
    if "年" in said:
        return _MONTH_IN_WORDS.sub(_in_digits, "".join(said.split()).translate(SPOKEN).replace("廿", "二十"))
    return _AROUND_MARKS.sub(r"\1", said)


def _in_digits(found: re.Match[str]) -> str:
    if found[1]:
        return f"{found[1].translate(IN_DIGITS)}年"
    tens, ten, ones = found[2].rpartition("十")
    return str((int(tens.translate(IN_DIGITS) or 1) * 10 if ten else 0) + int(ones.translate(IN_DIGITS) or 0))


def _in_china(read: date, found: re.Match[str]) -> date:
    packed = found["packed"] or ""
    hour, minute = found["hour"] or packed[:2], found["minute"] or found["minute_zh"] or packed[2:]
    if not hour:  # the zone of a day alone says nothing
        return read
    ends = int(hour) == 24 and not int(minute or 0)  # noqa: PLR2004 - 24:00, the last moment of that day
    time = (23, 59) if ends else (int(hour), int(minute or 0))
    moment = datetime(read.year, read.month, read.day, *time, tzinfo=_CHINA)
    if not found["zone"]:
        return read
    if (found["half"] or "").strip() or found["half_en"]:
        raise ValueError("half a day and a zone")
    zone = found["zone"].strip()
    zone = "+00:00" if zone[0] in "ZUG" else zone
    ahead = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:].lstrip(":") or 0))
    return moment.replace(tzinfo=timezone(-ahead if zone[0] == "-" else ahead)).astimezone(_CHINA).date()
