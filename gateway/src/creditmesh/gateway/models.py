"""What an operator asks for and gets when credentials are made, listed and taken back."""

from typing import Annotated, Literal, get_args
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from creditmesh.schemas.events.access import CallerKind
from creditmesh.schemas.identifiers import Code

Scope = Literal[
    "records:submit",
    "records:read",
    "records:change",
    "reviews:decide",
    "catalogue:publish",
    "queries:ask",
    "authorisations:write",
    "me:read",
    "me:authorise",
    "screenings:ask",
    "tasks:answer",
    "cases:file",
    "cases:handle",
    "exchange:pull",
]
"""Every scope there is; a route that demands another stops the start."""
SCOPES: frozenset[str] = frozenset(get_args(Scope))

Officer = Annotated[
    str, StringConstraints(min_length=1, max_length=64, pattern=r"^(?:\d{0,5}[^\d\x00-\x1f\x7f])*\d{0,5}$")
]
"""A named person of a party: a name or a staff number, never six digits in a row (no personal numbers)."""

Label = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]


class _Order(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    scopes: Annotated[tuple[Scope, ...], Field(min_length=1, max_length=32)]
    items: Annotated[tuple[Code, ...], Field(min_length=1, max_length=256)] | None = None
    """The catalogue items it is limited to; None: all its party may."""
    label: Label = "default"
    """Which of the holder's systems uses it; two keys of one label may live at once, for rotation."""
    not_before: AwareDatetime | None = None
    """None: at once."""
    expires: AwareDatetime | None = None
    """At most 366 days from now, which is also the default."""


class PartyKey(_Order):
    """An API key for a system of a party of the catalogue."""

    kind: Literal["department", "bureau", "office", "node"]
    party: Code


class OperatorKey(_Order):
    """An API key for a system of who runs the node."""

    kind: Literal["operator"]


class OfficerToken(_Order):
    """A token for a named person of a party: what they do is recorded under their name."""

    kind: Literal["department", "office"]
    party: Code
    officer: Officer


class SubjectToken(_Order):
    """A token for a person's own side; the node knows the person by a random id."""

    kind: Literal["subject"]
    subject: UUID


KeyOrder = Annotated[PartyKey | OperatorKey, Field(discriminator="kind")]
PersonOrder = Annotated[OfficerToken | SubjectToken, Field(discriminator="kind")]


class CredentialLine(BaseModel):
    """One credential as it is listed: everything but its secret, which nobody has."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    key: str
    kind: CallerKind
    party: str | None
    officer: str | None
    subject: UUID | None
    label: str
    scopes: tuple[str, ...]
    items: tuple[str, ...] | None
    not_before: AwareDatetime
    expires: AwareDatetime
    created: AwareDatetime
    created_by: str
    revoked: AwareDatetime | None
    revoked_by: str | None


class NewCredential(CredentialLine):
    """A credential just made: the only time its text is shown."""

    credential: Annotated[str, Field(repr=False)]
