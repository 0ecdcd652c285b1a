"""The quality board: how submitted rows were judged, and what holders above refused."""

from datetime import date

from creditmesh.schemas.bodies import Out
from creditmesh.schemas.identifiers import Code
from creditmesh.schemas.verdicts import VerdictWord


class RefusedByHolder(Out):
    """How many revisions one holder refused for one reason."""

    holder: Code
    code: str
    """The stable code of the reason."""
    count: int


class QualityLine(Out):
    """One party's rows of one item."""

    party: Code
    item: Code
    rows: int
    verdicts: dict[VerdictWord, int]
    refused_by: tuple[RefusedByHolder, ...] = ()


class QualityOut(Out):
    """The board for a period of legal dates, both included."""

    since: date
    until: date
    items: tuple[QualityLine, ...]
    partial: bool = False
    """The credential is limited to some items: lines of others are absent."""
