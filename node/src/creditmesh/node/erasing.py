"""Erasing a person's data at this node, and what is answered of it, as an operator reads it."""

from typing import Any
from urllib.parse import quote

from creditmesh.node.operator import Operator
from creditmesh.schemas.erasures import ErasureOut
from creditmesh.schemas.pii import REVEAL
from creditmesh.schemas.subject import SubjectIn

_KEY = {
    "goes": ("their key is destroyed some minutes after that", "其密钥随后销毁"),
    "stays": ("their key stays, for other records need it", "其密钥因其他记录仍需而保留"),
    "destroyed": ("their key is destroyed", "其密钥已销毁"),
    None: ("", ""),
}
_STATES = {
    "considered": ("would be erased", "拟删除"),
    "ordered": ("will be deleted: not complete, see what is pending", "将被删除：尚未完成，见 pending"),
    "complete": ("are deleted everywhere: complete", "已在各处删除：已完成"),
}
NAMES = ("record", "item", "party", "deleted", "pending")


def erase(
    operator: Operator, person: SubjectIn, *, records: list[str] | None, confirmed: bool, **by: str
) -> ErasureOut:
    """Erase a person's data, or say what would go. `by`: ground, basis and officer."""
    order: dict[str, Any] = {"person": person.model_dump(mode="json", context=REVEAL), "confirmed": confirmed, **by}
    if records:
        order["records"] = records
    return ErasureOut.model_validate(operator.call("ingestion", "POST", "/v1/admin/erasures", order))


def entry(operator: Operator, erasure: str) -> ErasureOut:
    """The entry of an erasure, as it stands now."""
    return ErasureOut.model_validate(operator.call("ingestion", "GET", f"/v1/admin/erasures/{quote(erasure, safe='')}"))


def entries(operator: Operator) -> list[tuple[str, ...]]:
    """The newest erasures: id, when, officer, ground, basis, records, held rows."""
    found = operator.call("ingestion", "GET", "/v1/admin/erasures")["items"]
    names = ("erasure", "at", "officer", "ground", "basis", "held_rows")
    return [tuple(str(each[name]) for name in names) for each in found]


def summary(found: ErasureOut) -> tuple[str, str]:
    """What goes, or went, in a line of each language."""
    elsewhere = ", ".join(f"{node}: {count}" for node, count in sorted(found.elsewhere.items()))
    key, key_zh = _KEY[found.key]
    state, state_zh = _STATES["considered" if found.erasure is None else "complete" if found.complete else "ordered"]
    said = [f"{len(found.records)} records and {found.held_rows} held rows {state}"]
    said_zh = [f"{len(found.records)} 条记录、{found.held_rows} 行待审核数据{state_zh}"]
    if found.erased_before:
        said.append(f"{len(found.erased_before)} of those that are named were erased before")
        said_zh.append(f"所列记录中有 {len(found.erased_before)} 条此前已删除")
    if elsewhere:
        said.append(f"records of other nodes, which only their operators erase: {elsewhere}")
        said_zh.append(f"其他节点的记录须由其运维方删除：{elsewhere}")
    if found.named_in:
        said.append(f"{found.named_in} records or held rows about others name the person and stay")
        said_zh.append(f"另有 {found.named_in} 条他人记录或待审核数据提及该主体并予保留")
    if key:
        said.append(key)
        said_zh.append(key_zh)
    return "; ".join(said), "；".join(said_zh)


def lines(found: ErasureOut) -> list[tuple[str, ...]]:
    """A line of each record: `NAMES`."""
    return [
        (str(each.record), each.item, each.party, str(each.deleted).lower(), " ".join(each.pending) or "-")
        for each in found.records
    ]
