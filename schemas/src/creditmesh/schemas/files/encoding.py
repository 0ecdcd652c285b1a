"""Which encoding a file is in, and whether a line of it is.

A byte order mark decides. Else what the sender says holds; else UTF-8, where all is UTF-8 or more than half of what
lies beyond ASCII is Chinese in UTF-8, and GB18030 otherwise. A line that is not in the file's encoding is broken, and
so is a line of UTF-8 in a file of GB18030: nearly everything can be read as GB18030, as other characters. For the same
reason a file that nobody says to be GB18030 must look like Chinese (`is_doubtful`): Big5, Shift-JIS and EUC-KR do not.
"""

from codecs import getincrementaldecoder
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
_ENOUGH = 12
"""Of fewer different characters nothing can be said."""
_COMMON = frozenset(
    "的一是在不有和人中大为上个国以要时来用生到作地于出分对成会可主发年动同工也能下过子产种面方后多定行学法所民得经"
    "三之进等部度家电力如水化高自二理小物现实加量体制机当使点从业本性应开合因由其前外天政四日社事平相全表间与关各重新"
    "内数正心明原利质第条结建月公无系情者立代已通并提程展五料员位入常文总次品式活设及管特件长求基资路级统接知将组计别"
    "期根论运农指区强放决处给光门保治北造百规七海口东导志世金增济交受联认六共权收证改清采转单安场车例务具万目至达示议"
    "报完类八离华名确科张信马节米元集传土步广石记需段研界林律装持书布复容际商非验连深周技备半办青省约支市除府称准值号"
    "率维选标查江型王按格易置专状厂属圆包住调满县局照该价严罚款警告许可行政监督违反决定依据责令停业吊销没收登记注册限"
    "公司有限责任股份集团企业贸易药材食品建筑工程服务有限合伙店铺街道路镇乡村李刘陈杨赵黄吴徐孙胡朱郭何罗高梁郑谢宋唐"
)
"""Characters of which about every other one is in what departments write: Chinese texts, firms' and people's names."""
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


def is_doubtful(body: Octets, said: Encoding | None = None) -> bool:
    """Whether a file would be read as GB18030 though nobody says so, and what then stands there is no Chinese."""
    if said is not None or encoding_of(body) != ("gb18030", 0):
        return False
    text = body[:_SAMPLE].decode("gb18030", "ignore")
    beyond = [character for character in text if character > "\u2e7f" and not "\uff00" <= character <= "\uffef"]
    common = sum(character in _COMMON for character in beyond)
    return len(set(beyond)) >= _ENOUGH and common * 4 < len(beyond)


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
    found = _looked_through(line)
    return found.long > 1 and found.mostly_long


class _Seen(NamedTuple):
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


def _looked_through(body: Octets) -> _Seen:
    decoder = getincrementaldecoder("utf-8")("ignore")
    beyond = kept = characters = 0
    for start in range(0, len(body), _SLICE):
        piece = body[start : start + _SLICE]
        text = decoder.decode(piece)
        beyond += len(piece.translate(None, _ASCII))
        kept += len(text.encode())
        characters += len(text)
    plain = len(body) - beyond
    return _Seen(beyond, len(body) - kept, (kept - plain) - 2 * (characters - plain))


def _mostly_utf8(body: Octets) -> bool:
    found = _looked_through(body)
    return found.broken == 0 or found.mostly_long
