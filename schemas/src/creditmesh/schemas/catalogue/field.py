"""The fields of an item, and which of them play the parts that every item has."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Literal, NamedTuple, get_args

from pydantic import Field as Constraint

from creditmesh.schemas.catalogue.base import CatalogueModel
from creditmesh.schemas.catalogue.narrowing import (
    FREE,
    FROZEN,
    MAX,
    SUBSET,
    SUPERSET,
    TOGETHER,
    Narrower,
    fewer,
    whole,
)
from creditmesh.schemas.identifiers import Code, SubjectKind
from creditmesh.schemas.rules.spelling import spelled

FieldType = Literal["text", "date", "decimal", "code", "codes", "document", "uscc", "name"]
"""`code`: one value of a code set; `codes`: several joined by `;`; `document`: a number judged by its document type."""
Form = Literal["commitment"]
"""承诺编码: six digits of the region, eight of the day, six of a serial number."""


class Mask(CatalogueModel):
    """How a sensitive field is shown where it may be shown in part: keep so many characters left and right."""

    keep_left: Annotated[int, Constraint(ge=0), MAX] = 0
    keep_right: Annotated[int, Constraint(ge=0), MAX] = 0


class Condition(CatalogueModel):
    """The field is required where another field has one of these values (`in_values`), or any value at all (empty)."""

    field: Annotated[str, TOGETHER]
    in_values: Annotated[tuple[str, ...], TOGETHER] = ()


_WHOLE = (10**6, 10**6)
_HIDDEN = (-1, -1)


def _shows_no_more(new: "FieldSpec", old: "FieldSpec") -> bool:
    pairs = ((new.shown_of(kind), old.shown_of(kind)) for kind in get_args(SubjectKind))
    return all(mine[0] <= theirs[0] and mine[1] <= theirs[1] for mine, theirs in pairs)


class FieldSpec(CatalogueModel):
    """One field of an item, in catalogue order."""

    code: Annotated[str, Constraint(pattern=r"^[A-Z][A-Z0-9_]{0,40}$"), FROZEN]
    name: Annotated[str, FREE]
    name_zh: Annotated[str, TOGETHER]
    aliases: Annotated[tuple[str, ...], TOGETHER] = ()
    """Other headers departments use for it (`CF_FDDB` for `CF_FRDB`), codes or Chinese names."""
    type: Annotated[FieldType, FROZEN]
    max_length: Annotated[int | None, MAX] = None
    scale: Annotated[int | None, FROZEN] = None
    """Decimal places of a `decimal`."""
    unit: Annotated[str | None, FROZEN] = None
    maximum: Annotated[str | None, MAX] = None
    """A `decimal` above this is held for review (a decimal string in the field's unit)."""
    form: Annotated[Form | None, FROZEN] = None
    """The fixed form of a number: what has it is not searched for numbers of persons, which parts of it read as."""
    required: Annotated[bool, FREE] = False
    required_if: Annotated[tuple[Condition, ...], FREE] = ()
    code_set: Annotated[Code | None, FROZEN] = None
    sensitive: Annotated[bool, TOGETHER] = False
    sensitive_for: Annotated[tuple[SubjectKind, ...], TOGETHER] = ()
    """Kinds of subject for whom it is sensitive although it is not for all: an organisation's name is public, a
    person's is not, and both stand in one column."""
    about: Annotated[Literal["subject", "representative"], FROZEN] = "subject"
    """Whose data a sensitive field is: it is sealed under that person's key."""
    mask: Annotated[Mask | None, whole(_shows_no_more)] = None
    """None: a sensitive field is hidden whole."""
    note: Annotated[str, FREE] = ""
    verified: Annotated[bool, FREE] = True

    @property
    def names(self) -> tuple[str, ...]:
        """What a column of it may be called: its code, its Chinese name, its aliases."""
        return (self.code, self.name_zh, *self.aliases)

    def sealed_for(self, kind: SubjectKind) -> bool:
        """Whether its value in a record about this kind of subject is sensitive."""
        return self.sensitive or kind in self.sensitive_for

    def shown_of(self, kind: SubjectKind) -> tuple[int, int]:
        """How many characters left and right are shown where it may be shown in part, about this kind of subject."""
        if not self.sealed_for(kind):
            return _WHOLE
        return _HIDDEN if self.mask is None else (self.mask.keep_left, self.mask.keep_right)


def _fewer_and_named_as_before(new: tuple[FieldSpec, ...], old: tuple[FieldSpec, ...]) -> Iterator[str]:
    yield from fewer("code").wider(new, old)
    meant = {spelled(name): spec.code for spec in old for name in spec.names}
    for spec in new:
        if any(meant.get(spelled(name), spec.code) != spec.code for name in spec.names):
            yield f"/{spec.code}"


FIELDS = Narrower(_fewer_and_named_as_before)
"""Fields may be taken away and narrowed, and what named one of them names the same one, or none: else its columns would
go into another, which may be public."""


class Roles(CatalogueModel):
    """Which of the item's fields play the parts that every item has; None where it has no such field."""

    name: Annotated[str, FROZEN]
    kind: Annotated[str | None, FROZEN] = None
    """The field with 相对人类别; None: the item is for one kind only."""
    uscc: Annotated[str | None, SUBSET] = None
    registration: Annotated[str | None, SUBSET] = None
    document_type: Annotated[str | None, SUBSET] = None
    """None where the item has a `document_number`: resident identity numbers only."""
    document_number: Annotated[str | None, SUBSET] = None
    """May be the field of `uscc` too, where one column has either number."""
    representative_name: Annotated[str | None, SUBSET] = None
    representative_document_type: Annotated[str | None, SUBSET] = None
    representative_document_number: Annotated[str | None, SUBSET] = None
    decision_number: Annotated[str, FROZEN]
    """文书号: with item, subject, issuer and origin the natural key."""
    decided_on: Annotated[str, FROZEN]
    issuer: Annotated[str, FROZEN]
    """The issuing body's 18-character code."""
    source: Annotated[str | None, SUPERSET] = None
    """数据来源单位代码: must be the submitting party's."""
    display_until: Annotated[str | None, SUPERSET] = None
    """公示截止期 of the row: the earlier of this and the rule's holds."""
    valid_from: Annotated[str | None, SUPERSET] = None
    valid_until: Annotated[str | None, FROZEN] = None
    penalty_kinds: Annotated[str | None, FROZEN] = None
    fine: Annotated[str | None, FROZEN] = None
    """罚款金额, in 万元."""
    content: Annotated[str | None, SUPERSET] = None
    """处罚内容: free text; an amount in 元 there that differs from `fine` holds the row for review."""
    procedure: Annotated[str | None, SUPERSET] = None
    """案件程序类别, where the item has it."""

    @cached_property
    def judged(self) -> tuple[str, ...]:
        """The fields that a record's severity and end are judged from; they are clear in every record."""
        played = (getattr(self, role) for role, demand in DEMANDS.items() if demand.clear)
        return tuple(code for code in played if code is not None)


class Demand(NamedTuple):
    """What a role demands of the field that plays it."""

    types: frozenset[FieldType]
    required: bool = False
    sealed_for: tuple[SubjectKind, ...] = ()
    """The kinds of subject for whom it names a person, so that it is sealed in records about them."""
    about: Literal["subject", "representative"] = "subject"
    shown: int | None = None
    """The most characters that its mask may keep; None: it names nobody."""
    clear: bool = False
    """Never sealed: how serious a record is and when it ends is judged from it, anew under the law of each day."""


_PERSON: tuple[SubjectKind, ...] = ("natural_person",)
_EVERY: tuple[SubjectKind, ...] = get_args(SubjectKind)
_NAME: frozenset[FieldType] = frozenset({"name", "text"})
_NUMBER: frozenset[FieldType] = frozenset({"document"})
_CODED: frozenset[FieldType] = frozenset({"code"})
_DATE: frozenset[FieldType] = frozenset({"date"})
_USCC: frozenset[FieldType] = frozenset({"uscc"})
_TEXT: frozenset[FieldType] = frozenset({"text"})
_NAME_SHOWN, _NUMBER_SHOWN = 2, 10

DEMANDS: Mapping[str, Demand] = {
    "name": Demand(_NAME, required=True, sealed_for=_PERSON, shown=_NAME_SHOWN),
    "kind": Demand(_CODED, required=True),
    "uscc": Demand(_USCC | _NUMBER, sealed_for=_PERSON, shown=_NUMBER_SHOWN),
    "registration": Demand(_TEXT | _NUMBER, sealed_for=_PERSON, shown=_NUMBER_SHOWN),
    "document_type": Demand(_CODED),
    "document_number": Demand(_NUMBER, sealed_for=_PERSON, shown=_NUMBER_SHOWN),
    "representative_name": Demand(_NAME, sealed_for=_EVERY, about="representative", shown=_NAME_SHOWN),
    "representative_document_type": Demand(_CODED),
    "representative_document_number": Demand(_NUMBER, sealed_for=_EVERY, about="representative", shown=0),
    "decision_number": Demand(_TEXT, required=True),
    "decided_on": Demand(_DATE, required=True),
    "issuer": Demand(_USCC, required=True),
    "source": Demand(_USCC),
    "display_until": Demand(_DATE, clear=True),
    "valid_from": Demand(_DATE),
    "valid_until": Demand(_DATE, clear=True),
    "penalty_kinds": Demand(frozenset({"code", "codes"}), clear=True),
    "fine": Demand(frozenset({"decimal"}), clear=True),
    "content": Demand(_TEXT),
    "procedure": Demand(_CODED | _TEXT, clear=True),
}
"""Every role of `Roles`. The rules read these fields unseen: what they rest on is judged when an item is published."""

_BY_TYPE = {
    ("name", "subject"): "name",
    ("document", "subject"): "document_number",
    ("name", "representative"): "representative_name",
    ("document", "representative"): "representative_document_number",
}


def demand_of(spec: FieldSpec) -> Demand | None:
    """What is demanded of a field that plays no role: one of these types names or numbers a person all the same."""
    role = _BY_TYPE.get((spec.type, spec.about))
    return None if role is None else DEMANDS[role]._replace(required=False)
