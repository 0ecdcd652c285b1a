"""Whether every row of an item can be read and judged, every rule of it fires, and what names a person is sealed.

What a role demands of its field is one table (`schemas.catalogue.DEMANDS`); what is read is what is compiled.
"""

from collections.abc import Iterator, Sequence
from typing import get_args

from creditmesh.catalogue.finding import Others, SoundnessFinding, at, is_decimal, missing, never_fires, unambiguous
from creditmesh.schemas.catalogue import DEMANDS, CodeSet, FieldSpec, Item, Roles, Rule
from creditmesh.schemas.catalogue.field import Demand, demand_of
from creditmesh.schemas.identifiers import DocumentType, SubjectKind
from creditmesh.schemas.rules.columns import column
from creditmesh.schemas.rules.compile import compile_item
from creditmesh.schemas.rules.decision_numbers import LONGEST
from creditmesh.schemas.rules.spelling import spelled

_LEAST_RETENTION = 6
"""Months: the term to bring suit (行政诉讼法 art. 46)."""
_OF_BODIES = frozenset({"uscc", "registration"})


def findings(item: Item, of: Others) -> Iterator[SoundnessFinding]:
    """What is wrong with the item."""
    codes = [spec.code for spec in item.fields]
    names = [name for spec in item.fields for name in set(map(spelled, spec.names))]
    amounts = [rule.fine_from for rule in item.severity if rule.fine_from is not None]
    found = [
        *unambiguous("/fields", names),
        *(wrong for spec in item.fields for wrong in _field(spec, set(codes), of)),
        *(wrong for spec in item.fields if spec.code in item.identifying for wrong in _identifies(spec)),
        *(missing(f"/roles/{role}", code) for role, code in item.roles if code is not None and code not in codes),
    ]
    if not all(map(is_decimal, amounts)):
        found.append(at("/severity", "decimal", "The amount is a decimal number.", "金额须为十进制数。"))
    yield from found
    if not found:
        yield from _roles(item)
        yield from _display(item)
        yield from _fires(item)
        yield from _says_no_breach(item, of)
        yield from resting_on_values(item, of)


def resting_on_values(item: Item, of: Others) -> Sequence[SoundnessFinding]:
    """What is wrong with the values of code sets that its rules rest on, and whether it can be compiled with them."""
    return of.once(("values", item.code), lambda: tuple(_resting_on_values(item, of)))


def _resting_on_values(item: Item, of: Others) -> Iterator[SoundnessFinding]:
    sets = {spec.code: _set_of(spec, of) for spec in item.fields}
    kinds = sets.get(item.roles.kind or "")
    for kind in item.kinds if kinds is not None else ():
        if kinds is not None and kind not in {value.meaning for value in kinds.values}:
            yield missing("/roles/kind", kind)
    for role, code in (("kind", item.roles.kind), *_document_types(item.roles)):
        yield from _meanings(role, None if code is None else sets.get(code))
    penalties = sets.get(item.roles.penalty_kinds or "")
    for word in (word for rule in item.severity for word in rule.penalty_kinds):
        if penalties is not None and word not in {value.value for value in penalties.values}:
            yield missing("/severity", word)
    try:
        compile_item(item, {each.code: each for each in sets.values() if each is not None}, tuple(of.all(Rule)))
    except (KeyError, ValueError) as error:
        yield at("", "not_compiled", f"No row can be read with it: {error}.", f"无法据此读取任何数据：{error}。")
    else:
        yield from _values(item, sets)


def _field(spec: FieldSpec, codes: set[str], of: Others) -> Iterator[SoundnessFinding]:
    pointer = f"/fields/{spec.code}"
    for rule in of.all(Rule):
        if any(rule.forbidden(header) for header in (spec.code, spec.name, spec.name_zh, *spec.aliases)):
            yield at(
                pointer, "forbidden_attribute", "The law forbids to collect this attribute.", "法律禁止采集该信息。"
            )
    if (spec.type in {"code", "codes"}) != (spec.code_set is not None):
        yield at(
            pointer, "code_set", "A field of codes names its code set, no other does.", "代码字段须且仅须指定代码集。"
        )
    if spec.code_set is not None and of.get("code_set", spec.code_set, CodeSet) is None:
        yield missing(f"{pointer}/code_set", spec.code_set)
    for condition in spec.required_if:
        if condition.field not in codes:
            yield missing(f"{pointer}/required_if", condition.field)
    if spec.maximum is not None and not is_decimal(spec.maximum):
        yield at(f"{pointer}/maximum", "decimal", "The maximum is a decimal number.", "上限须为十进制数。")


