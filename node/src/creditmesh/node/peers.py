"""The nodes beside this one, for an operator: the own row to hand over, and enrolling the rows of others."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from creditmesh.node.errors import NodeError
from creditmesh.node.operator import Operator

_HANDED = ("code", "kind", "name", "name_zh", "uscc", "url", "keys")
_PATH = "/v1/admin/peers"


def own_row(operator: Operator, *, url: str | None = None) -> str:
    """The node's own row as JSON, to be handed to a peer's operator; `url` is where the peer reaches this node."""
    own = operator.call("catalogue", "GET", _PATH)["own"]
    if own is None:
        raise NodeError(
            "this node's own row is not published yet; put it into a folder parties/ and load it",
            "本节点自身信息尚未发布；请写入 parties/ 文件夹并加载",
        )
    row = {name: own[name] for name in _HANDED if own[name] is not None} | ({} if url is None else {"url": url})
    return orjson.dumps(row, option=orjson.OPT_INDENT_2).decode()


def add(operator: Operator, file: Path, *, place: str, sends_for: Sequence[str] = ()) -> dict[str, Any]:
    """Enrol the node of that file; the row as it stands then."""
    row = {**_read(file), "place": place, "sends_for": list(sends_for)}
    published: dict[str, Any] = operator.call("catalogue", "POST", _PATH, row)
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
        for peer in operator.call("catalogue", "GET", _PATH)["peers"]
    ]


def remove(operator: Operator, code: str) -> None:
    """Take a peer out: it pulls nothing any more, and nothing is pulled from it."""
    for peer in operator.call("catalogue", "GET", _PATH)["peers"]:
        if peer["code"] == code:
            operator.call("catalogue", "POST", _PATH, {**peer, "active": False})
            return
    raise NodeError(f"no peer {code} is enrolled", f"没有登记对等节点 {code}")


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
