"""What the query service is asked and answers: queries, a person's own side, authorisations, public lists."""

from datetime import date, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BeforeValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from creditmesh.schemas.bodies import In, Out, Page
from creditmesh.schemas.bounds import Day
from creditmesh.schemas.encodings import Json
from creditmesh.schemas.events.access import Access
from creditmesh.schemas.identifiers import Code, NodeCode, SubjectKind, Uscc
from creditmesh.schemas.rules.numbers import written
from creditmesh.schemas.subject import SubjectIn
from creditmesh.schemas.texts import PRINTED, STORABLE, Officer
from creditmesh.schemas.words import Severity

Items = Annotated[tuple[Code, ...], Field(min_length=1, max_length=200)]
WithheldCode = Literal[
    "outside_matter",
    "outside_credential",
    "not_disclosed",
    "item_withdrawn",
    "item_unconfirmed",
    "unknown_item",
    "nothing_released",
]
"""Why nothing of an item was released. A bureau only ever reads `nothing_released`: no record, or not its to know."""
AuthorisationState = Literal["active", "not_yet", "expired", "used_up", "revoked"]


class QueryIn(In):
    """A query about one subject: a department names its matter and officer, a bureau the authorisation."""

    subject: SubjectIn
    purpose: Code
    matter: Code | None = None
    authorisation: UUID | None = None
    officer: Officer | None = None
    items: Items | None = None
    """Only these; None: all that the matter or the authorisation names."""

    @model_validator(mode="after")
    def _one_ground(self) -> Self:
        if self.matter is not None and self.authorisation is not None:
            raise PydanticCustomError("two_grounds", "either a matter or an authorisation, not both")
        return self


class RecordOut(Out):
    """One record as it may be known to the one who asked."""

    record: UUID
    revision: UUID
    item: Code
    item_version: int
    severity: Severity | None = None
    mark: Literal["disputed"] | None = None
    decided_on: date
    display_from: date
    display_until: date | None = None
    """The first day on which it is shown no more; None: open."""
    false_material: bool = False
    """Whether a repair of it was obtained by false material and revoked: it is shown for the longest period."""
    issuer: str
    party: Code
    """The party that submitted it."""
    origin: NodeCode
    """The node where it was submitted, which alone changes it."""
    named_as: str | None = None
    """In one's own file: as what the record names one, such as `legal_representative`; None: it is about oneself."""
    fields: dict[str, Json]
    """By catalogue code. Sensitive fields about another person are masked, or absent where the item has no mask."""


class Withheld(Out):
    """An item of which nothing was released, and why."""

    item: Code
    code: WithheldCode
    detail: str
    detail_zh: str


class Mark(Out):
    """A mark on a released record, which whoever uses the record must heed."""

    record: UUID
    mark: Literal["disputed"]


class QueryOut(Out):
    """The answer to a query. Nothing of it may be used on or after `use_until`: ask again."""

    decision_id: UUID
    released: tuple[RecordOut, ...]
    withheld: tuple[Withheld, ...]
    marks: tuple[Mark, ...]
    partial: bool = False
    """The credential does not reach everything that was asked for, or something cannot be read: that nothing is said of
    an item proves nothing."""
    unreadable: tuple[UUID, ...] = ()
    """Records that this node cannot read just now, and that may be visible: they are left out. Ask again later."""
    out_of_reach: tuple[Code, ...] = ()
    """With `partial`: the items that the credential does not reach."""
    use_until: date
    as_of: date


class FileOut(Out):
    """A person's or an organisation's own full file."""

    decision_id: UUID
    as_of: date
    records: tuple[RecordOut, ...]
    unreadable: tuple[UUID, ...] = ()
    """Records that this node cannot read just now, and that may be visible: they are left out. Ask again later."""
    copies_at: tuple[NodeCode, ...] = ()
    """The nodes above, the nearest first, which may hold copies: who looks there is told here when the feeds have come,
    and is in their own logs at once. Named as well while one is taken out: what it holds, it holds."""


