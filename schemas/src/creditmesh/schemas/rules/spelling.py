"""How the name of a column is compared, however it is spaced, numbered, annotated or written wide."""

import re
from unicodedata import normalize

from creditmesh.schemas.rules.characters import ALIKE, UNQUOTED
from creditmesh.schemas.rules.names import simplified
from creditmesh.schemas.rules.numbers import half_width

LONGEST = 256
"""Characters of a column's name that are looked at."""
_HOW_TO_FILL_IN = re.compile(
    r"\((?![^()]*元)(?=[^()]*\))[^()]*"
    r"(?:填|必选|可选|单选|多选|下拉|格式|示例|样例|例如|例:|\(如|\d位|字符|文本|数字|YYYY|年月日|可空|非空|唯一|\*)"
    r"[^()]*\)|\((?:如[^()]*)\)"
)
"""（必填，18位）, 【格式：YYYY-MM-DD】; a note with a unit of money may change what the column means."""
_NUMBERED = re.compile(r"^(?:\(?\d{1,2}(?:[.、,]|\)[.、]?))+(?=.)")
_ENDS = re.compile(r"^[^\w(]+|(?<![^\w)])[^\w)]+$")
_JOINTS = str.maketrans("", "", "-_.'\"`")


def spelled(name: str) -> str:
    """A header as it is compared: half-width, upper case, simplified, without joints, numbering, marks and notes."""
    plain = simplified(half_width(normalize("NFKC", name[:LONGEST])[:LONGEST])).translate(ALIKE).translate(UNQUOTED)
    plain = _ENDS.sub("", _NUMBERED.sub("", _ENDS.sub("", _HOW_TO_FILL_IN.sub("", plain))))
    if plain.startswith("(") and plain.endswith(")") and plain.count("(") == 1:
        plain = plain[1:-1]
    return plain.translate(_JOINTS)
