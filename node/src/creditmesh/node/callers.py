"""The sandbox's callers: a credential for every invented party and person, in a file a script can read."""

from dataclasses import dataclass
from pathlib import Path

from creditmesh.schemas.catalogue import Party

OFFICERS = {"market_regulation": "Officer Qin", "credit_office": "Reviewer Lan", "transport": "Officer Wei"}


@dataclass(frozen=True)
class Callers:
    """Where the node is and what each caller shows it, by the caller's name."""

    url: str
    path: Path
    tokens: dict[str, str]
    parties: dict[str, Party]