def _identifies(spec: FieldSpec) -> Iterator[SoundnessFinding]:
    """What tells records apart is compared in every spelling: such a text has an end."""
    if spec.type in {"text", "name"} and (spec.max_length is None or spec.max_length > LONGEST):
        yield at(f"/fields/{spec.code}/max_length", "key_length",
                 f"{spec.code} tells records apart; give it a max_length of at most {LONGEST}.",
                 f"{spec.code} 用于区分记录；请将 max_length 设为不超过 {LONGEST}。")  # fmt: skip


def _roles(item: Item) -> Iterator[SoundnessFinding]:
    """What the table of roles demands, and the roles without which a kind of subject has no name."""
    played = {code for _, code in item.roles}
    for role, code in item.roles:
        if code is not None:
            yield from _meets(item, f"/roles/{role}", DEMANDS[role], item.field(code))
    for spec in item.fields:
        demand = None if spec.code in played else demand_of(spec)
        if demand is not None:
            yield from _meets(item, f"/fields/{spec.code}", demand, spec)
    if len(item.kinds) > 1 and item.roles.kind is None:
        yield at("/roles/kind", "kind", "An item for several kinds needs a field that tells them apart.",
                 "适用多类主体的条目须有相对人类别字段。")  # fmt: skip
    if "natural_person" in item.kinds and item.roles.document_number is None:
        yield _needed("document_number", "An item about persons needs the field of their number.",
                      "适用自然人的条目须有证件号码字段。")  # fmt: skip
    if {"organisation", "sole_trader"} & set(item.kinds) and item.roles.uscc is None:
        yield _needed("uscc", "An item about organisations needs the field of their code.",
                      "适用法人及非法人组织的条目须有统一社会信用代码字段。")  # fmt: skip


def _meets(item: Item, pointer: str, demand: Demand, spec: FieldSpec) -> Iterator[SoundnessFinding]:
    if spec.type not in demand.types:
        wanted = " or ".join(sorted(demand.types))
        yield at(pointer, "role_type", f"{spec.code} is of type {spec.type}; the role needs {wanted}.",
                 f"{spec.code} 的类型为 {spec.type}；该角色须为 {wanted}。")  # fmt: skip
    if demand.required and not spec.required:
        yield at(pointer, "role_required", f"No row can do without {spec.code}; make it required.",
                 f"任何一行都不能缺少 {spec.code}；请设为必填。")  # fmt: skip
    kinds: set[SubjectKind] = set(demand.sealed_for) & set(item.kinds)
    if any(not spec.sealed_for(kind) for kind in kinds):
        yield at(pointer, "role_sealed", f"{spec.code} names or numbers a person; make it sensitive for "
                 f"{', '.join(sorted(kinds))}.",
                 f"{spec.code} 可识别个人；请对 {'、'.join(sorted(kinds))} 设为敏感。")  # fmt: skip
    if demand.clear and any(spec.sealed_for(kind) for kind in item.kinds):
        yield at(pointer, "role_clear", f"When a record ends is judged from {spec.code}; it cannot be sensitive.",
                 f"记录的公示期限依 {spec.code} 判定；不得设为敏感。")  # fmt: skip
    if spec.about != demand.about and demand.sealed_for:
        yield at(pointer, "role_about", f"{spec.code} is about the {demand.about}; say so.",
                 f"{spec.code} 属于 {demand.about} 的信息；请更正 about。")  # fmt: skip
    if kinds and spec.mask is not None and spec.mask.keep_left + spec.mask.keep_right > (demand.shown or 0):
        yield at(pointer, "role_shown", f"The mask of {spec.code} may keep {demand.shown or 0} characters at most.",
                 f"{spec.code} 的脱敏规则最多保留 {demand.shown or 0} 个字符。")  # fmt: skip


