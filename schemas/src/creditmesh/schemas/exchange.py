"""What nodes say to each other: the entries of a feed, their bodies, acknowledgements and proofs.

An entry of a feed is a *line* and, beside it, a *body*. The line is hashed into the tree (RFC 6962: SHA-256 of 0x00 and
the line) and commits to the body with a salt: a body can be erased, and the log still verifies (`schemas.tlog`).
"""

from base64 import b64encode
from hashlib import sha256
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from creditmesh.schemas.acknowledgements import EntryRange, EntryRefusal, Proof
from creditmesh.schemas.bodies import Out
from creditmesh.schemas.bounds import Count, Day, Digest, Instant, ReasonCode, Revision
from creditmesh.schemas.encodings import FROM_BASE64, Base64, Json
from creditmesh.schemas.identifiers import Code, FeedName, NodeCode, SubjectKind, Tier
from creditmesh.schemas.signed import SignedText
from creditmesh.schemas.texts import CitedElsewhere, Storable, Word
from creditmesh.schemas.words import Change, Effect, ObjectKind, RecordState, Severity

NEWER_VERSION = "newer_version"
"""The code of an entry that is refused for now: it waits until its reader has a word for what it says."""
NOT_JUDGED = "not_judged"
"""The code of an entry that its reader could not judge, by a fault of its own or for want of a word in its body."""
GONE = "content_gone"
"""The code of content that its sender has no more, and that nothing behind it has replaced."""
OF_SENDER = frozenset({"peer_not_enrolled", "origin_not_allowed"})
"""The codes of what is refused for who sends it, whatever it says."""
WAITING = frozenset({NEWER_VERSION, NOT_JUDGED})
"""The codes of what was refused for now: it is kept, and told again."""
MOST_WAITING = 100_000
"""Of a copy so many entries wait for a newer version; what is more is refused until its operator offers it again."""
UP, DOWN = "up", "down"
"""The feeds of a node: for who is above, and for who is below; `down-<node>` for one of those."""
LineType = Literal["record", "catalogue", "acknowledged", "accessed", "feed.key"]
PassedType = Literal["acknowledged", "accessed"]
"""The types of what stands in `down-<node>`: what nodes above say, for that node alone."""
KEY: LineType = "feed.key"
"""The type of the line that carries a feed's key."""

ENDS: frozenset[Change] = frozenset({"repaired", "withdrawn", "erased"})
"""The changes after which a record is shown no more, whatever its dates say."""
HIDING: frozenset[Change] = ENDS | {"withheld"}
"""The changes without content after which nothing that was said of the record before is shown."""
BESIDE_CONTENT: frozenset[Change] = frozenset({"marked", "unmarked", "discharged"})
"""The changes beside which the content of a record goes on."""
TOLD: frozenset[Change] = ENDS | BESIDE_CONTENT | {"reopened"}
"""The changes of which every holder's answer is kept."""
STATE_CHANGES: frozenset[Change] = ENDS | BESIDE_CONTENT | {"withheld"}
"""The changes that leave what a record says: they mark, unmark, end or withhold it, or discharge whom it names."""


def effect(change: Change, reason: str | None) -> Effect:
    """What a revision does to its record, by its change and the reason that it gives.

    What is withheld only because something waits hides nothing for good: a mark or a discharge that had waited shows
    the record again, and does not say again what it says.
    """
    return "waits" if change == "withheld" and reason == NEWER_VERSION else change


def feed_origin(node: str, feed: str) -> str:
    """The name of a feed in its checkpoints and acknowledgements: `creditmesh/<node>/<feed>`."""
    return f"creditmesh/{node}/{feed}"


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", **FROM_BASE64)


class EntryLine(_Wire):
    """The line of an entry. Nothing in it is personal: ids are random, and it stays when a body is erased."""

    v: Literal[1] = 1
    type: LineType
    at: Instant
    commitment: Digest
    """Hex SHA-256 of the salt followed by the body's bytes."""
    record: UUID | None = None
    rev: Revision | None = None
    change: Change | None = None
    origin: NodeCode | None = None
    """These four of a `record` only."""


class FeedEntry(_Wire):
    """One line of a page, as it is sent. `line` and `body` are JSON texts, to be taken to the letter."""

    index: Count
    line: str
    salt: Base64 | None = None
    body: str | None = None
    """None, like its salt, where it was erased."""


class PageEnd(_Wire):
    """The last line of a page: the signed head (a C2SP checkpoint) that the page ends at."""

    checkpoint: str


def commitment(salt: bytes, body: bytes) -> str:
    """What a line says of a body."""
    return sha256(salt + body).hexdigest()


class FeedSealed(_Wire):
    """Personal fields of one entry under a feed's key: nonce (12 bytes) || ciphertext || tag over a JSON object.

    The object has `subject` and `representative`, fields by code; associated data `<feed origin>|<record>|<rev>`.
    """

    key: Word
    alg: Word
    text: Base64