class AccessOut(Access):
    """One line of "who looked": a disclosure or a refusal."""

    at: datetime


class AccessLog(Page[AccessOut]):
    """A page of the log of this node."""

    copies_at: tuple[NodeCode, ...] = ()
    """The nodes above, the nearest first, which may hold copies: who looks there is told here when the feeds have come,
    and is in their own logs at once. Named as well while one is taken out: what it holds, it holds."""


class AuthorisationIn(In):
    """What a subject permits a bureau: for one purpose, these items, between two days, so many times."""

    bureau: Code
    purpose: Code
    items: Items
    valid_from: Day | None = None
    """None: today."""
    valid_until: Day
    """The first day on which it holds no more; at most a year after `valid_from`."""
    max_uses: Annotated[int, Field(ge=1, le=1000)] = 1


class HandedIn(In):
    """An authorisation as its subject handed it to the bureau: the signed text."""

    token: Annotated[str, StringConstraints(min_length=1, max_length=32_768, pattern=STORABLE)]


class AuthorisationOut(Out):
    """An authorisation and what became of it; `token` is its immutable, signed text (a compact JWS)."""

    id: UUID
    bureau: Code
    purpose: Code
    items: tuple[Code, ...]
    valid_from: date
    valid_until: date
    max_uses: int
    uses: int
    state: AuthorisationState
    given_at: datetime
    revoked_at: datetime | None = None
    token: str


class ExportOut(Out):
    """Everything a person may carry away, in one machine-readable document."""

    decision_id: UUID
    as_of: date
    node: NodeCode
    records: tuple[RecordOut, ...]
    unreadable: tuple[UUID, ...] = ()
    """Records that this node cannot read just now, and that may be visible: they are left out. Ask again later."""
    authorisations: tuple[AuthorisationOut, ...]
    accesses: tuple[AccessOut, ...]
    """Of this node's log."""
    copies_at: tuple[NodeCode, ...] = ()
    """The nodes above, the nearest first, which may hold copies: who looks there is told here when the feeds have come,
    and is in their own logs at once. Named as well while one is taken out: what it holds, it holds."""


class PublicList(Out):
    """A red or black list that is open to all, and the items whose public records put subjects on it."""

    code: Code
    name: str
    name_zh: str
    colour: Literal["black", "red"]
    severe: bool
    verified: bool = True
    """False, in a sandbox: nobody has confirmed it; elsewhere a black list like it is none."""
    items: tuple[Code, ...]


class PublicLists(Out):
    """The lists and items that are open to all on a day."""

    as_of: date
    lists: tuple[PublicList, ...]
    items: tuple[Code, ...]


class PublicRecord(Out):
    """A record in its public form: masked, of what the catalogue discloses to all."""

    record: UUID
    item: Code
    kind: SubjectKind
    severity: Severity | None = None
    mark: Literal["disputed"] | None = None
    decided_on: date
    display_from: date
    display_until: date | None = None
    false_material: bool = False
    """Whether a repair of it was obtained by false material and revoked."""
    issuer: str
    fields: dict[str, Json]


def _written(code: object) -> object:
    return written(code) if isinstance(code, str) else code


class PublicSearch(In):
    """A search for an organisation by the beginning of its name or by its whole code; in a body, never in a URL."""

    name: (
        Annotated[str, StringConstraints(min_length=2, max_length=200, strip_whitespace=True, pattern=PRINTED)] | None
    ) = None
    code: Annotated[Uscc, BeforeValidator(_written)] | None = None
    cursor: Annotated[str, StringConstraints(max_length=4000, pattern=STORABLE)] | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50

    @model_validator(mode="after")
    def _name_or_code(self) -> Self:
        if (self.name is None) == (self.code is None):
            raise PydanticCustomError("name_or_code", "either a name or a code")
        return self
