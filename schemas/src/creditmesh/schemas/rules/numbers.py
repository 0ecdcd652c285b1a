"""How the numbers of documents are written: whatever a person would read as the same number becomes one text.

Nothing here knows whose number it is. `rules.identity` does, and is the only way from a number to a subject.
"""

from unicodedata import category, decimal, normalize

_BLANKS = frozenset("\u115f\u1160\u2800")
"""Letters and symbols that print nothing, beside white space, controls and what only joins or varies."""
_UNSEEN = frozenset({"Cc", "Cf", "Mn", "Me", "Zs", "Zl", "Zp"})
_DASHES = "\u2212\u30fc\u2500\u2501"


def half_width(text: str) -> str:
    """Upper case, half-width (NFKC), digits of any script as ASCII ones, without white space or what prints nothing."""
    while (folded := _folded(text)) != text:
        text = folded
    return text


def significant(text: str) -> str:
    """Its letters and digits alone: how a filler is compared."""
    return "".join(filter(str.isalnum, half_width(text)))


def _folded(text: str) -> str:
    seen = (c for c in normalize("NFKC", text.upper()) if category(c) not in _UNSEEN and c not in _BLANKS)
    return "".join(_half(c) for c in seen)


def _half(character: str) -> str:
    if character.isascii():
        return character
    if character.isdecimal():
        return str(decimal(character))
    return "-" if category(character) == "Pd" or character in _DASHES else character
