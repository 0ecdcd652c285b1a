"""Who calls, as the gateway's internal token says it; a service trusts nothing else."""

from dataclasses import dataclass
from uuid import UUID

from creditmesh.schemas.events.access import CallerKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The claims of one internal token (at most 60 s old, for this service only)."""

    kind: CallerKind
    scopes: frozenset[str]
    credential: str
    """The id of the credential: the owner of Idempotency-Keys. `public` where none was needed."""
    party: str | None = None
    """The catalogue code of the party; None for subjects and the public."""
    officer: str | None = None
    """The named person behind a token of a party, where there is one."""
    subject: UUID | None = None
    """The person's own subject, for `kind = subject`."""
    items: frozenset[str] | None = None
    """The items this credential is limited to; None: all its party may."""

    @property
    def share(self) -> str | UUID:
        """Whose share of the process it takes: its party's or person's; all of the public together have one."""
        return self.party or self.subject or self.credential


PUBLIC = Caller(kind="public", scopes=frozenset(), credential="public")
OPERATOR = Caller(kind="operator", scopes=frozenset(), credential="operator")
"""Who has the node's operator secret, on the second listener."""
