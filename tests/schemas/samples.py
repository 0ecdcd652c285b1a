"""Invented items, code sets and rows: no real person or body."""

from datetime import date

from creditmesh.schemas.catalogue import (
    Basis,
    CodeSet,
    CodeValue,
    Condition,
    DisplayRule,
    FieldSpec,
    ForbiddenAttribute,
    Item,
    Mask,
    Roles,
    Rule,
)
from creditmesh.schemas.rules.numbers import resident_check, uscc_check

BASIS = (Basis(law="Sandbox rules", law_zh="沙盒规则", in_force_from=date(2010, 1, 1)),)


def resident(born: str = "19800101", order: int = 1) -> str:
    first = f"990000{born}{order:03d}"
    return first + resident_check(first)


def uscc(serial: str = "MA1AB2CD3", prefix: str = "91") -> str:
    first = f"{prefix}990000{serial}"
    return first + uscc_check(first)


KINDS = CodeSet(
    code="subject_category",
    name="Kind of subject",
    name_zh="行政相对人类别",
    values=(
        CodeValue(
            value="法人及非法人组织", name="Organisation", name_zh="法人", aliases=("02",), meaning="organisation"
        ),
        CodeValue(value="自然人", name="Person", name_zh="自然人", aliases=("01",), meaning="natural_person"),
        CodeValue(value="个体工商户", name="Sole trader", name_zh="个体工商户", aliases=("04",), meaning="sole_trader"),
        CodeValue(value="旧类别", name="Abolished", name_zh="旧类别", active=False),
    ),
)
DOCUMENTS = CodeSet(
    code="document_kind",
    name="Kind of document",
    name_zh="证件类型",
    values=(
        CodeValue(value="身份证", name="Identity card", name_zh="居民身份证", aliases=("01",), meaning="resident_id"),
        CodeValue(value="护照", name="Passport", name_zh="护照", aliases=("02",), meaning="passport"),
    ),
)
PENALTIES = CodeSet(
    code="penalty_kind",
    name="Kind of penalty",
    name_zh="处罚类别",
    values=(
        CodeValue(value="警告", name="Warning", name_zh="警告", aliases=("0",)),
        CodeValue(value="罚款", name="Fine", name_zh="罚款", aliases=("1",)),
        CodeValue(value="没收违法所得、没收非法财物", name="Confiscation", name_zh="没收", aliases=("2",)),
    ),
    open=True,
)
SETS = {found.code: found for found in (KINDS, DOCUMENTS, PENALTIES)}
FORBIDDEN = Rule(
    code="forbidden",
    name="Forbidden attributes",
    name_zh="禁止采集",
    forbids=(ForbiddenAttribute(code="religion", name="Religion", name_zh="宗教信仰", words=("宗教", "religion")),),
    basis=BASIS,
)
FIELDS = (
    FieldSpec(
        code="MC",
        name="Name",
        name_zh="行政相对人名称",
        type="name",
        max_length=20,
        required=True,
        sensitive_for=("natural_person",),
        mask=Mask(keep_left=1),
    ),
    FieldSpec(
        code="LB", name="Kind", name_zh="行政相对人类别", type="code", code_set="subject_category", required=True
    ),
    FieldSpec(
        code="SHXYM",
        name="Code",
        name_zh="统一社会信用代码",
        aliases=("代码_1(统一社会信用代码)",),
        type="uscc",
        max_length=18,
        required_if=(Condition(field="LB", in_values=("02", "个体工商户")),),
    ),
    FieldSpec(
        code="GSZC",
        name="Registration",
        name_zh="工商注册号",
        type="text",
        max_length=50,
        required_if=(Condition(field="SHXYM", in_values=("00000000000000000X",)),),
    ),
    FieldSpec(
        code="FRDB",
        name="Representative",
        name_zh="法定代表人",
        aliases=("FDDB",),
        type="name",
        max_length=20,
        sensitive=True,
        about="representative",
    ),
    FieldSpec(
        code="ZJLX",
        name="Kind of document",
        name_zh="证件类型",
        type="code",
        code_set="document_kind",
        required_if=(Condition(field="ZJHM"),),
    ),
    FieldSpec(
        code="ZJHM",
        name="Document number",
        name_zh="证件号码",
        aliases=("SFZH",),
        type="document",
        max_length=20,
        required_if=(Condition(field="LB", in_values=("自然人",)),),
        sensitive=True,
    ),
    FieldSpec(code="WSH", name="Decision number", name_zh="文书号", type="text", max_length=30, required=True),
    FieldSpec(
        code="CFLB", name="Kinds of penalty", name_zh="处罚类别", type="codes", code_set="penalty_kind", required=True
    ),
    FieldSpec(
        code="FK",
        name="Fine",
        name_zh="罚款金额(万元)",
        aliases=("罚款金额",),
        type="decimal",
        max_length=12,
        scale=6,
        required_if=(Condition(field="CFLB", in_values=("罚款",)),),
    ),
    FieldSpec(code="NR", name="Content", name_zh="处罚内容", type="text", max_length=100, sensitive=True),
    FieldSpec(code="JDRQ", name="Decided on", name_zh="处罚决定日期", type="date", required=True),
    FieldSpec(code="YXQ", name="Valid until", name_zh="处罚有效期", type="date"),
    FieldSpec(code="JGDM", name="Issuer", name_zh="处罚机关代码", type="uscc", max_length=18, required=True),
)
ITEM = Item(
    code="penalty",
    name="Penalty",
    name_zh="行政处罚",
    record_class="行政管理信息",
    tier="city",
    kinds=("organisation", "sole_trader", "natural_person"),
    duties=("enforcement",),
    basis=BASIS,
    fields=FIELDS,
    roles=Roles(
        name="MC",
        kind="LB",
        uscc="SHXYM",
        registration="GSZC",
        document_type="ZJLX",
        document_number="ZJHM",
        decision_number="WSH",
        decided_on="JDRQ",
        issuer="JGDM",
    ),
    nature="adverse",
    disclosure="public",
    display=DisplayRule(by="by_severity"),
)
FIRM: dict[str, str] = {
    "MC": "澄江晨曦食品有限公司",
    "LB": "法人及非法人组织",
    "SHXYM": uscc(),
    "FRDB": "陈一心",
    "WSH": "澄市监罚〔2026〕17号",
    "CFLB": "警告;罚款",
    "FK": "0.2",
    "NR": "罚款2000元",
    "JDRQ": "2026-03-02",
    "YXQ": "2099-12-31",
    "JGDM": uscc("000000101", "11"),
}
PERSON: dict[str, str] = {
    "MC": "林小满",
    "LB": "自然人",
    "ZJLX": "身份证",
    "ZJHM": resident(),
    "WSH": "澄市监罚〔2026〕18号",
    "CFLB": "警告",
    "JDRQ": "2026-03-02",
    "JGDM": uscc("000000101", "11"),
}
