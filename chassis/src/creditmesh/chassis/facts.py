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
    """The code, the tier and the number of parts (`bus.node`)."""

    code: str
    tier: str
    parts: int

    def assert_same(self, expected: "Facts") -> None:
        """WrongNode, in plain words, unless these are the facts that were expected."""
        if self != expected:
            raise WrongNode(
                f"This database is the node {self.code!r} (tier {self.tier}, {self.parts} parts), not "
                f"{expected.code!r} (tier {expected.tier}, {expected.parts} parts). Code, tier and parts are fixed "
                "when a node is created: set them back, or create another node.",
                f"数据库属于节点 {self.code!r}（层级 {self.tier}，{self.parts} 个分区），而非 "
                f"{expected.code!r}（层级 {expected.tier}，{expected.parts} 个分区）。"
                "代码、层级与分区数在建节点时即已固定：请改回设置，或另建节点。",
            )
