"""What stands in a field or under a decision and says nothing: 无, /, 详见决定书, #REF!.

What is no number of anybody is a wider matter: `rules.identity` and `rules.decision_numbers` know it, with the words of
the catalogue.
"""

import re
from collections.abc import Set as AbstractSet

from creditmesh.schemas.rules.characters import nfkc
from creditmesh.schemas.rules.names import simplified
from creditmesh.schemas.rules.numbers import half_width, significant

_WORDS = frozenset(
    (
        *("无", "无此项", "没有", "暂无", "尚无", "空", "空白", "空值", "不适用", "缺", "缺失", "略"),
        *("不详", "不明", "不清", "不清楚", "不知", "未知", "未详", "未提供", "未填", "未填写"),
        *("待补", "待补充", "待定", "待查", "待核实", "待填", "见上", "见下", "同上", "同前", "如上", "上同"),
        *("附后", "附件", "附表"),
        *("NULL", "NIL", "NONE", "NA", "NAN", "NAT", "UNKNOWN", "UNDEFINED", "EMPTY", "BLANK", "TBD", "TODO"),
    )
)
_ELSEWHERE = re.compile(
    r"(?:具体|内容)?(?:详?见|参见|如|详)(?:附件|附表|附页|原件|备注|正文|文书|决定书|处罚决定书|行政处罚决定书|许可决定书|判决书|裁定书)"
    r"[\d一二三四五六七八九十]{0,3}|附[件表][\d一二三四五六七八九十]{1,3}"
)
_OF_A_SPREADSHEET = re.compile(r"[^\w#]*#(?:REF|NAME|VALUE|NUM|NULL|N/A|DIV/0|SPILL|CALC|FIELD|GETTING_DATA)[!?]?\W*")
_BEGINNINGS = {word[:2] for word in _WORDS} | {word * 2 for word in _WORDS if len(word) == 1}
_BEGINNINGS |= {first + second for first in "见详如" for second in "附原备正文决处行许判裁"}
_BEGINNINGS |= {"具体", "内容", "详见", "参见"}
_FIRST = frozenset("".join(each[0] + each[0].lower() for each in _BEGINNINGS) + "無沒暫詳見內參")
_LONGEST = 24
"""Characters of the longest text that says nothing, with what stands around it; one without a letter may be longer."""
_MASK = "[?#※○◯●□■◻◼▢×✕✖╳⨯_〓]"
_A_PERSONS = 11
"""Digits of the shortest number that a person is known by."""
_OPENING = "《〈“「『【〔［（("
"""What stands before a word and is none: a law is cited in brackets."""
_HIDES = f"[*{_MASK[1:]}"
_MASKED = re.compile(rf"{_HIDES}{{2,}}|^[^\W\d_]{_HIDES}.{{0,2}}$|^\*.{{0,2}}$|(?<![A-Za-z])[xX]{{2,}}(?![A-Za-z])")
"""孙**, 孙×, *明: what is no name of anybody."""
_MAY_HIDE = re.compile(
    r"\*|某某|^某|^.{1,2}某$|某[\u4e00-\u9fff]{0,12}(?:公司|集团|厂|店|部|馆|站|中心|企业|合作社|商行)(?:$|\()"
)
"""孙某, 某公司, *ST示例: how judgments hide a name, and what firms have in theirs."""
_NAME = re.compile("[0-9\u4e00-\u9fff]+")


def begins_as_a_text(text: str) -> bool:
    """Whether its first character tells that it says something, and is no guard: of most texts it does."""
    return "\u4e00" <= text[0] <= "\u9fff" and text[0] not in _FIRST


def says_nothing(text: str) -> bool:
    """Whether a text has no letter and no digit, or is a word, a reference or an error in place of what it says."""
    begun = text.lstrip(_OPENING)
    if begun[:1].isalnum() and _begins_otherwise(begun):
        return False  # most texts, at a tenth of the cost
    if len(text) > _LONGEST:
        return not any(map(str.isalnum, text))
    said = simplified(significant(text))
    return (
        not said
        or said in _WORDS
        or (len(said) > 1 and said == said[0] * len(said) and said[0] in _WORDS)
        or _ELSEWHERE.fullmatch(said) is not None
        or _OF_A_SPREADSHEET.fullmatch(half_width(text)) is not None
    )


def _begins_otherwise(text: str) -> bool:
    if text[0] not in _FIRST:
        return text[0] < "\uff00"
    return text[0] >= "\u4e00" and text[1:2].isalpha() and simplified(text[:2]) not in _BEGINNINGS


def is_masked(name: str) -> bool:
    """Whether characters of a name are hidden, so that it is nobody's: 孙**, 示例××公司."""
    return _NAME.fullmatch(name) is None and _MASKED.search(nfkc(name)) is not None


def may_be_a_name(text: str) -> bool:
    """Whether what says nothing may be a name: one letter or character (空), or a word in Latin letters (Na, Null)."""
    return text.isalpha() and (len(text) == 1 or text.isascii())


def is_doubtful_name(name: str, fillers: AbstractSet[str] = frozenset()) -> bool:
    """Whether a name may be hidden or none at all, or may be genuine: a person looks at it.

    It says nothing, is a short number (7-11), is a word of the catalogue's `fillers`, or has what hides names in
    published decisions. A longer number may be somebody's, and those who look for such numbers say so.
    """
    if name in fillers or (("某" in name or "*" in name or "＊" in name) and _MAY_HIDE.search(nfkc(name))):
        return True
    if begins_as_a_text(name or "-"):
        return False
    return (
        says_nothing(name)
        or (len(name) < _A_PERSONS and not any(map(str.isalpha, name)))
        or (significant(name) in fillers)
    )
