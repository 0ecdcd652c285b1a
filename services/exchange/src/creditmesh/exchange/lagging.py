"""Peers' feeds of which this node has lost what it had answered for: until it has answered again it shows the past.

It is known when the sender has said how far this node had answered. Each is asked when a process begins to follow its
feed; one that is away is not waited for longer than a moment.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from time import monotonic

from creditmesh.chassis.equipment import Equipment

SECONDS_TO_ANSWER = 5.0
"""So long a process that begins waits for what a sender says."""


@dataclass(slots=True)
class Lagging:
    """What this process knows of the feeds that it follows."""

    began: bool = False
    """Whether it has looked whom it follows."""
    until: dict[str, float] = field(default_factory=dict)
    """Until when each peer that was ever followed is waited for."""
    heard: set[str] = field(default_factory=set)
    behind: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Up to where this node has answered, and had, for those that it has lost part of."""

    def follow(self, peers: Collection[str]) -> None:
        """These are followed here from now on."""
        self.began = True
        for peer in peers:
            self.until.setdefault(peer, monotonic() + SECONDS_TO_ANSWER)
        self.behind = {peer: reach for peer, reach in self.behind.items() if peer in peers}

    def hear(self, peer: str, *, has: int, had: int) -> None:
        """The peer says that this node had answered for so many entries; what stands here says for how many it has."""
        self.heard.add(peer)
        self.behind |= {peer: (has, had)}
        self.answer(peer, until=has)

    def answer(self, peer: str, *, until: int) -> None:
        """All of this node has gone by what it answers for up to there."""
        has, had = self.behind.get(peer, (0, 0))
        self.behind |= {peer: (max(has, until), had)}
        if until >= had:
            del self.behind[peer]


def lagging(equipment: Equipment) -> Lagging:
    """What the process of this equipment knows."""
    made: Lagging = equipment.memory.setdefault(Lagging, Lagging())
    return made


def told(equipment: Equipment) -> dict[str, str]:
    """For readiness: whom it asks what this node had answered for, and the feeds of which it has lost some."""
    known, now = lagging(equipment), monotonic()
    if not known.began:
        return {"catch up": "not asked yet"}
    asked = [peer for peer, until in known.until.items() if peer not in known.heard and now < until]
    said = dict.fromkeys(asked, "not heard yet") | {peer: f"{has}/{had}" for peer, (has, had) in known.behind.items()}
    return {f"catch up {peer}/up": how for peer, how in sorted(said.items())}
