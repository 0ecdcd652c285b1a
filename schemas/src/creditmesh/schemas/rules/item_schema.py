"""What to send for an item, as JSON Schema and as a file's header line."""

import csv
import io
from collections.abc import Mapping
from typing import Any, Literal

from creditmesh.schemas.catalogue import CodeSet, Condition, FieldSpec, Item
from creditmesh.schemas.rules.columns import Column
from creditmesh.schemas.rules.values import DIGITS, SCALE

_SPECIAL = set(r"\^$.|?*+()[]{}/")
_OTHER = "其他-.+"


def json_schema(item: Item, sets: Mapping[str, CodeSet], columns: Mapping[str, Column]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a canonical row; other spellings of names and values are read too."""
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:creditmesh:item:{item.code}:{item.number}",
        "title": item.name,
        "description": f"{item.name_zh}. Leave out fields that have no value. 无内容的字段请省略。",
        "type": "object",
        "properties": {spec.code: _property(spec, sets.get(spec.code)) for spec in item.fields},
        "required": [spec.code for spec in item.fields if spec.required],
        "additionalProperties": False,
    }
    rules = [
        _demand(condition, spec.code, columns[condition.field])
        for spec in item.fields
        for condition in spec.required_if
    ]
    return schema | ({"allOf": rules} if rules else {})


def template_csv(item: Item, names: Literal["codes", "zh"] = "codes") -> str:
    """The header line of a file to fill in, by field codes or by Chinese names."""
    text = io.StringIO()
    csv.writer(text).writerow(spec.code if names == "codes" else spec.name_zh for spec in item.fields)
    return text.getvalue()


def _property(spec: FieldSpec, code_set: CodeSet | None) -> dict[str, Any]:
    shape: dict[str, Any] = {"type": "string", "title": spec.name_zh, "description": _description(spec), "minLength": 1}
    if spec.type == "date":
        shape |= {"format": "date", "pattern": r"^\d{4}-\d{2}-\d{2}$"}
    elif spec.type == "decimal":
        shape["pattern"] = _decimal_pattern(spec)
    elif code_set is not None:
        shape |= _coded(code_set, several=spec.type == "codes")
    elif spec.max_length is not None:
        shape["maxLength"] = spec.max_length
    if spec.sensitive:
        shape["x-sensitive"] = spec.about
    return shape


def _description(spec: FieldSpec) -> str:
    unit = f" ({spec.unit})" if spec.unit else ""
    also = f" Also read as: {', '.join(spec.aliases)}." if spec.aliases else ""
    note = f" {spec.note}" if spec.note else ""
    return f"{spec.name}{unit}.{note}{also}"


def _decimal_pattern(spec: FieldSpec) -> str:
    scale = SCALE if spec.scale is None else spec.scale
    whole = (spec.max_length or DIGITS) - scale
    fraction = rf"(\.\d{{0,{scale - 1}}}[1-9])?" if scale else ""
    return rf"^(0|[1-9]\d{{0,{max(whole, 1) - 1}}}){fraction}$"


def _coded(code_set: CodeSet, *, several: bool) -> dict[str, Any]:
    values = [value.value for value in code_set.values if value.active]
    if not several and not code_set.open:
        return {"enum": values, "x-code-set": code_set.code}
    one = "|".join([_literal(value) for value in values] + ([_OTHER] if code_set.open else []))
    if several:
        one = one.replace(_OTHER, "其他-[^;]+")
        return {"pattern": f"^({one})(;({one}))*$", "x-code-set": code_set.code, "x-values": values}
    return {"pattern": f"^({one})$", "x-code-set": code_set.code, "x-values": values}


def _literal(value: str) -> str:
    return "".join("\\" + c if c in _SPECIAL else c for c in value)


def _demand(condition: Condition, code: str, looked_at: Column) -> dict[str, Any]:
    values = [looked_at.canonical(value) for value in condition.in_values]
    shape: dict[str, Any] = {"enum": values} if values else {}
    if values and looked_at.spec.type == "codes":
        shape = {"pattern": f"(^|;)({'|'.join(map(_literal, values))})(;|$)"}
    return {
        "if": {"properties": {condition.field: shape}, "required": [condition.field]},
        "then": {"required": [code]},
    }