def _display(item: Item) -> Iterator[SoundnessFinding]:
    """A record ends: an adverse one always, any other when its rule says; and is kept while it may be sued over."""
    rule = item.display
    if rule.by == "months" and not rule.months:
        yield at("/display/months", "endless", "A display by months says how many.", "按月数公示须写明月数。")
    if rule.by == "until_valid":
        until = item.roles.valid_until
        if until is None or not item.field(until).required:
            yield at("/display/by", "endless", "A display until the end of validity needs that role, a required field.",
                     "公示至有效期止须有必填的有效期至字段。")  # fmt: skip
    if item.retention_months < _LEAST_RETENTION:
        yield at("/retention_months", "retention_short",
                 f"Keep records for at least {_LEAST_RETENTION} months after they ended: they can be sued over.",
                 f"记录终止后须至少保存 {_LEAST_RETENTION} 个月，与行政诉讼起诉期限一致。")  # fmt: skip


def _fires(item: Item) -> Iterator[SoundnessFinding]:
    """Rules that rest on a role which the item has not."""
    roles, rules = item.roles, item.severity
    if item.simple_procedure_value is not None and roles.procedure is None:
        yield never_fires("/simple_procedure_value", "the item has no role procedure", "条目没有案件程序字段")
    if any(rule.simple_procedure for rule in rules) and item.simple_procedure_value is None:
        yield never_fires("/severity", "the item does not say what simple procedure is", "条目未写明简易程序的代码值")
    if any(rule.penalty_kinds for rule in rules) and roles.penalty_kinds is None:
        yield never_fires("/severity", "the item has no role penalty_kinds", "条目没有处罚类别字段")
    if any(rule.fine_from is not None for rule in rules) and roles.fine is None:
        yield never_fires("/severity", "the item has no role fine", "条目没有罚款金额字段")


def _says_no_breach(item: Item, of: Others) -> Iterator[SoundnessFinding]:
    """What protects from a breach for ever (its class, its end, its repair) hangs on the nature of the item."""
    sets = ((spec.code, _set_of(spec, of)) for spec in item.fields if item.nature != "adverse")
    for code, values in ((code, found.values) for code, found in sets if found is not None):
        for value in (each for each in values if each.adverse and each.active):
            yield at(f"/fields/{code}/code_set", "adverse_value",
                     f"{value.value} says a breach, and the item is not adverse; collect it by an adverse item.",
                     f"代码值 {value.value} 属失信内容，而条目并非失信类；请另设失信类条目归集。")  # fmt: skip


def _meanings(role: str, values: CodeSet | None) -> Iterator[SoundnessFinding]:
    """What a kind or a document means is something that our rules know."""
    known = set(get_args(SubjectKind)) if role == "kind" else set(get_args(DocumentType)) - _OF_BODIES
    for value in values.values if values is not None else ():
        if value.active and value.meaning is not None and value.meaning not in known:
            yield at(f"/roles/{role}", "meaning", f"No rule knows the meaning {value.meaning} of {value.value}; "
                     f"use one of {', '.join(sorted(known))}.",
                     f"代码值 {value.value} 的含义 {value.meaning} 无法识别；"
                     f"请使用 {'、'.join(sorted(known))}。")  # fmt: skip


def _values(item: Item, sets: dict[str, CodeSet | None]) -> Iterator[SoundnessFinding]:
    """The values that conditions and the simple procedure name are values that a row may have."""
    specs = {spec.code: spec for spec in item.fields}

    def has(code: str, value: str) -> bool:
        return column(specs[code], sets[code]).read(value) is not None

    for spec in item.fields:
        for condition in spec.required_if:
            for value in condition.in_values:
                if not has(condition.field, value):
                    yield never_fires(f"/fields/{spec.code}/required_if", f"{value} is no value of {condition.field}",
                                      f"{value} 不是 {condition.field} 的值")  # fmt: skip
    procedure, simple = item.roles.procedure, item.simple_procedure_value
    known = None if procedure is None else sets[procedure]
    if simple is not None and known is not None and simple not in {each.value for each in known.values if each.active}:
        yield never_fires("/simple_procedure_value", f"{simple} is no value of {procedure}",
                          f"{simple} 不是 {procedure} 的值")  # fmt: skip


def _document_types(roles: Roles) -> tuple[tuple[str, str | None], ...]:
    return (
        ("document_type", roles.document_type),
        ("representative_document_type", roles.representative_document_type),
    )


def _set_of(spec: FieldSpec, of: Others) -> CodeSet | None:
    return None if spec.code_set is None else of.get("code_set", spec.code_set, CodeSet)


def _needed(role: str, detail: str, detail_zh: str) -> SoundnessFinding:
    return at(f"/roles/{role}", "role_needed", detail, detail_zh)
