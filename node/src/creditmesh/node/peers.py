"""The nodes beside this one, for an operator: the own row to hand over, and enrolling the rows of others."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from creditmesh.node.errors import NodeError
from creditmesh.node.named import node_code
from creditmesh.node.operator import Operator

_HANDED = ("code", "kind", "name", "name_zh", "uscc", "url", "keys")
_PATH = "/v1/admin/peers"
_GIVEN = ("name", "name_zh", "uscc")
_NO_ROW = NodeError(
    "this node's own row is not published yet: creditmesh-node peers init --name NAME --name-zh 名称 --uscc CODE",
    "本节点自身信息尚未发布：请执行 creditmesh-node peers init --name NAME --name-zh 名称 --uscc 统一社会信用代码",
)
COMES = {
    "above": (
        "records of shared items go up to it, also those that stand already; its catalogue comes down to here",
        "共享目录条目的信息（含已有的有效信息）将上传至该节点；其目录下发至本节点",
    ),
    "below": (
        "its records of shared items come up, also those that stand already; this node's catalogue goes down to it",
        "该节点共享目录条目的信息（含已有的有效信息）将上传至本节点；本节点目录下发至该节点",
    ),
}
"""What is exchanged with a peer that stands there."""


def own_row(operator: Operator, *, url: str | None = None) -> str:
    """The node's own row as JSON, to be handed to a peer's operator; `url` is where the peer reaches this node."""
    own = operator.call("catalogue", "GET", _PATH)["own"]
    if own is None:
        raise _NO_ROW
    row = {name: own[name] for name in _HANDED if own[name] is not None} | ({} if url is None else {"url": url})
    return orjson.dumps(row, option=orjson.OPT_INDENT_2).decode()


def init(operator: Operator, **given: str | None) -> dict[str, Any]:
    """Publish this node's own row with the keys it has now; what is not given stays. NodeError if it has no row yet."""
    own = operator.call("catalogue", "GET", _PATH)["own"] or {}
    row = {name: given.get(name) or own.get(name) for name in _GIVEN}
    if None in row.values():
        raise _NO_ROW
    published: dict[str, Any] = operator.call("catalogue", "POST", f"{_PATH}/own", row)
    return published


def add(
    operator: Operator, file: Path, *, place: str | None = None, sends_for: Sequence[str] | None = None
) -> dict[str, Any]:
    """Enrol the node of that file; the row as it stands then. What is not said stays as it stands, if it was enrolled.

    NodeError where the place of a peer that is new is not said.
    """
    row = _read(file)
    standing: dict[str, Any] = next((each for each in _peers(operator) if each["code"] == row.get("code")), {})
    place = place or standing.get("place")
    if place is None:
        raise NodeError(
            f"{row.get('code')} is new here: say where it stands, --place above or --place below",
            f"{row.get('code')} 尚未登记：请注明其位置 --place above（上级）或 --place below（下级）",
        )
    origins = standing.get("sends_for", []) if sends_for is None else list(sends_for)
    published: dict[str, Any] = operator.call("catalogue", "POST", _PATH, row | {"place": place, "sends_for": origins})
    return published


def listed(operator: Operator) -> list[tuple[str, ...]]:
    """Every peer: code, place, address, origins it sends for, ids of its keys, and whether it takes part."""
    return [
        (
            peer["code"],
            peer["place"],
            peer["url"],
            " ".join(peer["sends_for"]),
            " ".join(key["id"] for key in peer["keys"]),
            "active" if peer["active"] else "removed",
        )
        for peer in _peers(operator)
    ]


def remove(operator: Operator, code: str) -> None:
    """Take a peer out: it pulls nothing any more, and nothing is pulled from it."""
    node_code(code)
    for peer in _peers(operator):
        if peer["code"] == code:
            operator.call("catalogue", "POST", _PATH, peer | {"active": False})
            return
    raise NodeError(f"no peer {code} is enrolled", f"没有登记对等节点 {code}")


def _peers(operator: Operator) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = operator.call("catalogue", "GET", _PATH)["peers"]
    return found


def _read(file: Path) -> dict[str, Any]:
    try:
        row = orjson.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise _no_row(file) from error
    if not isinstance(row, dict):
        raise _no_row(file)
    return row


def _no_row(file: Path) -> NodeError:
    return NodeError(
        f"{file} is no row of a node as `creditmesh-node peers show` prints it",
        f"{file} 不是 `creditmesh-node peers show` 输出的节点信息",
    )
