"""Whether an object is sound in itself and names nothing that is not there."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import NamedTuple, Protocol, TypeVar

from creditmesh.schemas.catalogue import CodeSet, CreditList, FieldSpec, Item, Matter, Measure, Procedure, Rule
from creditmesh.schemas.directory import Published
from creditmesh.schemas.events.catalogue import ObjectKind
from creditmesh.schemas.rules.headers import all_names, spelled

P = TypeVar("P", bound=Published)


class SoundnessFinding(NamedTuple):
    """One thing that is wrong, and where in the object."""

    pointer: str
    code: str
    detail: str
    detail_zh: str


class Others(Protocol):
    """The other objects an object may name."""

    def get(self, kind: ObjectKind, code: str, model: type[P]) -> P | None:
        """The object of that code, or None."""

    def all(self, model: type[P]) -> Iterator[P]:
        """Every object of that kind."""


def at(pointer: str, code: str, detail: str, detail_zh: str) -> SoundnessFinding:
    """A finding at a place of the object (a JSON Pointer)."""
    return SoundnessFinding(pointer, code, detail, detail_zh)


def findings(body: Published, of: Others) -> Iterator[SoundnessFinding]:
    """What is wrong with the object as such."""
    match body:
        case Item():
            yield from _item(body, of)
        case CreditList():
            yield from _based(body.basis)
        case Measure():
            yield from _based(body.basis)
            yield from _lists("lists", body.lists, "red" if body.nature == "reward" else "black", of)
            yield from _named("matters", body.matters, "matter", Matter, of)
            if body.clean_years is not None and (body.nature != "reward" or body.clean_years < 1):
                yield at("/clean_years", "clean_years", "Whole years, and only of a reward.",
                         "无不良记录年限须为正整数，且仅适用于激励措施。")  # fmt: skip
        case Matter():
            yield from _based(body.basis)
            yield from _named("items", body.items, "item", Item, of)
            yield from _named("measures", body.measures, "measure", Measure, of)
        case Procedure():
            yield from _based(body.basis)
            yield from _only_one(body, of)
        case CodeSet():
            yield from _unambiguous("/values", [word for v in body.values for word in {v.value, *v.aliases}])
        case _:
            return


def _item(item: Item, of: Others) -> Iterator[SoundnessFinding]:
    yield from _based(item.basis)
    codes = {spec.code for spec in item.fields}
    yield from _unambiguous("/fields", [name for spec in item.fields for name in set(map(spelled, all_names(spec)))])
    for role, code in item.roles:
        if code is not None and code not in codes:
            yield _missing(f"/roles/{role}", code)
    if len(item.kinds) > 1 and item.roles.kind is None:
        yield at("/roles/kind", "kind", "An item for several kinds needs a field that tells them apart.",
                 "适用多类主体的条目须有相对人类别字段。")  # fmt: skip
    if item.designates is not None:
        yield from _lists("designates", (item.designates,), "red" if item.nature == "favourable" else "black", of)
    for spec in item.fields:
        yield from _field(spec, codes, of)
    yield from _kinds(item, of)


def _field(spec: FieldSpec, codes: set[str], of: Others) -> Iterator[SoundnessFinding]:
    pointer = f"/fields/{spec.code}"
    for rule in of.all(Rule):
        found = [rule.forbidden(header) for header in (spec.code, spec.name, spec.name_zh, *spec.aliases)]
        if any(found):
            yield at(
                pointer, "forbidden_attribute", "The law forbids to collect this attribute.", "法律禁止采集该信息。"
            )
    if (spec.type in {"code", "codes"}) != (spec.code_set is not None):
        yield at(
            pointer, "code_set", "A field of codes names its code set, no other does.", "代码字段须且仅须指定代码集。"
        )
    if spec.code_set is not None and of.get("code_set", spec.code_set, CodeSet) is None:
        yield _missing(f"{pointer}/code_set", spec.code_set)
    for condition in spec.required_if:
        if condition.field not in codes:
            yield _missing(f"{pointer}/required_if", condition.field)
    if spec.maximum is not None and not _is_decimal(spec.maximum):
        yield at(f"{pointer}/maximum", "decimal", "The maximum is a decimal number.", "上限须为十进制数。")


def _kinds(item: Item, of: Others) -> Iterator[SoundnessFinding]:
    """The values that rules rest on: kinds of subject have their meaning, kinds of penalty are listed."""
    specs = {spec.code: spec for spec in item.fields}

    def values(role: str | None) -> CodeSet | None:
        spec = specs.get(role or "")
        return of.get("code_set", spec.code_set, CodeSet) if spec is not None and spec.code_set is not None else None

    kinds = values(item.roles.kind)
    for kind in item.kinds if kinds is not None else ():
        if kinds is not None and kind not in {value.meaning for value in kinds.values}:
            yield _missing("/roles/kind", kind)
    for rule in item.severity:
        if rule.fine_from is not None and not _is_decimal(rule.fine_from):
            yield at("/severity", "decimal", "The amount is a decimal number.", "金额须为十进制数。")
    penalties = values(item.roles.penalty_kinds)
    for rule in item.severity if penalties is not None else ():
        for word in rule.penalty_kinds:
            if penalties is not None and word not in {value.value for value in penalties.values}:
                yield _missing("/severity", word)


def _based(basis: tuple[object, ...]) -> Iterator[SoundnessFinding]:
    if not basis:
        yield at("/basis", "no_basis", "Nothing is published without a legal basis.", "没有法定依据不得发布。")


def _only_one(body: Procedure, of: Others) -> Iterator[SoundnessFinding]:
    if any(other.case == body.case and other.code != body.code for other in of.all(Procedure)):
        yield at("/case", "case_taken", "Another procedure has the clocks of this kind of case; change that one.",
                 "该类案件已有办理程序；请修改原程序。")  # fmt: skip


def _named(
    where: str, codes: tuple[str, ...], kind: ObjectKind, model: type[P], of: Others
) -> Iterator[SoundnessFinding]:
    for code in codes:
        if of.get(kind, code, model) is None:
            yield _missing(f"/{where}", code)


def _lists(where: str, codes: tuple[str, ...], colour: str, of: Others) -> Iterator[SoundnessFinding]:
    yield from _named(where, codes, "list", CreditList, of)
    for code in codes:
        found = of.get("list", code, CreditList)
        if found is not None and found.colour != colour:
            yield at(f"/{where}", "colour", "Red lists are for what is favourable, black lists for what is adverse.",
                     "红名单仅用于守信激励，黑名单仅用于失信惩戒。")  # fmt: skip


def _missing(pointer: str, what: str) -> SoundnessFinding:
    return at(pointer, "not_there", f"{what} is not there; publish it first or with this.",
              f"{what} 不存在；请先行或同时发布。")  # fmt: skip


def _unambiguous(pointer: str, words: list[str]) -> Iterator[SoundnessFinding]:
    for word in sorted(word for word, count in Counter(words).items() if count > 1):
        yield at(pointer, "ambiguous", f"{word} names two things; keep one.", f"{word} 重复；请保留一个。")


def _is_decimal(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False
