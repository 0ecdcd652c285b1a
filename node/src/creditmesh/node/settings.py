"""Reading the settings: what is wrong is said with the variable's name, the rule and the remedy, never its value."""

import os
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_settings import SettingsError

from creditmesh.chassis.settings import EmbeddedBusSettings, KafkaBusSettings, NodeSettings
from creditmesh.node.errors import NodeError
from creditmesh.schemas.variables import Variable

_PREFIX = "CREDITMESH_"
_BUS = EmbeddedBusSettings.model_fields | KafkaBusSettings.model_fields
_RULES_ZH: Mapping[str, str] = {
    "literal_error": "须为下列之一：{expected}",
    "missing": "必须设置",
    "greater_than_equal": "不得小于 {ge}",
    "less_than_equal": "不得大于 {le}",
    "int_parsing": "须为整数",
    "float_parsing": "须为数字",
    "bool_parsing": "须为 true 或 false",
}
_OTHER_ZH = "取值不符合要求"


def read_settings() -> NodeSettings:
    """The settings of this process. NodeError that names each variable that is unknown or breaks a rule."""
    wrong = [_unknown(name) for name in sorted(os.environ) if name.startswith(_PREFIX) and name not in known()]
    if not wrong:
        try:
            return NodeSettings()
        except SettingsError as error:
            wrong = [_not_json(error)]
        except ValidationError as error:
            wrong = [_finding(found) for found in error.errors(include_input=False)]
    texts, texts_zh = zip(*dict.fromkeys(wrong), strict=True)
    raise NodeError(
        f"{'; '.join(texts)}. All settings: docs/reference/settings.md",
        f"{'；'.join(texts_zh)}。全部设置见 docs/reference/settings.md",
    )


def known() -> frozenset[str]:
    """Every variable that may be set: the node's own, and those of programs that are run beside it."""
    return _own() | set(Variable)


def _own() -> frozenset[str]:
    return frozenset(_variables(NodeSettings, _PREFIX)) | {f"{_PREFIX}BUS__{name.upper()}" for name in _BUS}


def _variables(model: type[BaseModel], prefix: str) -> Iterator[str]:
    return (prefix + name.upper() for name in model.model_fields)


def _unknown(name: str) -> tuple[str, str]:
    near = get_close_matches(name.removeprefix(_PREFIX), (own.removeprefix(_PREFIX) for own in _own()), n=1)
    meant, meant_zh = (f"; {_PREFIX}{near[0]} is", f"（是否指 {_PREFIX}{near[0]}）") if near else ("", "")
    return f"{name} is no setting{meant}: correct it or unset it", f"{name} 不是有效设置{meant_zh}，请更正或取消"


def _not_json(error: SettingsError) -> tuple[str, str]:
    found = re.search(r'field "(\w+)"', str(error))
    field = found.group(1) if found else ""
    name = _PREFIX + field.upper()
    example = _example(field)
    return f"{name} is JSON, such as {name}='{example}'", f"{name} 须为 JSON，例如 {name}='{example}'"


def _finding(found: Any) -> tuple[str, str]:
    field, *rest = found["loc"]
    name = _PREFIX + str(field).upper()
    if found["type"].startswith("union_tag"):
        return f"{name}__KIND is embedded or kafka", f"{name}__KIND 须为 embedded 或 kafka"
    if field == "bus":
        name = "__".join([name, *(str(step).upper() for step in rest if step in _BUS)])
    bounds = dict(found.get("ctx", {}))
    if "expected" in bounds:
        bounds["expected"] = "；".join(re.findall("'([^']*)'", bounds["expected"]))
    rule_zh = _RULES_ZH.get(found["type"], _OTHER_ZH).format(**bounds)
    example = _example(str(field)) if found["type"] == "missing" and not rest else ""
    such, such_zh = (f", such as {name}='{example}'", f"，例如 {name}='{example}'") if example else ("", "")
    return f"{name}: {found['msg']}{such}", f"{name}：{rule_zh}{such_zh}"


def _example(field: str) -> str:
    return str((NodeSettings.model_fields[field].examples or [""])[0])
