"""How a coded value is read, or several of them, whatever joins them and whichever stands first."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from creditmesh.schemas.catalogue import CodeSet
from creditmesh.schemas.catalogue.code_set import CodeValue
from creditmesh.schemas.listing import listed
from creditmesh.schemas.rules.amounts import amount_of
from creditmesh.schemas.rules.characters import is_balanced, nfkc
from creditmesh.schemas.rules.names import simplified
from creditmesh.schemas.rules.numbers import significant
from creditmesh.schemas.rules.values import WHITE, Read, bare, remembered

_OTHER = re.compile(r"其[他它](?:[-－—–‐:：]+(.+)|[(（](.+)[)）])", re.DOTALL)
_REMARK = "其他-"
"""How what 其他 says begins in a canonical value."""
_SPACED = re.compile(r"(其[他它])\s*(?:([-－—–‐:：]+)\s*|(?=[(（]))")
_OPENING, _CLOSING = "(（", ")）"
_BRACKETS = f"[{_OPENING}{_CLOSING}]"
_OUTER = re.compile(f"{_BRACKETS}|[;；﹔︔؛]")
_INNER = re.compile(f"{_BRACKETS}|(?:[、,，|｜/+&﹑丶\\s]|以及|并处|[和及并])++")
_EACH = re.compile(f"{_OUTER.pattern}|{_INNER.pattern}")
_IMPOSED = re.compile("(?:(?<!加)处以?|给予|予以)$")
_AS_NUMBER = re.compile(r"(?<=\d)\.0+", re.ASCII)
_CONNECTIVE = re.compile("以及|或者|[、及和与或/]")
_PARTS_OF_ONE = 4
"""The most parts of a value that has marks of its own: 暂扣或者吊销许可证、执照."""
_GAP = ".{0,12}?"
_CERTIFICATE = "(?<![无凭保查佐论求取作举质])证(?![据明实人言词])"
"""证 where it is a word: neither of 证据, 证明 or 凭证, nor 无证."""
_LONGEST = 64
"""Characters of a text that are looked at to find what is near it."""
_NEAREST = 3
_NEAR = 0.25
"""Of the letters of both, how many they share."""


def code_reader(code_set: CodeSet) -> Read:
    """Reads one value of the set by value, name or alias. ValueError if a spelling stands for two values."""
    values = _Values(code_set)
    known = values.known

    def read(text: str) -> str | None:
        listed = known.get(text) or values.one(text)
        if listed is None and code_set.open and (several := values.several(text)) is not None and len(several) == 1:
            return several[0]
        return listed

    return read


def codes_reader(code_set: CodeSet, most: int | None = None) -> Read:
    """Reads several values joined by `;`, or by `、` `,` `|` where no value contains these; gives them in set order.

    They are none where they are longer than `most` in the end, for then they could not be read again.
    """
    values = _Values(code_set)
    order = {value.value: place for place, value in enumerate(code_set.values)}

    def read(text: str) -> str | None:
        found = dict.fromkeys(values.several(text) or ())
        joined = ";".join(sorted(found, key=lambda value: (order.get(value, len(order)), len(value), value)))
        return joined if joined and (most is None or len(joined) <= most) else None

    return remembered(read, most=1024)


def kept_reader(code_set: CodeSet, read: Read, *, several: bool) -> Read:
    """Takes values as a tier has accepted them: any of the set, and what 其他 says as it stands.

    What has become a spelling of another value is read by `read`.
    """
    values = {each.value for each in code_set.values}

    def one(text: str) -> str | None:
        remark = code_set.open and text.startswith(_REMARK) and text != _REMARK
        return text if remark or text in values else read(text)

    def each(text: str) -> str | None:
        found = [one(part) for part in text.split(";")]
        return None if None in found else ";".join(filter(None, found))

    return each if several else one


def stems_of(spellings: Iterable[str]) -> re.Pattern[str]:
    """The words by which a listed value is meant, as `hides_a_kind` takes them; `…` in one stands for a few others."""
    parts = (map(_bare_word, spelling.split("…")) for spelling in spellings)
    stems = (_GAP.join(_CERTIFICATE if part == "证" else part for part in each) for each in parts)
    return re.compile("|".join(filter(None, stems)) or "(?!)")


def hides_a_kind(values: str, stems: re.Pattern[str]) -> bool:
    """Whether what 其他 says in a canonical text of several values has such a word, with whatever blanks and marks."""
    return any(stems.search(_bare_word(value)) for value in values.split(";") if value.startswith(_REMARK))


def _bare_word(text: str) -> str:
    return simplified(significant(text))


def nearest_values(code_set: CodeSet) -> Callable[[str], str]:
    """Says which values of the set have the most letters of a text that is none of them; empty: none is near."""
    spellings = [(_letters(text), each) for each in code_set.values if each.active for text in _texts(each)]

    def nearest(text: str) -> str:
        said = _letters(text[:_LONGEST])
        shares = [(len(said & known) / (len(said | known) or 1), each) for known, each in spellings]
        near = sorted((each for each in shares if each[0] >= _NEAR), key=lambda each: -each[0])
        return "；".join(list(dict.fromkeys(_shown(each) for _, each in near))[:_NEAREST])

    return remembered(nearest, most=1024)


def _letters(text: str) -> set[str]:
    return {character for character in _loosely(text) if character.isalpha()}


def _texts(value: CodeValue) -> tuple[str, ...]:
    return (value.value, value.name_zh, *value.aliases)


def listed_values(code_set: CodeSet) -> tuple[str, str]:
    """The values of the set in both languages: some twenty, and of more where all of them are read."""
    shown = dict.fromkeys(_shown(each) for each in code_set.values if each.active)
    return listed(shown, at=f"/v1/catalogue/code-sets/{code_set.code}")


def _shown(value: CodeValue) -> str:
    return (
        value.value if value.value == value.name_zh or not value.value.isdigit() else f"{value.value} ({value.name_zh})"
    )


class _Part(NamedTuple):
    """What stands between two marks, and the mark before it."""

    mark: str
    text: str


_END = _Part("", "")


class _Values:
    """The values of a set, and how a text of several is taken apart: by its marks, and then 其他 with what it says."""

    def __init__(self, code_set: CodeSet) -> None:
        self.known = _spellings(code_set)
        self._loose = _loose(self.known)
        self._open = code_set.open
        self._words = tuple(word for word in self.known if len(word) > 1 and not word.isascii())

    def one(self, text: str) -> str | None:
        """The listed value that a text is; None if it is none."""
        return self.known.get(text) or self.known.get(_compared(text)) or self._loose.get(_loosely(text))

    def several(self, text: str) -> list[str] | None:
        """Every value of a text; None if something in it is none.

        What 其他 says goes on over marks until a listed value comes. One that stands in it is a value like any other,
        or, where it cannot be told from what is said of it, nothing is read.
        """
        found: list[str] = []
        for outer in _parts(_SPACED.sub(r"\1\2", text), _OUTER):
            if (listed := self.one(outer.text)) is not None:
                found.append(listed)
            elif not self._read(_parts(bare(outer.text), _INNER), found):
                return None
        return found

    def _read(self, parts: list[_Part], found: list[str]) -> bool:
        remark: list[str] | None = None
        while parts:
            width = self._width(parts, within=remark is not None)
            if width:
                found.append(self.one(_whole(parts[:width])) or "")
                del parts[:width]
                continue
            mark, text = parts.pop(0)
            if self._open and (other := _OTHER.fullmatch(text)):
                said = _parts(other[1] or other[2], _EACH)
                if not said:
                    return False
                _close(remark, found)
                remark = []
                parts[:0] = [*said, _END] if other[2] else said
            elif (mark, text) == _END:
                _close(remark, found)
                remark = None
            elif remark is None or self._holds_one(text):
                return False
            else:
                remark += [_EACH.sub("、", mark) if _OUTER.match(mark) else mark, text] if remark else [text]
        _close(remark, found)
        return True

    def _width(self, parts: list[_Part], *, within: bool) -> int:
        """How many parts are one listed value, at best as few as let one follow; `within` what 其他 says no digits."""
        listed = [
            width
            for width in range(1, min(len(parts), _PARTS_OF_ONE) + 1)
            if self._is_one(_whole(parts[:width]), within=within)
        ]
        fit = (width for width in listed if width == len(parts) or self._begins(parts[width:]))
        return next(fit, max(listed, default=0))

    def _begins(self, parts: list[_Part]) -> bool:
        return (
            parts[0] == _END
            or _OTHER.fullmatch(parts[0].text) is not None
            or any(self._is_one(_whole(parts[:width]), within=False) for width in range(1, _PARTS_OF_ONE + 1))
        )

    def _is_one(self, text: str, *, within: bool) -> bool:
        return self.one(text) is not None and (not within or any(map(str.isalpha, text)))

    def _holds_one(self, said: str) -> bool:
        """Whether a listed value stands in what 其他 says: with an amount, in brackets, behind a word of imposing."""
        plain = simplified(said)
        if any(self._is_one(piece, within=True) for piece in re.split(f"{_BRACKETS}|{_EACH.pattern}", plain) if piece):
            return True
        for word in self._words:
            before, found, after = plain.partition(word)
            if found and not before and amount_of(after) is not None:
                return True
            if found and not after and _IMPOSED.search(before):
                return True
        return False


def _parts(text: str, marks: re.Pattern[str]) -> list[_Part]:
    """What stands between the marks that are no brackets, nor within a pair of them; without what is empty."""
    balanced = is_balanced(text)
    found, mark, depth, begun = [], "", 0, 0
    for each in marks.finditer(text):
        if each[0] in _OPENING or each[0] in _CLOSING:
            depth += balanced * (1 if each[0] in _OPENING else -1)
        elif not depth:
            found.append(_Part(mark, text[begun : each.start()].strip(WHITE)))
            mark, begun = each[0], each.end()
    found.append(_Part(mark, text[begun:].strip(WHITE)))
    return [part for part in found if part.text]


def _whole(parts: list[_Part]) -> str:
    return parts[0].text + "".join(mark + text for mark, text in parts[1:])


def _close(remark: list[str] | None, found: list[str]) -> None:
    if remark:
        found.append(f"{_REMARK}{''.join(remark)}")


def _compared(text: str) -> str:
    return "".join(nfkc(text).split()).casefold()


def _loosely(text: str) -> str:
    """其它 for 其他, whichever word joins two (法人和其他组织), traditional characters, a code that became 1.0."""
    plain = simplified(_compared(bare(text).strip("。.;；,，"))).replace("其它", "其他")
    return _CONNECTIVE.sub("、", _AS_NUMBER.sub("", plain))


def _loose(known: Mapping[str, str]) -> dict[str, str]:
    """The same spellings more loosely; left out where one would stand for two values."""
    values: dict[str, set[str]] = {}
    for spelling, value in known.items():
        values.setdefault(_loosely(spelling), set()).add(value)
    return {spelling: one for spelling, (one, *more) in values.items() if not more}


def _spellings(code_set: CodeSet) -> dict[str, str]:
    active = [value for value in code_set.values if value.active]
    known: dict[str, str] = {}
    _learn(known, ((value.value, value.value) for value in active), code_set.code)
    _learn(known, ((value.name_zh, value.value) for value in active), code_set.code)
    _learn(known, ((value.name, value.value) for value in active), code_set.code)
    _learn(known, ((alias, value.value) for value in active for alias in value.aliases), code_set.code)
    return known


def _learn(known: dict[str, str], spellings: Iterable[tuple[str, str]], code_set: str) -> None:
    # A value outranks a name, a name an alias; within one rank a spelling must be clear.
    fresh: dict[str, str] = {}
    for spelling, value in spellings:
        for form in {spelling, _compared(spelling)}:
            if fresh.setdefault(form, value) != value:
                raise ValueError(f"in the code set {code_set}, {spelling!r} stands for two values")
    for form, value in fresh.items():
        known.setdefault(form, value)
