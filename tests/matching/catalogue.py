"""Invented items, lists, measures and matters, published and withdrawn at will: no real person, body or list."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from creditmesh.schemas.catalogue import (
    Basis,
    CreditList,
    DisplayRule,
    FieldSpec,
    Item,
    Mask,
    Matter,
    Measure,
    Party,
    Purpose,
    Roles,
)
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import CatalogueChanged, RecordChanged
from creditmesh.schemas.rules.calendar import add_months

TODAY = date(2026, 5, 4)
EVER = date(2010, 1, 1)
BASIS = (Basis(law="Sandbox rules", law_zh="沙盒规则", in_force_from=EVER),)
PERSON = ("natural_person", "sole_trader")


def item(code: str, *, designates: str | None = None, nature: Any = "adverse", **more: Any) -> Item:
    return Item(
        code=code,
        name=code,
        name_zh="测试条目",
        record_class="test",
        tier="city",
        kinds=("natural_person", "organisation", "sole_trader"),
        duties=("enforcement",),
        basis=BASIS,
        fields=(
            FieldSpec(
                code="NAME", name="Name", name_zh="名称", type="name", sensitive_for=PERSON, mask=Mask(keep_left=1)
            ),
            FieldSpec(code="CODE", name="Code", name_zh="代码", type="uscc", sensitive_for=PERSON),
            FieldSpec(
                code="ID", name="Number", name_zh="号码", type="document", sensitive=True, mask=Mask(keep_left=6)
            ),
            FieldSpec(
                code="BOSS", name="Representative", name_zh="法定代表人", type="name", sensitive=True,
                about="representative", mask=Mask(keep_left=1),
            ),
            FieldSpec(
                code="BOSS_ID", name="Their number", name_zh="法定代表人号码", type="document", sensitive=True,
                about="representative",
            ),
            FieldSpec(code="DOC", name="Document", name_zh="文书号", type="text"),
            FieldSpec(code="DAY", name="Day", name_zh="决定日期", type="date"),
            FieldSpec(code="BODY", name="Body", name_zh="机关代码", type="uscc"),
        ),
        roles=Roles(
            name="NAME", uscc="CODE", document_number="ID", representative_name="BOSS",
            representative_document_number="BOSS_ID", decision_number="DOC", decided_on="DAY", issuer="BODY",
        ),
        nature=nature,
        disclosure=more.pop("disclosure", "public"),
        display=DisplayRule(by="months", months=12),
        designates=designates,
        **more,
    )  # fmt: skip


ITEMS = {
    "default": item("default", designates="black"),
    "arrears": item("arrears", designates="grey"),
    "penalty": item("penalty"),
    "licence": item("licence", nature="neutral"),
    "honour": item("honour", designates="red", nature="favourable"),
    "secret": item("secret", designates="black", disclosure="authorised"),
}


def a_list(code: str, colour: Any = "black") -> CreditList:
    return CreditList(code=code, name=code, name_zh="名单", colour=colour, basis=BASIS)


def measure(code: str, *lists: str, **more: Any) -> Measure:
    values = {
        "nature": "restriction",
        "kinds": ("organisation", "natural_person"),
        "matters": ("permit",),
        "duties": ("permits",),
        "basis": BASIS,
    }
    return Measure(code=code, name=code, name_zh="措施", lists=lists, **(values | more))


BAR = measure("bar", "black", "grey")
LUXURY = measure("luxury", "black", kinds=("organisation",), reaches_responsible=True, duties=("permits", "spending"))
ELSEWHERE = measure("elsewhere", "black", matters=("narrow",), duties=("spending",))
LANE = measure("lane", "red", nature="reward", clean_years=3, reaches_responsible=True)


def matter(code: str, *measures: str, items: tuple[str, ...] = (), **more: Any) -> Matter:
    values = {"duties": ("permits",), "items": items or ("default", "arrears", "penalty", "honour"), "basis": BASIS}
    return Matter(code=code, name=code, name_zh="事项", measures=measures, **(values | more))


def party(code: str, number: int, *duties: str) -> Party:
    uscc = f"1199000000000{number:04d}X"
    return Party(code=code, name=code, name_zh="机构", kind="department", uscc=uscc, duties=duties)


@dataclass(frozen=True)
class _Told:
    number: int
    type: str
    data: bytes
    part: int = 0


class Catalogue(Directory):
    """A directory to which a test tells what it likes."""

    def __init__(self) -> None:
        super().__init__()
        for body in ITEMS.values():
            self.tell("item", body)
        for body in (a_list("black"), a_list("grey"), a_list("red", "red")):
            self.tell("list", body)
        for body in (BAR, LUXURY, ELSEWHERE, LANE):
            self.tell("measure", body)
        # `elsewhere` is named by a matter that it does not name itself, and names one that does not name it.
        self.tell("matter", matter("permit", "bar", "luxury", "elsewhere", "lane"))
        self.tell("matter", matter("narrow", "bar", items=("default",)))
        self.tell("purpose", Purpose(
            code="statutory_duty", name="Duty", name_zh="履职", ground="statutory", callers=("department",)
        ))  # fmt: skip
        for place, (code, duties) in enumerate(
            {"permits_office": ("permits",), "spenders": ("spending",), "both": ("permits", "spending"), "library": ()}
            .items(), 1
        ):  # fmt: skip
            self.tell("party", party(code, place, *duties))

    def tell(
        self, kind: Any, body: Any, *, state: Any = "published", effective: date = EVER, number: int | None = None
    ) -> None:
        known = len(self.versions(kind, body.code))
        change = CatalogueChanged(
            kind=kind,
            code=body.code,
            number=number or (known + 1 if state == "published" else known),
            state=state,
            effective=effective,
            body=body.model_dump(mode="json"),
        )
        self.apply(_Told(self.number + 1, change.type, change.model_dump_json().encode()))

    def withdraw(self, kind: Any, code: str, *, on: date = TODAY) -> None:
        self.tell(kind, self.versions(kind, code)[-1].body, state="withdrawn", effective=on)


def a_record(subject: UUID, *, rev: int = 1, boss: UUID | None = None, **more: Any) -> RecordChanged:
    """A revision of a record that puts its subject on the black list, unless it says otherwise."""
    decided = more.get("decided_on", date(2026, 1, 5))
    related = [] if boss is None else [{"role": "legal_representative", "subject": boss, "part": 0}]
    values = {
        "subject": subject,
        "kind": "organisation",
        "record": uuid4(),
        "revision": uuid4(),
        "rev": rev,
        "change": "accepted" if rev == 1 else "corrected",
        "item": "default",
        "item_version": 1,
        "origin": "city",
        "decided_on": decided,
        "display_from": decided,
        "display_until": add_months(decided, 12),
        "issuer": "11990000MB0000001X",
        "party": "court",
        "fields": {"NAME": "沙盒一号有限公司", "CODE": "91990000MA0000001R", "DOC": "沙执〔2026〕1号"},
        "related": related,
    }
    return RecordChanged.model_validate(values | more)


def revised(change: RecordChanged, /, **more: Any) -> RecordChanged:
    """The next revision of a record."""
    if "boss" in more:
        boss = more.pop("boss")
        more["related"] = [] if boss is None else [{"role": "legal_representative", "subject": boss, "part": 0}]
    values = {"rev": change.rev + 1, "revision": uuid4(), "change": "corrected"}
    return RecordChanged.model_validate(change.model_dump() | values | more)
