"""Whether an object is sound in itself and names nothing that is not there."""

from collections.abc import Iterator

from creditmesh.catalogue import item_soundness
from creditmesh.catalogue.finding import Others, P, SoundnessFinding, at, missing, unambiguous
from creditmesh.schemas.catalogue import CodeSet, CreditList, Item, Matter, Measure, Party, Procedure
from creditmesh.schemas.events.catalogue import ObjectKind
from creditmesh.schemas.histories import Published
from creditmesh.schemas.rules.coded import code_reader

DUTIES = "duty"
"""The code set of the duties; a lower tier has its own beside it, `duty.<something>`."""


def findings(body: Published, of: Others) -> Iterator[SoundnessFinding]:
    """What is wrong with the object as such."""
    if isinstance(body, Item | CreditList | Measure | Matter | Procedure):
        yield from _based(body.basis)
    if isinstance(body, Item | Measure | Matter | Party):
        yield from _duties(body.duties, of)
    match body:
        case Item():
            yield from item_soundness.findings(body, of)
            if body.designates is not None:
                colour = "red" if body.nature == "favourable" else "black"
                yield from _lists("designates", (body.designates,), colour, of)
        case Measure():
            yield from _measure(body, of)
        case Matter():
            yield from _named("items", body.items, "item", Item, of)
            yield from _named("measures", body.measures, "measure", Measure, of)
        case Procedure():
            yield from _only_one(body, of)
        case CodeSet():
            yield from _code_set(body, of)
        case _:
            return


def _measure(body: Measure, of: Others) -> Iterator[SoundnessFinding]:
    yield from _lists("lists", body.lists, "red" if body.nature == "reward" else "black", of)
    yield from _named("matters", body.matters, "matter", Matter, of)
    if body.clean_years is not None and (body.nature != "reward" or body.clean_years < 1):
        yield at("/clean_years", "clean_years", "Whole years, and only of a reward.",
                 "无不良记录年限须为正整数，且仅适用于激励措施。")  # fmt: skip
    if body.months is not None and body.months < 1:
        yield at("/months", "months", "A period has one month at least; leave it out for none of its own.",
                 "期限至少为一个月；没有自身期限的请留空。")  # fmt: skip


def _code_set(body: CodeSet, of: Others) -> Iterator[SoundnessFinding]:
    """No spelling is read as two values, and every item that names the set can still be read with it."""
    doubled = list(unambiguous("/values", [word for v in body.values for word in {v.value, *v.aliases}]))
    yield from doubled
    try:
        code_reader(body)
    except ValueError:
        if not doubled:
            yield at("/values", "ambiguous", "Two values share a name; keep one.", "两个代码值名称相同；请保留一个。")
        return
    for item in of.all(Item):
        named = any(spec.code_set == body.code for spec in item.fields)
        if named and item_soundness.resting_on_values(item, of):
            yield at("/values", "used", f"A rule of the item {item.code} rests on a value that this set has not.",
                     f"条目 {item.code} 的规则依赖本代码集中不存在的代码值。")  # fmt: skip


def _duties(duties: tuple[str, ...], of: Others) -> Iterator[SoundnessFinding]:
    """Every duty is a listed one: what is misspelt is nobody's. Where the code set is not there, none is judged."""
    sets = [each for each in of.all(CodeSet) if each.code == DUTIES or each.code.startswith(f"{DUTIES}.")]
    listed = {value.value for each in sets for value in each.values if value.active}
    for duty in sorted(set(duties) - listed) if sets else ():
        yield at("/duties", "unknown_duty", f"{duty} is no duty of the code set {DUTIES}; correct or list it.",
                 f"代码集 {DUTIES} 中没有职责 {duty}；请更正或先行列入。")  # fmt: skip


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
            yield missing(f"/{where}", code)


def _lists(where: str, codes: tuple[str, ...], colour: str, of: Others) -> Iterator[SoundnessFinding]:
    yield from _named(where, codes, "list", CreditList, of)
    for code in codes:
        found = of.get("list", code, CreditList)
        if found is not None and found.colour != colour:
            yield at(f"/{where}", "colour", "Red lists are for what is favourable, black lists for what is adverse.",
                     "红名单仅用于守信激励，黑名单仅用于失信惩戒。")  # fmt: skip
