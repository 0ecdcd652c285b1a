"""What a node is, fixed when it is created; kept in its database, asserted by every process that starts on it."""

from dataclasses import dataclass
from typing import Literal

from creditmesh.chassis.errors import MeshError

KeptName = Literal["events", "idempotency", "security_log"]
"""What a node keeps for a term only: the setting `keep_<name>_days`."""


class WrongNode(MeshError):
    """The database is no node, one with other facts, or of another version; nothing was touched."""

    def __init__(self, text: str, text_zh: str) -> None:
        super().__init__(f"{text} / {text_zh}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The code, the tier, the number of parts, and whether it is a sandbox (`bus.node`)."""

    code: str
    tier: str
    parts: int
    sandbox: bool = False

    def assert_same(self, expected: "Facts") -> None:
        """WrongNode, in plain words, unless these are the facts that were expected."""
        if self != expected:
            raise WrongNode(
                f"This database is the node {_words(self)}, not {_words(expected)}. All of that is fixed when a node "
                "is created: set CREDITMESH_NODE, _TIER, _PARTS and _SANDBOX back, or create another node.",
                f"数据库属于节点 {_words_zh(self)}，而非 {_words_zh(expected)}。这些在建节点时即已固定："
                "请改回 CREDITMESH_NODE、_TIER、_PARTS、_SANDBOX，或另建节点。",
            )


def _words(facts: Facts) -> str:
    return f"{facts.code!r} (tier {facts.tier}, {facts.parts} parts, {'a sandbox' if facts.sandbox else 'no sandbox'})"


def _words_zh(facts: Facts) -> str:
    sandbox = "沙箱" if facts.sandbox else "非沙箱"
    return f"{facts.code!r}（层级 {facts.tier}，{facts.parts} 个分区，{sandbox}）"
