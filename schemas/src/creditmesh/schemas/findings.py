"""What a model finds in a value, said in both languages with the remedy, alike by a node and by its client.

Never the value.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from creditmesh.schemas.bounds import MOST_ENTRIES
from creditmesh.schemas.listing import listed
from creditmesh.schemas.text_forms import form_of

_UUID = ("An id of the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx is needed.", "须为 UUID 格式的标识。")
_DAY = ("A day as YYYY-MM-DD is needed.", "须为 YYYY-MM-DD 格式的日期。")
_INSTANT = (
    "An instant with its offset is needed, as 2026-03-02T09:15:30+08:00.",
    "须为带时区偏移的时间，如 2026-03-02T09:15:30+08:00。",
)
_OBJECT = ("An object with named fields is needed.", "须为包含具名字段的对象。")

RULES: Mapping[str, tuple[str, str]] = {
    "missing": ("This is required.", "此项必填。"),
    "extra_forbidden": ("This field is not known here; remove it.", "未知字段，请删除。"),
    "not_a_number": ("NaN and Infinity are no numbers of JSON.", "NaN 与 Infinity 不是 JSON 数值。"),
    "surrogate": ("The text has half of a surrogate pair; send whole characters.", "文本含有不成对的代理字符。"),
    "nul": ("The text has the character NUL (\\u0000); remove it.", "文本中含有 NUL 字符（\\u0000），请删除。"),
    "too_many_entries": (
        f"At most {MOST_ENTRIES} entries or fields; send what is needed, or in parts.",
        f"最多 {MOST_ENTRIES} 个元素或字段；请精简或分次发送。",
    ),
    "duplicate_field": ("This name stands twice; keep one.", "此字段出现两次，请只保留一个。"),
    "literal_error": ("Not one of the values allowed here: {expected}.", "取值须为：{expected_zh}。"),
    **dict.fromkeys(
        ("enum", "union_tag_invalid"), ("Not one of the values allowed here: {expected}.", "取值须为：{expected_zh}。")
    ),
    "union_tag_not_found": ("This is required.", "此项必填。"),
    "string_too_short": ("The text is empty or too short; fill it in.", "文本为空或过短，请填写。"),
    "string_pattern_mismatch": ("The text needs this form: {pattern}.", "文本格式须为{pattern_zh}。"),
    "string_too_long": (
        "The text is too long: at most {max_length} characters.",
        "文本过长：最多 {max_length} 个字符。",
    ),
    "unseen_character": (
        "The text has a character that nobody sees; type it anew.",
        "文本含有不可见字符，请重新输入。",
    ),
    "says_nothing": (
        "The text has no letter and no digit, or stands for nothing (无, 详见附件); write what it is.",
        "文本不含任何文字、字母或数字，或仅为占位文字（如无、详见附件）；请填写实际内容。",
    ),
    "identity_number": (
        "A number of a person (identity, mobile, bank card) may not stand here; leave it out.",
        "此处不得出现个人号码（身份证件、手机、银行卡），请删除。",
    ),
    "records_needed": (
        "Name the records that rest on the consent, in `records` (on a command line --record): others do not.",
        "请在 records 中列明基于该同意的记录（命令行为 --record）；其他记录不在其列。",
    ),
    "reason_needed": (
        "The outcomes not_applicable and not_executed need `reason` (on a command line --reason): say why not.",
        "结果为 not_applicable 或 not_executed 时，须在 reason（命令行为 --reason）中说明原因。",
    ),
    "two_grounds": (
        "Give `matter` or `authorisation`, not both: a query has one ground.",
        "matter 与 authorisation 只能填写一项：一次查询只有一个依据。",
    ),
    "folder_or_place": (
        "Give `folder` or `place`, not both: one catalogue is loaded at a time.",
        "folder 与 place 只能填写一项：一次加载一个目录。",
    ),
    "name_or_code": (
        "Give `name` or `code`, one of the two.",
        "name 与 code 须填写且只能填写一项。",
    ),
    "nobody_named": (
        "Give `document` (its type and number), or at least `name`.",
        "请填写 document（证件类型和号码），至少填写 name。",
    ),
    "natural_key": (
        "`natural_key` names fields of the item that are about its subject, each once.",
        "natural_key 须为该目录项中关于主体的字段，且不得重复。",
    ),
    "never_signed": (
        "Send `signed` (the text to the letter) and `signature`, as they were given out.",
        "请按原样提供 signed（逐字文本）和 signature。",
    ),
    "instant_range": ("An instant of the years 1900 to 9899 is needed.", "时间须在 1900 年至 9899 年之间。"),
    "timezone_aware": _INSTANT,
    "greater_than_equal": ("The value is too small, or too early: at least {ge}.", "取值过小或过早：不得小于 {ge}。"),
    "less_than_equal": ("The value is too large, or too late: at most {le}.", "取值过大或过晚：不得大于 {le}。"),
    "string_type": ("A text is needed.", "须为文本。"),
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float"), ("A whole number is needed.", "须为整数。")),
    **dict.fromkeys(("bool_parsing", "bool_type"), ("true or false is needed.", "须为 true 或 false。")),
    **dict.fromkeys(("list_type", "tuple_type"), ("A list is needed.", "须为列表。")),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), _OBJECT),
    "too_short": ("At least {min_length} entries are needed.", "至少须有 {min_length} 个元素。"),
    "too_long": ("At most {max_length} entries are taken.", "最多 {max_length} 个元素。"),
    "greater_than": (
        "The value is too small, or too early: more than {gt} is needed.",
        "取值过小或过早：须大于 {gt}。",
    ),
    "less_than": ("The value is too large, or too late: less than {lt} is needed.", "取值过大或过晚：须小于 {lt}。"),
    **dict.fromkeys(("uuid_parsing", "uuid_type"), _UUID),
    **dict.fromkeys(("date_parsing", "date_type", "date_from_datetime_parsing"), _DAY),
    **dict.fromkeys(("datetime_parsing", "datetime_type", "datetime_from_date_parsing"), _INSTANT),
}
OTHER = ("This value does not have the required type or form.", "取值的类型或格式不符合要求。")
"""Said under any other rule of pydantic's."""
_OURS = "is_instance_of"
_TRIED = re.compile(r"[a-z-]+\[.*\]", re.DOTALL)
"""The member of a union that pydantic tried: no name of a field."""
_QUOTED = re.compile(r"'((?:[^'\\\\]|\\\\.)*)'")


