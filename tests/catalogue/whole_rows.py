"""Rows of any shipped item, made from its fields and code sets: every number is in the sandbox region 990000."""

from datetime import date, timedelta
from functools import cache
from typing import TypeVar

from hypothesis import find, settings
from hypothesis import strategies as st

from creditmesh.ingestion.gate import Gate
from creditmesh.schemas.catalogue import CodeSet, FieldSpec, Item, Party, Rule
from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.rules.compile import CompiledItem, compile_item
from tests.ingestion.rows import resident, uscc
from tests.support.demands import whole
from tests.support.shipped import INVENTED

TODAY = date(2026, 11, 22)
PARTY = next(entry.body for entry in INVENTED if entry.code == "market_regulation")
assert isinstance(PARTY, Party)
ITEMS = [entry.body for entry in whole() if isinstance(entry.body, Item)]
SETS = {entry.code: entry.body for entry in whole() if isinstance(entry.body, CodeSet)}
RULES = [entry.body for entry in whole() if isinstance(entry.body, Rule)]
T = TypeVar("T")
_WORDS = st.sampled_from(["示例内容", "未按规定办理", "Sample; 示例（一）", "按期完成，情况属实。"])


@cache
def compiled(code: str) -> CompiledItem:
    return compile_item(next(item for item in ITEMS if item.code == code), SETS, RULES)


@cache
def gate(code: str) -> Gate:
    return Gate(compiled(code), party=PARTY, today=TODAY)


@st.composite
def rows(draw: st.DrawFn, item: Item, kind: SubjectKind) -> dict[str, str]:
    """A row about a subject of that kind: what is required, and whatever else is drawn."""
    first = min(basis.in_force_from for basis in item.basis)
    earliest = max(first, TODAY - timedelta(days=60)) if item.display.by != "until_valid" else date(2005, 1, 1)
    if item.nature == "adverse":
        earliest = max(first, TODAY - timedelta(days=60))
    decided = draw(st.dates(earliest, TODAY))
    row: dict[str, str] = {}
    for spec in item.fields:
        if _is_needed(spec, row) or (draw(st.booleans()) and _is_free(item, spec, kind)):
            row[spec.code] = _value(draw, item, spec, kind, decided)
    return row


def example(item: Item) -> dict[str, str]:
    """A row of what is required of the item, about a person where it has persons."""
    kind: SubjectKind = "natural_person" if "natural_person" in item.kinds else item.kinds[0]
    first = _First()
    row: dict[str, str] = {}
    for spec in item.fields:
        if _is_needed(spec, row):
            row[spec.code] = _value(first, item, spec, kind, TODAY - timedelta(days=30))
    return row


class _First:
    """Draws the first of whatever there is."""

    def __call__(self, strategy: st.SearchStrategy[T]) -> T:
        return find(strategy, lambda _: True, settings=settings(database=None, deadline=None))


def _is_needed(spec: FieldSpec, row: dict[str, str]) -> bool:
    return spec.required or any(
        condition.field in row and (not condition.in_values or row[condition.field] in condition.in_values)
        for condition in spec.required_if
    )


def _is_free(item: Item, spec: FieldSpec, kind: SubjectKind) -> bool:
    """What need not be there, and would say nothing else of whom the row is about."""
    roles = item.roles
    names_another = {roles.uscc, roles.registration, roles.document_number, roles.document_type, roles.procedure}
    stands_in_pairs = {roles.representative_document_type, roles.representative_document_number}
    return spec.code not in names_another | stands_in_pairs and not (
        kind == "natural_person" and spec.about == "representative"
    )


def _value(draw: st.DrawFn, item: Item, spec: FieldSpec, kind: SubjectKind, decided: date) -> str:
    person = kind == "natural_person" or spec.about == "representative"
    match spec.type:
        case "uscc":
            value = uscc(draw(st.integers(1, 999))) if spec.code == item.roles.uscc else PARTY.uscc
        case "document":
            value = (resident if person else uscc)(draw(st.integers(1, 999)))
        case "name":
            value = draw(st.sampled_from(["样甲", "样某某"] if person else ["示例贸易有限公司", "示例社团"]))
        case "date":
            value = _day(draw, spec.code, item, decided)
        case "code" | "codes":
            value = _code(draw, item, spec, kind)
        case "decimal":
            value = "0.2"
        case _:
            value = _text(draw, item, spec)
    return value


def _day(draw: st.DrawFn, code: str, item: Item, decided: date) -> str:
    if code == item.roles.valid_until:
        return draw(st.sampled_from(["2099-12-31", (TODAY + timedelta(days=400)).isoformat()]))
    return (decided if code != item.roles.display_until else decided + timedelta(days=90)).isoformat()


def _code(draw: st.DrawFn, item: Item, spec: FieldSpec, kind: SubjectKind) -> str:
    values = [value for value in SETS[spec.code_set or ""].values if value.active]
    if spec.code == item.roles.kind:
        return next(value.value for value in values if value.meaning == kind)
    if spec.code_set == "document_kind":
        return "身份证"
    if spec.code == item.roles.procedure and kind == "natural_person":
        return "普通程序"
    return draw(st.sampled_from([value.value for value in values]))


def _text(draw: st.DrawFn, item: Item, spec: FieldSpec) -> str:
    if spec.code in item.identifying:
        number = f"示认〔2026〕{draw(st.integers(1, 999))}号"
        if spec.form == "commitment":
            return f"44030020260419{draw(st.integers(1, 999_999)):06}"
        return "2026" if (spec.max_length or 99) <= 4 else number
    return draw(_WORDS)[: spec.max_length]
