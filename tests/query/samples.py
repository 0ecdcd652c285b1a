"""Invented items and records: no real person, body or list."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID, uuid4

from creditmesh.schemas.catalogue import (
    Basis,
    CreditList,
    Disclosure,
    DisplayRule,
    FieldSpec,
    Item,
    Mask,
    Matter,
    Party,
    Purpose,
    Roles,
)
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import CatalogueChanged, RecordChanged
from creditmesh.schemas.events.catalogue import ObjectKind
from creditmesh.schemas.identifiers import SubjectKind

BASIS = (Basis(law="Sandbox rules", law_zh="沙盒规则", in_force_from=date(2010, 1, 1)),)
KINDS: tuple[SubjectKind, ...] = ("natural_person", "organisation", "sole_trader")


def an_item(
    code: str = "penalty",
    *,
    disclosure: Disclosure = "public",
    by_kind: dict[SubjectKind, Disclosure] | None = None,
    designates: str | None = None,
) -> Item:
    person = ("natural_person", "sole_trader")
    return Item(
        code=code,
        name=code,
        name_zh="测试条目",
        record_class="test",
        tier="city",
        kinds=KINDS,
        duties=("enforcement",),
        basis=BASIS,
        fields=(
            FieldSpec(
                code="NAME", name="Name", name_zh="名称", type="name", sensitive_for=person, mask=Mask(keep_left=1),
            ),
            FieldSpec(code="CODE", name="Code", name_zh="代码", type="uscc", sensitive_for=person),
            FieldSpec(code="ID", name="Number", name_zh="证件号码", type="document", sensitive=True),
            FieldSpec(
                code="BOSS", name="Representative", name_zh="法定代表人", type="name", sensitive=True,
                about="representative", mask=Mask(keep_left=1),
            ),
            FieldSpec(
                code="BOSS_ID", name="Their number", name_zh="法定代表人证件号码", type="document", sensitive=True,
                about="representative",
            ),
            FieldSpec(code="DOC", name="Document", name_zh="文书号", type="text"),
            FieldSpec(code="DAY", name="Day", name_zh="决定日期", type="date"),
            FieldSpec(code="BODY", name="Body", name_zh="机关代码", type="uscc"),
        ),
        roles=Roles(
            name="NAME", uscc="CODE", document_number="ID", representative_name="BOSS", decision_number="DOC",
            decided_on="DAY", issuer="BODY",
        ),
        nature="adverse",
        disclosure=disclosure,
        disclosure_by_kind=by_kind or {},
        display=DisplayRule(by="months", months=12),
        designates=designates,
    )  # fmt: skip


def a_record(
    *,
    item: str = "penalty",
    kind: SubjectKind = "organisation",
    subject: UUID | None = None,
    record: UUID | None = None,
    rev: int = 1,
    **more: object,
) -> RecordChanged:
    values: dict[str, object] = {
        "subject": subject or uuid4(),
        "kind": kind,
        "record": record or uuid4(),
        "revision": uuid4(),
        "rev": rev,
        "change": "accepted" if rev == 1 else "corrected",
        "item": item,
        "item_version": 1,
        "origin": "city",
        "decided_on": date(2026, 1, 5),
        "display_from": date(2026, 1, 6),
        "display_until": date(2027, 1, 5),
        "issuer": "11990000MB0000001X",
        "party": "market",
        "fields": {"NAME": "沙盒一号有限公司", "CODE": "91990000MA0000001R", "DOC": "沙监罚〔2026〕1号"},
    }
    return RecordChanged.model_validate(values | more)


@dataclass(frozen=True)
class _Event:
    number: int
    type: str
    data: bytes
    part: int = 0


def a_directory(
    items: Iterable[Item], *, withdrawn: Mapping[str, date] | None = None, nodes: Iterable[Party] = ()
) -> Directory:
    """A catalogue with these items and nodes, two departments, two bureaus, and what they may ask for."""
    items = list(items)
    codes = tuple(item.code for item in items)
    objects = [
        *(("item", item) for item in items),
        ("list", CreditList(code="black", name="Black", name_zh="黑名单", colour="black", severe=True, basis=BASIS)),
        ("matter", Matter(code="permit", name="Permit", name_zh="许可", duties=("permits",), items=codes, basis=BASIS)),
        (
            "matter",
            Matter(code="narrow", name="Narrow", name_zh="窄", duties=("permits",), items=codes[:1], basis=BASIS),
        ),
        ("purpose", _purpose("duty", "statutory", "department")),
        ("purpose", _purpose("loan", "authorisation", "bureau")),
        ("purpose", _purpose("hiring", "authorisation", "bureau")),
        ("party", _party("permits_office", "department", 1, duties=("permits",))),
        ("party", _party("library", "department", 2)),
        ("party", _party("bureau_a", "bureau", 3)),
        ("party", _party("bureau_b", "bureau", 4)),
        *(("party", node) for node in nodes),
    ]
    directory = Directory()
    for kind, body in objects:
        _publish(directory, kind, body, "published", date(2010, 1, 1))
    for item in items:
        if (day := (withdrawn or {}).get(item.code)) is not None:
            _publish(directory, "item", item, "withdrawn", day)
    return directory


def published_anew(
    directory: Directory, body: Item | CreditList, *, kind: ObjectKind = "item", effective: date = date(2010, 1, 1)
) -> None:
    """The object's next version."""
    _publish(directory, kind, body, "published", effective, number=len(directory.versions(kind, body.code)) + 1)


def _publish(directory, kind, body, state, effective, *, number=1):
    change = CatalogueChanged(
        kind=kind, code=body.code, number=number, state=state, effective=effective, body=body.model_dump(mode="json")
    )
    directory.apply(_Event(directory.number + 1, change.type, change.model_dump_json().encode()))


def _purpose(code, ground, caller):
    return Purpose(code=code, name=code, name_zh="用途", ground=ground, callers=(caller,))


def a_node(code: str, number: int, **more: object) -> Party:
    """The row of a peer."""
    return _party(code, "node", number).model_copy(update=more)


def _party(code, kind, number, duties=()):
    return Party(code=code, name=code, name_zh="机构", kind=kind, uscc=f"1199000000000{number:04d}X", duties=duties)
