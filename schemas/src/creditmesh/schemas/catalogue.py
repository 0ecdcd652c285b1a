"""What the catalogue publishes: items, lists, measures, matters, purposes, parties, code sets, rules.

These models are the shipped YAML, the body of `CatalogueChanged` and the directory's answers alike. A basis that no
source confirmed is marked `verified: false`; the operator puts it right in data, never in code.
"""

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Constraint

from creditmesh.schemas.events.record import Severity
from creditmesh.schemas.identifiers import Code, SubjectKind, Uscc

Tier = Literal["city", "province", "nation"]
Disclosure = Literal["public", "sharing", "authorised"]
"""披露方式: 公开公示, 政务共享, 授权查询."""

FieldType = Literal["text", "date", "decimal", "code", "codes", "document", "uscc", "name"]
"""`code`: one value of a code set; `codes`: several joined by `;`; `document`: a number judged by its document type."""


class _Published(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Basis(_Published):
    """The legal basis of an item or a measure: what law, which article, in force from when to when."""

    law: str
    law_zh: str
    article: str = ""
    in_force_from: date
    in_force_until: date | None = None
    level: Tier | Literal["law"] = "law"
    """Which level enacted it: a lower tier may add items only on a basis of its own level."""
    verified: bool = True
    source: str = ""


class Mask(_Published):
    """How a sensitive field is shown where it may be shown in part: keep so many characters left and right."""

    keep_left: Annotated[int, Constraint(ge=0)] = 0
    keep_right: Annotated[int, Constraint(ge=0)] = 0


class Condition(_Published):
    """The field is required where another field has one of these values (`in_values`), or any value at all (empty)."""

    field: str
    in_values: tuple[str, ...] = ()


class FieldSpec(_Published):
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


class Roles(_Published):
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


class SeverityRule(_Published):
    """The first rule that matches gives the severity; none: `general`."""

    severity: Severity
    penalty_kinds: tuple[str, ...] = ()
    fine_from: str | None = None
    """万元, inclusive."""
    note: str = ""
    verified: bool = True


class DisplayRule(_Published):
    """How long a record is shown.

    `by_severity`: months from the decision date per severity. `until_valid`: until the row's end of validity
    (2099-12-31 = open). `months`: one period for all.
    """

    by: Literal["by_severity", "until_valid", "months"]
    months: int | None = None
    minor_months: int = 3
    general_months: int = 12
    serious_months: int = 36
    note: str = ""
    verified: bool = True


class Repair(_Published):
    """Whether and from when a record can be repaired: months from the decision per severity."""

    possible: bool
    minor_months: int = 0
    general_months: int = 3
    serious_months: int = 12
    evidence: tuple[str, ...] = ()
    note: str = ""
    verified: bool = True


class Item(_Published):
    """目录条目: a kind of record that may be collected, by whom, on what basis, with which fields, shown how long."""

    code: Code
    name: str
    name_zh: str
    record_class: str
    """The class of the national catalogue."""
    tier: Tier | Literal["nation"]
    """The tier that issued the item."""
    number: Annotated[int, Constraint(ge=1)] = 1
    kinds: tuple[SubjectKind, ...]
    duties: tuple[Code, ...]
    """A party may submit the item if it has one of these duties."""
    basis: tuple[Basis, ...]
    fields: tuple[FieldSpec, ...]
    roles: Roles
    nature: Literal["neutral", "adverse", "favourable"]
    disclosure: Disclosure
    disclosure_by_kind: dict[SubjectKind, Disclosure] = {}
    """Where a kind differs: natural persons are in principle not public."""
    severity: tuple[SeverityRule, ...] = ()
    fixed_severity: Severity | None = None
    display: DisplayRule
    repair: Repair = Repair(possible=False)
    designates: Code | None = None
    """The list a record of this item puts its subject on."""
    deadline_working_days: int | None = None
    channel: str = ""
    retention_months: int = 60
    update_frequency: str = ""
    simple_procedure_value: str | None = None
    """The value of `roles.procedure` that means 简易程序; such penalties on natural persons are refused."""
    shared_upwards: bool = True
    verified: bool = True

    def disclosed(self, kind: SubjectKind) -> Disclosure:
        """How records of this item about this kind of subject may be disclosed."""
        return self.disclosure_by_kind.get(kind, self.disclosure)

    def field(self, code: str) -> FieldSpec:
        """The field of that code; KeyError if the item has none."""
        for spec in self.fields:
            if spec.code == code:
                return spec
        raise KeyError(code)


class CreditList(_Published):
    """名单: a red or black list on which records of designating items put their subjects."""

    code: Code
    name: str
    name_zh: str
    colour: Literal["black", "red"]
    severe: bool = False
    basis: tuple[Basis, ...]
    exit: str = ""
    verified: bool = True


class Measure(_Published):
    """奖惩措施: content, target, basis, body class, period: a reward or a restriction, and nothing outside the list."""

    code: Code
    name: str
    name_zh: str
    nature: Literal["reward", "restriction"]
    lists: tuple[Code, ...]
    """The lists whose members it targets."""
    kinds: tuple[SubjectKind, ...]
    matters: tuple[Code, ...]
    """The matters it applies to; none other."""
    duties: tuple[Code, ...]
    """The body class: the duty of the parties that must apply it."""
    reaches_responsible: bool = False
    months: int | None = None
    basis: tuple[Basis, ...]
    verified: bool = True


class Matter(_Published):
    """事项: what a department does for a subject: which items it may read, which measures it must check."""

    code: Code
    name: str
    name_zh: str
    duties: tuple[Code, ...]
    """A party may claim the matter if it has one of these duties."""
    items: tuple[Code, ...]
    measures: tuple[Code, ...] = ()
    basis: tuple[Basis, ...]
    verified: bool = True


class Purpose(_Published):
    """用途: why somebody asks, and on which ground; a closed list."""

    code: Code
    name: str
    name_zh: str
    ground: Literal["statutory", "authorisation"]
    callers: tuple[Literal["department", "bureau"], ...]


class Party(_Published):
    """参与方: who a department, bureau, node or association is. How it proves itself is the gateway's business."""

    code: Code
    name: str
    name_zh: str
    kind: Literal["department", "bureau", "node", "association"]
    uscc: Uscc
    duties: tuple[Code, ...] = ()
    issues_for: tuple[Uscc, ...] = ()
    """Other issuing bodies whose decisions it may submit (its sub-units); its own code always."""
    active: bool = True


class CodeValue(_Published):
    """One value of a code set, with the other spellings that are read as it."""

    value: str
    name: str
    name_zh: str
    aliases: tuple[str, ...] = ()
    meaning: str | None = None
    """What our rules call it (`natural_person`, `resident_id`), where they need to know."""
    active: bool = True


class CodeSet(_Published):
    """代码集."""

    code: Code
    name: str
    name_zh: str
    values: tuple[CodeValue, ...]
    open: bool = False
    """Whether `其他-<text>` is accepted beside the listed values."""
    source: str = ""
    verified: bool = True


class ForbiddenAttribute(_Published):
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


class Rule(_Published):
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
