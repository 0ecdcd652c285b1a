"""Erasing a person's data at this node, and what is answered of it, as an operator reads it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from creditmesh.node.operator import Operator
from creditmesh.schemas.erasures import ErasureOut
from creditmesh.schemas.pii import REVEAL
from creditmesh.schemas.subject import SubjectIn

_KEY = {
    "goes": (
        "the person's key is destroyed some minutes after the last of it",
        "全部删除后数分钟，该主体的密钥随之销毁",
    ),
    "stays": (
        "the person's key stays while another record needs it, or a department has a measure to lift; seen to daily",
        "其他记录仍需该主体的密钥，或部门尚须解除奖惩措施，密钥暂予保留，每日检查一次",
    ),
    "destroyed": ("the person's key is destroyed", "该主体的密钥已销毁"),
    None: ("whether the person's key is destroyed is not known of this entry", "该登记未载明主体密钥是否销毁"),
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
    """What goes, or went, and what does not, in a line of each language: each thing for itself."""
    parts = [_records(found), _held(found), *_before(found), *_left(found), _key(found)]
    said = [each for each in parts if each[0]]
    return "; ".join(text for text, _ in said), "；".join(text_zh for _, text_zh in said)


def header(found: ErasureOut) -> str:
    """Which entry it is: its id and when, and who ordered it, on which ground and by which document."""
    entry_of = () if found.erasure is None or found.at is None else (str(found.erasure), _instant(found.at))
    return "  ".join((*entry_of, found.ground, found.basis, found.officer))


def outcome(found: ErasureOut) -> tuple[str, str] | None:
    """Whether all of it is done, in a line of each language; None where nothing was done."""
    if found.erasure is None:
        return None
    if found.complete is None:
        return (
            "all is deleted and acknowledged; what became of the key was not written down when it was ordered",
            "已全部删除并收讫；登记时未载明密钥的处理情况",
        )
    if found.complete:
        return "complete", "已全部办结"
    return (
        "not complete: something is not deleted or not acknowledged, or the key is still to be destroyed",
        "尚未全部办结：仍有内容未删除、未收讫，或密钥尚待销毁",
    )


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _key(found: ErasureOut) -> tuple[str, str]:
    said, said_zh = _KEY[found.key]
    if found.key_destroyed_at is None:
        return said, said_zh
    at = _instant(found.key_destroyed_at)
    return f"{said} ({at})", f"{said_zh}（{at}）"


def _records(found: ErasureOut) -> tuple[str, str]:
    count, deleted = len(found.records), sum(each.deleted for each in found.records)
    pending = sorted({each for record in found.records for each in record.pending})
    if found.erasure is None:
        return f"{count} records would be erased", f"拟删除 {count} 条记录"
    if not found.records:
        return "no record", "无记录"
    if all(each.deleted and not each.pending for each in found.records):
        return (
            f"{count} records: deleted at this node, and every node and department that had them acknowledged it",
            f"{count} 条记录：本节点已删除，保有这些记录的节点和部门均已收讫",
        )
    return (
        f"{count} records: {deleted} deleted at this node, not acknowledged by {', '.join(pending) or 'nobody'}",
        f"{count} 条记录：本节点已删除 {deleted} 条，尚未收讫的为 {'、'.join(pending) or '无'}",
    )


def _before(found: ErasureOut) -> Iterator[tuple[str, str]]:
    if count := len(found.erased_before):
        yield f"{count} of those that are named were erased before", f"所列记录中有 {count} 条此前已删除"


def _held(found: ErasureOut) -> tuple[str, str]:
    count = found.held_rows
    if found.erasure is None:
        return f"{count} held rows would be emptied", f"拟清空 {count} 行待审核数据"
    return f"{count} held rows: emptied", f"{count} 行待审核数据：已清空"


def _left(found: ErasureOut) -> Iterator[tuple[str, str]]:
    """What the order does not reach."""
    holders = [each for record in found.records for each in record.holders if each.kind == "bureau"]
    bureaus = sorted({f"{each.holder} {each.use_until or '?'}" for each in holders})
    if bureaus:
        yield (
            f"bureaus use what they have no more from: {', '.join(bureaus)}",
            f"征信机构自以下日期起不得再使用已取得的信息：{'、'.join(bureaus)}",
        )
    if found.elsewhere:
        nodes = [f"{node} {count}" for node, count in sorted(found.elsewhere.items())]
        yield (
            f"records of other nodes, which only their operators erase: {', '.join(nodes)}",
            f"其他节点的记录须由各该节点的运维人员删除：{'、'.join(nodes)}",
        )
    if found.named_in:
        yield (
            f"{found.named_in} records or held rows about others name the person and stay",
            f"另有 {found.named_in} 条他人记录或待审核数据提及该主体并予保留",
        )


def lines(found: ErasureOut) -> list[tuple[str, ...]]:
    """A line of each record: `NAMES`."""
    return [
        (str(each.record), each.item, each.party, str(each.deleted).lower(), " ".join(each.pending) or "-")
        for each in found.records
    ]
