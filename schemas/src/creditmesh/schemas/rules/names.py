"""Names as they are searched and compared; a name that is shown or stored is never changed."""

import re
import unicodedata
from functools import cache
from importlib.resources import files

from creditmesh.schemas.rules.characters import BLANKS, MARKS, RADICALS, nfkc


def folded(name: str) -> str:
    """A name as it is searched: its letters, digits and signs, in simplified characters.

    Width, case, white space, brackets, quotes, dots and dashes do not matter, nor do characters that print nothing:
    selectors of a variant and combining marks among them. Characters without a simplified form, rare ones among them,
    stay as they are.
    """
    if _PLAIN.fullmatch(name):
        return simplified(name)  # most names, at a tenth of the cost
    while (once := _folded(name)) != name:
        name = once
    # Only then: with what stood between them gone, a mark and its letter may have become one character.
    plain = "".join(c for c in name if unicodedata.category(c) not in MARKS)
    return name if plain == name else folded(plain)


def simplified(text: str) -> str:
    """The text in simplified characters, where there are such."""
    table, in_table = _simplified()
    return text.translate(table) if in_table.search(text) else text


def _folded(name: str) -> str:
    whole = nfkc(name.translate(RADICALS))
    plain = simplified(nfkc(whole.casefold()))
    return "".join(c for c in plain if unicodedata.category(c) not in _PASSED_OVER and c not in _POINTS)


_PLAIN = re.compile("[0-9a-z\u4e00-\u9fff]*")
"""What is folded already but for its traditional characters."""
_PASSED_OVER = frozenset({"Ps", "Pe", "Pi", "Pf", "Pd", "Pc", "Zs", "Zl", "Zp", "Cc", "Cf"})
_POINTS = BLANKS | set(".,'\"·・‧•∙⋅、。˙´`")


@cache
def _simplified() -> tuple[dict[int, str], re.Pattern[str]]:
    text = (files("creditmesh.schemas.rules") / "simplified.txt").read_text(encoding="utf-8")
    words = (word for line in text.splitlines() if not line.startswith("#") for word in line.split())
    table = {ord(traditional): word[0] for word in words for traditional in word[1:]}
    return table, re.compile(f"[{''.join(map(chr, table))}]")
