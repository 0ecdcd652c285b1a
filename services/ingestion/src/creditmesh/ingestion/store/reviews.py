"""Reviews: held rows, sealed, until an officer has decided."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import orjson

from creditmesh.chassis.database.session import Session
from creditmesh.chassis.vault.subjects import KNOW, known_values
from creditmesh.ingestion.store import named
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.records import ReviewState
from creditmesh.schemas.verdicts import VerdictWord

KnownReviews = dict[bytes, tuple[UUID, ReviewState]]
"""Reviews and how they stand, by the fingerprints of their rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One held row. `sealed` and `reasons` are JSON; `rev` is the newest revision its record had when it was held."""

    id: UUID
    at: datetime
    legal_date: date
    party: str
    item: str
    item_version: int
    lane: str
    submission: UUID | None
    row: int
    record: UUID | None
    rev: int
    why: str | None
    basis: str | None
    subject: UUID
    fingerprint: bytes
    mac_key: str
    mac_alg: str
    reasons: str
    sealed: str
    state: ReviewState = "held"
    officer: str | None = None
    note: str | None = None
    decided_at: datetime | None = None
    verdict: VerdictWord | None = None
    """What the decision made of the row; then `record` and `rev` are what it made."""


_COLUMNS = Review.__slots__
_ONE = "select * from ingestion.review where id = :id"
_ONE_LOCKED = f"{_ONE} for update"
# Their keys are needed while the row waits; nothing is known of them by it.
_ABOUT = f"with named as ({named.INSERTION}) select {KNOW}"
_PAGE = """
    select * from ingestion.review
     where state = :state and (cast(:party as text) is null or party = :party)
       and (cast(:items as text[]) is null or item = any(:items))
       and (cast(:after as uuid) is null or id > :after)
     order by id limit :limit
"""
_STATES = (
    "select fingerprint, id, state from ingestion.review"
    " where party = :party and fingerprint = any(:fingerprints) and state <> 'expired'"
)
# What a refused row said is nobody's to keep.
_DECIDE = """
    update ingestion.review set state = :state, officer = :officer, note = :note, decided_at = :at, verdict = :verdict,
           record = coalesce(:record, record), rev = coalesce(:rev, rev),
           sealed = case when cast(:verdict as text) = 'refused' then '[]' else sealed end
     where id = :id
"""


async def add_reviews(session: Session, reviews: Sequence[Review]) -> None:
    """Keep these held rows, and whom they name; who is closed is opened by it."""
    if reviews:
        rows = [[getattr(each, name) for name in _COLUMNS] for each in reviews]
        await session.copy("ingestion.review", _COLUMNS, rows)
        about = {(who, each.id) for each in reviews for who in _about(each)}
        of_others = about - {(each.subject, each.id) for each in reviews}
        values = {**named.values(of_others), **known_values(dict.fromkeys(who for who, _ in about))}
        await session.execute(_ABOUT, values)


async def review_of(session: Session, review: UUID, *, lock: bool = False) -> Review | None:
    """One review by its id; `lock`: nobody else decides it before this transaction ends."""
    row = await session.row(_ONE_LOCKED if lock else _ONE, {"id": review})
    return None if row is None else Review(**row)


async def states(session: Session, party: str, fingerprints: Collection[bytes]) -> KnownReviews:
    """The reviews that rows of these fingerprints already have with this party."""
    rows = await session.fetch(_STATES, {"party": party, "fingerprints": list(fingerprints)})
    return {fingerprint: (review, state) for fingerprint, review, state in rows}


async def page(
    session: Session,
    *,
    state: ReviewState,
    party: str | None,
    items: Collection[str] | None,
    after: UUID | None,
    limit: int,
) -> list[Review]:
    """Reviews in the order they were held; of every party, of every item, where these are None."""
    values = {
        "state": state,
        "party": party,
        "items": None if items is None else list(items),
        "after": after,
        "limit": limit,
    }
    return [Review(**row) for row in await session.fetch(_PAGE, values)]


async def decide(session: Session, decided: Review) -> None:
    """Write down an officer's decision: state, officer, note, time, what it made; a refused row loses its content.

    Whom it named, the record names now, or nobody.
    """
    await session.execute(
        _DECIDE,
        {
            "id": decided.id,
            "state": decided.state,
            "officer": decided.officer,
            "note": decided.note,
            "at": decided.decided_at,
            "verdict": decided.verdict,
            "record": decided.record,
            "rev": decided.rev,
        },
    )


def _about(review: Review) -> set[UUID]:
    return {UUID(each["about"]) for each in orjson.loads(review.sealed)}


def reasons_of(review: Review) -> tuple[FieldError, ...]:
    """Why the row was held."""
    return tuple(FieldError.model_validate(each) for each in orjson.loads(review.reasons))
