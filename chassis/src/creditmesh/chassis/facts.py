"""What a node is, fixed when it is created; kept in its database, asserted by every process that starts on it."""

from dataclasses import dataclass

from creditmesh.chassis.errors import MeshError


class WrongNode(MeshError):
    """The database belongs to no node, or to one with other facts; they are fixed for life, so nothing was touched."""


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
                "when a node is created: set them back, or create another node."
            )
