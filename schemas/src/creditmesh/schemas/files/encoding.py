"""Which encoding a file is in, and whether a line of it is.

A byte order mark decides. Else what the sender says holds; else UTF-8, where all is UTF-8 or more than half of what
lies beyond ASCII is Chinese in UTF-8, and GB18030 otherwise. A line that is not in the file's encoding is broken, and
so is a line of UTF-8 in a file of GB18030: nearly everything can be read as GB18030, as other characters. For the same
reason a file that nobody says to be GB18030 must read as Chinese: Big5, Shift-JIS and EUC-KR do not.
"""

from codecs import getincrementaldecoder
from collections import Counter
from collections.abc import Container, Sequence
from mmap import mmap
from typing import Literal, NamedTuple

Encoding = Literal["utf-8", "gb18030"]
Octets = bytes | mmap
"""A body in memory, or a file that is not."""

MARK = b"\xef\xbb\xbf"
_MARKS: dict[bytes, Encoding] = {MARK: "utf-8", b"\x84\x31\x95\x33": "gb18030"}
_SAID: dict[str, Encoding] = {
    **dict.fromkeys(("utf8", "utf8sig", "utf8bom"), "utf-8"),
    **dict.fromkeys(
        ("gb18030", "gbk", "xgbk", "gb2312", "gb231280", "euccn", "cp936", "ms936", "windows936"), "gb18030"
    ),
}
_SLICE = 1024 * 1024
_ASCII = bytes(range(128))
_SAMPLE = 256 * 1024
_ENOUGH, _MANY = 12, 96
"""Of fewer different characters nothing can be said; of so many, all."""
_FIRST, _SECOND, _THIRD = range(0xB0, 0xC0), range(0xC0, 0xD0), range(0xD0, 0xD8)
_BEYOND_HANGUL = range(0xC9, 0xF8)
_KANA = (0xA4, 0xA5)
"""First bytes. Up to 0xD7 GB 2312 has its common characters in the order of their sound: any Chinese, be it names
alone, has some in each third. Big5, Shift-JIS and EUC-JP have rare characters in the last, EUC-KR no syllables beyond
0xC8, Cyrillic nothing in the first."""
_ALL_BUT_LOW = bytes({*range(256)} - {*range(0x80, 0xA1)})
"""What is left without these are bytes that GB 2312 never has, and UTF-8 in every third place."""


def encoding_said(name: str) -> Encoding | None:
    """The encoding of that name; None if it is not read here."""
    return _SAID.get("".join(filter(str.isalnum, name.lower())))


def encoding_of(body: Octets, said: Encoding | None = None) -> tuple[Encoding, int]:
    """The encoding of a file, and the length of the byte order mark before its text."""
    for mark, encoding in _MARKS.items():
        if body[: len(mark)] == mark:
            return encoding, len(mark)
    return said or ("utf-8" if _mostly_utf8(body) else "gb18030"), 0


def reads_as_chinese(body: Octets) -> bool:
    """Whether what a file has beyond ASCII is Chinese, read as GB18030; told by which of its characters there are."""
    text = body[:_SAMPLE].decode("gb18030", "ignore")
    different = {character.encode("gb18030") for character in set(text) if character > "\u3040"}
    leads = [each[0] if each[1] > 0xA0 else 0 for each in different if each[0] != 0xA3]  # noqa: PLR2004 - full width
    many, least = len(leads), min(_among(leads, third) for third in (_FIRST, _SECOND, _THIRD))
    if many < _ENOUGH or least * 24 >= many:
        return True
    ends = min(_among(leads, _FIRST), _among(leads, _BEYOND_HANGUL))
    return many < _MANY and ends * 16 >= many and _among(leads, _KANA) * 8 < many


def is_chinese_in_gbk(body: bytes) -> bool:
    """Whether nearly all beyond ASCII is GB 2312, and its common characters are among it: so of Chinese alone."""
    text = body.decode("gb18030", "ignore")
    counted = ((character.encode("gb18030"), times) for character, times in Counter(text).items())
    pairs = {each: times for each, times in counted if len(each) == 2 and min(each) > 0xA0}  # noqa: PLR2004 - GB 2312
    leads = [each[0] for each in pairs]
    some = min(_among(leads, third) for third in (_FIRST, _SECOND, _THIRD))
    beyond = len(body.translate(None, _ASCII))
    return sum(pairs.values()) * 16 > beyond * 7 and len(leads) >= _ENOUGH and some * 24 >= len(leads)


def _among(leads: Sequence[int], some: Container[int]) -> int:
    return sum(lead in some for lead in leads)


def decoded(line: bytes, encoding: Encoding) -> tuple[str, bool]:
    """The text of a line, and whether all of it is in the encoding; where not, lone surrogates stand for the rest."""
    try:
        text = line.decode(encoding)
    except UnicodeDecodeError:
        return line.decode(encoding, "surrogateescape"), False
    return text, encoding == "utf-8" or not _is_utf8_all_the_same(line)


def _is_utf8_all_the_same(line: bytes) -> bool:
    if not line.translate(None, _ALL_BUT_LOW):  # nearly every line of GB18030
        return False
    found = looked_through(line)
    return found.long > 1 and found.mostly_long


class Seen(NamedTuple):
    """What bytes are, read as UTF-8."""

    beyond: int
    """Bytes beyond ASCII."""
    broken: int
    """Those of them that are no UTF-8."""
    long: int
    """Characters of three bytes, as Chinese has them: in GB18030 two bytes are easily one of two, but not three."""

    @property
    def mostly_long(self) -> bool:
        return 6 * self.long > self.beyond


def looked_through(body: Octets) -> Seen:
    """What there is of UTF-8 in a text in whatever encoding."""
    decoder = getincrementaldecoder("utf-8")("ignore")
    beyond = kept = characters = 0
    for start in range(0, len(body), _SLICE):
        piece = body[start : start + _SLICE]
        text = decoder.decode(piece)
        beyond += len(piece.translate(None, _ASCII))
        kept += len(text.encode())
        characters += len(text)
    plain = len(body) - beyond
    return Seen(beyond, len(body) - kept, (kept - plain) - 2 * (characters - plain))


def _mostly_utf8(body: Octets) -> bool:
    found = looked_through(body)
    return found.broken == 0 or found.mostly_long
