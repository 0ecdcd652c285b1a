"""The fields of an item, and which of them play the parts that every item has."""

from typing import Annotated, Literal

from pydantic import Field as Constraint

from creditmesh.schemas.catalogue.base import CatalogueModel
from creditmesh.schemas.identifiers import Code, SubjectKind

FieldType = Literal["text", "date", "decimal", "code", "codes", "document", "uscc", "name"]
"""`code`: one value of a code set; `codes`: several joined by `;`; `document`: a number judged by its document type."""


class Mask(CatalogueModel):
    """How a sensitive field is shown where it may be shown in part: keep so many characters left and right."""

    keep_left: Annotated[int, Constraint(ge=0)] = 0
    keep_right: Annotated[int, Constraint(ge=0)] = 0


class Condition(CatalogueModel):
    """The field is required where another field has one of these values (`in_values`), or any value at all (empty)."""

    field: str
    in_values: tuple[str, ...] = ()


class FieldSpec(CatalogueModel):
    """One field of an item, in catalogue order."""

    code: Annotated[str, Constraint(pattern=r"^[A-Z][A-Z0-9_]{0,40}$")]
    name: str
    name_zh: str
    aliases: tuple[str, ...] = ()
    """Other headers departments use for it (`CF_FDDB` for `CF_FRDB`), codes or Chinese names."""
    type: FieldType
    max_length: int | None = None
    scale: int | None = None
    """Decimal places of a `decimal`."""
    unit: str | None = None
    maximum: str | None = None
    """A `decimal` above this is held for review (a decimal string in the field's unit)."""
    required: bool = False
    required_if: tuple[Condition, ...] = ()
    code_set: Code | None = None
    sensitive: bool = False
    sensitive_for: tuple[SubjectKind, ...] = ()
    """Kinds of subject for whom it is sensitive although it is not for all: an organisation's name is public, a
    person's is not, and both stand in one column."""
    about: Literal["subject", "representative"] = "subject"
    """Whose data a sensitive field is: it is sealed under that person's key."""
    mask: Mask | None = None
    """None: a sensitive field is hidden whole."""
    note: str = ""
    verified: bool = True

    def sealed_for(self, kind: SubjectKind) -> bool:
        """Whether its value in a record about this kind of subject is sensitive."""
        return self.sensitive or kind in self.sensitive_for


class Roles(CatalogueModel):
    """Which of the item's fields play the parts that every item has; None where it has no such field."""

    name: str
    kind: str | None = None
    """The field with 相对人类别; None: the item is for one kind only."""
    uscc: str | None = None
    registration: str | None = None
    document_type: str | None = None
    """None where the item has a `document_number`: resident identity numbers only."""
    document_number: str | None = None
    """May be the field of `uscc` too, where one column has either number."""
    representative_name: str | None = None
    representative_document_type: str | None = None
    representative_document_number: str | None = None
    decision_number: str
    """文书号: with item, subject, issuer and origin the natural key."""
    decided_on: str
    issuer_name: str | None = None
    issuer: str
    """The issuing body's 18-character code."""
    source: str | None = None
    """数据来源单位代码: must be the submitting party's."""
    display_until: str | None = None
    """公示截止期 of the row: the earlier of this and the rule's holds."""
    valid_from: str | None = None
    valid_until: str | None = None
    penalty_kinds: str | None = None
    fine: str | None = None
    """罚款金额, in 万元."""
    content: str | None = None
    """处罚内容: free text; an amount in 元 there that differs from `fine` holds the row for review."""
    procedure: str | None = None
    """案件程序类别, where the item has it."""
