"""Code sets and the attributes no record may have."""

import re

from creditmesh.schemas.catalogue.base import Basis, CatalogueModel
from creditmesh.schemas.identifiers import Code


class CodeValue(CatalogueModel):
    """One value of a code set, with the other spellings that are read as it."""

    value: str
    name: str
    name_zh: str
    aliases: tuple[str, ...] = ()
    meaning: str | None = None
    """What our rules call it (`natural_person`, `resident_id`), where they need to know."""
    active: bool = True


class CodeSet(CatalogueModel):
    """代码集."""

    code: Code
    name: str
    name_zh: str
    values: tuple[CodeValue, ...]
    open: bool = False
    """Whether `其他-<text>` is accepted beside the listed values."""
    source: str = ""
    verified: bool = True

    @property
    def spellings(self) -> tuple[str, ...]:
        """Every text that stands for one of its values in Chinese files."""
        return tuple(text for each in self.values for text in (each.value, each.name_zh, *each.aliases))


class ForbiddenAttribute(CatalogueModel):
    """An attribute of a person that the law forbids to collect, and the words a column for it would be called by."""

    code: Code
    name: str
    name_zh: str
    words: tuple[str, ...]
    """Chinese words are found anywhere in a header, others as a whole word of it (`GENE`, not `GENERAL`)."""

    def named_in(self, header: str) -> bool:
        """Whether a column of this header would hold the attribute."""
        folded = header.casefold()
        parts = set(re.split(r"[\W_]+", folded))
        return any(word.casefold() in (parts if word.isascii() else folded) for word in self.words)


class Rule(CatalogueModel):
    """规则: what no item may collect and no row may bring, whoever asks."""

    code: Code
    name: str
    name_zh: str
    forbids: tuple[ForbiddenAttribute, ...]
    basis: tuple[Basis, ...]
    verified: bool = True

    def forbidden(self, header: str) -> ForbiddenAttribute | None:
        """The attribute a column of this header would hold; None if it may be collected."""
        return next((attribute for attribute in self.forbids if attribute.named_in(header)), None)