def texts_of(finding: Mapping[str, Any]) -> tuple[str, str]:
    """What is said of one of pydantic's findings; of a value that is one of some, which these are."""
    said, said_zh = RULES.get(finding["type"], OTHER)
    bounds = dict(finding.get("ctx", {}))
    if expected := bounds.get("expected", bounds.get("expected_tags")):
        values = _QUOTED.findall(str(expected)) or [str(expected)]
        bounds["expected"], bounds["expected_zh"] = listed(values)
    if "pattern" in bounds:
        bounds["pattern"], bounds["pattern_zh"] = form_of(str(bounds["pattern"]))
    return said.format_map(bounds), said_zh.format_map(bounds)


def place_of(finding: Mapping[str, Any]) -> tuple[str | int, ...]:
    """Where it was found: of a union that is told by one of its fields, that field."""
    told_by = _QUOTED.findall(str(finding.get("ctx", {}).get("discriminator", "")))
    steps = (step for step in finding["loc"] if not (isinstance(step, str) and _TRIED.fullmatch(step)))
    return (*steps, *told_by)


def of_one_fault(findings: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The findings without those that follow from another, or say nothing beside it.

    A list is too short of an entry that was refused; of a type of ours that is also read from a text, what the text
    lacks is told.
    """
    refused = {place[:end] for place in map(place_of, findings) for end in range(len(place))}
    return [
        each
        for each in findings
        if each["type"] != _OURS and (each["type"] != "too_short" or tuple(each["loc"]) not in refused)
    ]