class RecordBody(_Wire):
    """A revision of a record as it is shared: all a copy needs, and of the origin's people only what it must know."""

    record: UUID
    rev: Revision
    revision: UUID
    change: Change
    state: RecordState
    mark: Literal["disputed"] | None = None
    origin: NodeCode
    party: Code
    item: Code
    kind: SubjectKind
    severity: Severity | None = None
    decided_on: Day
    display_from: Day
    display_until: Day | None = None
    issuer: Storable
    reason: CitedElsewhere | None = None
    basis: CitedElsewhere | None = None
    case: UUID | None = None
    false_material: bool = False
    role: Word | None = None
    """Of `discharged`: the role of the person whom the record concerns no more."""
    fields: dict[str, Json]
    """The fields that are not sensitive."""
    sealed: FeedSealed | None = None


class CatalogueBody(_Wire):
    """A version of an object of the catalogue, or its withdrawal from `effective` on."""

    kind: ObjectKind
    code: Code
    state: Literal["published", "withdrawn"]
    effective: Day
    issued_by: Tier
    basis: Storable | None = None
    body: dict[str, Any]


class Wrapped(_Wire):
    """A feed's key for one node: AES-256-GCM under a key agreed by X25519 between a fresh key and the node's."""

    node: NodeCode
    key: Word
    """The id of the node's feed key."""
    alg: Word
    ephemeral: Annotated[Base64, Field(max_length=64)]
    text: Annotated[Base64, Field(max_length=256)]


class FeedKeyBody(_Wire):
    """A key that seals entries of this feed from here on, for each who may open them; its sender is one of them."""

    key: Word
    alg: Word
    wrapped: tuple[Wrapped, ...]


class RelayedEntry(_Wire):
    """One of a child's entries that a higher tier applied or refused, under the relaying node's own index."""

    index: Count
    """The child's."""
    own: Count
    """The relaying node's."""
    record: UUID
    rev: Revision
    code: ReasonCode | None = None
    """Why it was refused."""
    proof: Proof | None = None
    """Of a change that holders answer for (`TOLD`)."""


class AcknowledgedBody(_Wire):
    """A higher tier's acknowledgement, passed on to the child whose entries it is about; nothing of other children."""

    by: NodeCode
    at: Instant
    entries: tuple[RelayedEntry, ...]


class AnswerOut(Out):
    """What a node answered about a feed of this node: the newest ranges it applied and entries it refused."""

    node: NodeCode
    applied: tuple[EntryRange, ...]
    refused: tuple[EntryRefusal, ...]


class FeedOut(Out):
    """A feed as it stands: of this node, or the copy of a peer's."""

    feed: FeedName
    peer: NodeCode | None = None
    """None: this node's own."""
    size: Count
    root: str
    """Hex."""
    checkpoint: str | None = None
    """The newest signed head; None of an empty feed."""
    acknowledged: Count = 0
    answered: SignedText | None = None
    """Of a feed of the answering node: how many entries its reader has answered for, and its furthest answer."""
    announced: int | None = None
    """Of a copy: the size that it has to have stood at before its records are told."""
    proves: bool = False
    """Of a feed of the answering node: whether it gives what proves the entries of others in it."""
    alarm: str | None = None
    """Why a copy stopped, and nothing after it was applied; or that this node's own feed is behind what others hold."""
    waiting: int = 0
    unknown: tuple[str, ...] = ()
    """Entries that wait until this node is upgraded, and what they say that its version has no word for."""
    refused: dict[str, int] = Field(default_factory=dict)
    """Of a copy, for its operator: how many entries are refused here, by reason, of the newest 10,000."""
    answers: tuple[AnswerOut, ...] = ()
    """Of a feed of this node, for its operator: what each node that reads it has applied."""


class AnswersOut(Out):
    """What is not known yet of a puller's answers about a feed."""

    missing: Annotated[tuple[EntryRange, ...], Field(max_length=1000)] = ()
    """The first ranges below the highest entry answered for; the puller hands these in again."""


class OfferedOut(Out):
    """What was refused of a copy and was judged anew."""

    feed: FeedName
    peer: NodeCode
    offered: int = 0
    """How many entries; with them came what is later of their records."""
    next: int | None = None
    """From where on there may be more; None where there is none."""


class RestoredOut(Out):
    """A feed of this node after a page of it came back."""

    feed: FeedName
    size: int
    peer: NodeCode | None = None
    holds: int | None = None
    """Who gave the page, and how much that peer holds; None where nobody holds more than stands here."""


class LostOut(Out):
    """An entry of a feed of this node that came back, while what it is about is not here again."""

    feed: FeedName
    index: int
    record: UUID | None = None
    rev: int | None = None
    """These of a record of this node."""
    change: Word
    """What became of the record by it, or of the object: `published` or `withdrawn`."""
    item: Code | None = None
    party: Code | None = None
    """Who sent the record; None, like the item, where the entry's body was erased."""
    kind: ObjectKind | None = None
    code: Code | None = None
    """These of an object of the catalogue."""
    why: ReasonCode | None = None
    """Why it is not made again: by what reason the node refuses its own entry, `publish_again`, or `not_made_again` of
    what a version before this list fetched back. None: it is on its way."""


class ProofOut(Out):
    """An inclusion or consistency proof (RFC 6962), its hashes in hex."""

    proof: tuple[str, ...]


def base64_text(raw: bytes) -> str:
    """Base64 as it stands in these shapes."""
    return b64encode(raw).decode("ascii")
