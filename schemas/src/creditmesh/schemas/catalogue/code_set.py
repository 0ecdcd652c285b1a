"""Code sets and the attributes no record may have."""

import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Annotated

from creditmesh.schemas.catalogue.base import Basis, CatalogueModel
from creditmesh.schemas.catalogue.narrowing import FREE, FROZEN, MAX, SUBSET, SUPERSET, Narrower, fewer, more
from creditmesh.schemas.identifiers import Code

NUMBER_FILLERS, DECISION_FILLERS = "number_filler", "decision_filler"
"""The code sets with the words that stand where a number should: any number, and a decision's, where both do."""
STEMS = "penalty_stem"
"""The code set with the words by which a listed kind of penalty is meant though it is written otherwise."""
_STRICTER_WITH_MORE = (NUMBER_FILLERS, DECISION_FILLERS, STEMS)


class CodeValue(CatalogueModel):
    """One value of a code set, with the other spellings that are read as it."""

    value: Annotated[str, FROZEN]
    name: Annotated[str, FROZEN]
    name_zh: Annotated[str, FROZEN]
    aliases: Annotated[tuple[str, ...], SUBSET] = ()
    meaning: Annotated[str | None, FROZEN] = None
    """What our rules call it (`natural_person`, `resident_id`), where they need to know."""
    active: Annotated[bool, MAX] = True
    adverse: Annotated[bool, FROZEN] = False
    """Whether it says a breach: a record that says one is rated, ends and is repaired as what is adverse."""


def _value_widens(new: "CodeSet", old: "CodeSet") -> Iterator[str]:
    # What is listed in these is refused in a row or held: the fewer the words, the more rows are taken.
    if not old.is_stricter_with_more:
        yield from fewer("value").wider(new.values, old.values)
    elif not set(new.spellings) >= set(old.spellings):
        yield ""


class CodeSet(CatalogueModel):
    """代码集."""

    code: Annotated[Code, FROZEN]
    name: Annotated[str, FREE]
    name_zh: Annotated[str, FREE]
    values: Annotated[tuple[CodeValue, ...], Narrower(_value_widens, whole=True)]
    open: Annotated[bool, MAX] = False
    """Whether `其他-<text>` is accepted beside the listed values."""
    source: Annotated[str, FREE] = ""
    verified: Annotated[bool, FREE] = True

    @property
    def is_stricter_with_more(self) -> bool:
        """Whether each value is one more that no row may have: then more of them narrow."""
        return self.code in _STRICTER_WITH_MORE

    @property
    def spellings(self) -> tuple[str, ...]:
        """Every text that stands for one of its values in Chinese files."""
        return tuple(text for each in self.values for text in (each.value, each.name_zh, *each.aliases))


class ForbiddenAttribute(CatalogueModel):
    """An attribute of a person that the law forbids to collect, and the words a column for it would be called by."""

    code: Annotated[Code, FROZEN]
    name: Annotated[str, FREE]
    name_zh: Annotated[str, FREE]
    words: Annotated[tuple[str, ...], SUPERSET]
    """Chinese words are found anywhere in a header, others as a whole word of it (`GENE`, not `GENERAL`)."""
    unless: Annotated[tuple[str, ...], SUBSET] = ()
    """Chinese words of which a part only reads as one of the words (没收入库 for 收入): they are passed over."""

    def named_in(self, folded: str, parts: AbstractSet[str]) -> bool:
        """Whether a column of this header, folded and in words, would hold the attribute."""
        for innocent in self.unless:
            folded = folded.replace(innocent, " ")
        return any(word.casefold() in (parts if word.isascii() else folded) for word in self.words)


class Rule(CatalogueModel):
    """规则: what no item may collect and no row may bring, whoever asks."""

    code: Annotated[Code, FROZEN]
    name: Annotated[str, FREE]
    name_zh: Annotated[str, FREE]
    forbids: Annotated[tuple[ForbiddenAttribute, ...], more("code")]
    basis: Annotated[tuple[Basis, ...], FREE]
    verified: Annotated[bool, FREE] = True

    def forbidden(self, header: str) -> ForbiddenAttribute | None:
        """The attribute a column of this header would hold; None if it may be collected."""
        folded = header.casefold()
        parts = set(re.split(r"[\W_]+", folded))
        return next((attribute for attribute in self.forbids if attribute.named_in(folded, parts)), None)
