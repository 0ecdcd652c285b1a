"""Reviews: held rows, sealed, until an officer has decided."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

import orjson
from sqlalchemy import Integer, LargeBinary, Text, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from creditmesh.chassis.database.fetch import fetch
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.verdicts import VerdictWord

State = Literal["held", "released", "refused"]


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
    state: State = "held"
    officer: str | None = None
    note: str | None = None
    decided_at: datetime | None = None
    verdict: VerdictWord | None = None
    """What the decision made of the row; then `record` and `rev` are what it made."""


_COLUMNS = Review.__slots__
_UUIDS = ("id", "submission", "record", "subject")
_ADD = text(
    f"insert into ingestion.review ({', '.join(_COLUMNS)}) values ({', '.join(f':{c}' for c in _COLUMNS)})"
).bindparams(*(bindparam(name, type_=Uuid) for name in _UUIDS), bindparam("fingerprint", type_=LargeBinary))
_STATES = text("""
    select fingerprint, id, state from ingestion.review where party = :party and fingerprint = any(:fingerprints)
""").bindparams(bindparam("fingerprints", type_=ARRAY(LargeBinary)))
_ONE = text("select * from ingestion.review where id = :id").bindparams(bindparam("id", type_=Uuid))
_ONE_LOCKED = text("select * from ingestion.review where id = :id for update").bindparams(bindparam("id", type_=Uuid))
_PAGE = text("""
    select * from ingestion.review
     where state = :state and (cast(:party as text) is null or party = :party)
       and (cast(:items as text[]) is null or item = any(:items))
       and (cast(:after as uuid) is null or id > :after)
     order by id limit :limit
""").bindparams(bindparam("party", type_=Text), bindparam("items", type_=ARRAY(Text)), bindparam("after", type_=Uuid))
_DECIDE = text("""
    update ingestion.review set state = :state, officer = :officer, note = :note, decided_at = :at, verdict = :verdict,
           record = coalesce(:record, record), rev = coalesce(:rev, rev)
     where id = :id
""").bindparams(bindparam("id", type_=Uuid), bindparam("record", type_=Uuid), bindparam("rev", type_=Integer))


async def add_reviews(connection: AsyncConnection, reviews: Sequence[Review]) -> None:
    """Keep these held rows."""
    if reviews:
        await connection.execute(_ADD, [{name: getattr(each, name) for name in _COLUMNS} for each in reviews])


async def states(
    connection: AsyncConnection, *, party: str, fingerprints: Collection[bytes]
) -> dict[bytes, tuple[UUID, State]]:
    """The reviews that rows of these fingerprints already have with this party."""
    if not fingerprints:
        return {}
    rows = await fetch(connection, _STATES, {"party": party, "fingerprints": list(fingerprints)})
    return {fingerprint: (UUID(bytes=review.bytes), state) for fingerprint, review, state in rows}


async def review_of(connection: AsyncConnection, review: UUID, *, lock: bool = False) -> Review | None:
    """One review by its id; `lock`: nobody else decides it before this transaction ends."""
    row = (await connection.execute(_ONE_LOCKED if lock else _ONE, {"id": review})).mappings().one_or_none()
    return None if row is None else _review(dict(row))


async def page(
    connection: AsyncConnection,
    *,
    state: State,
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
    return [_review(dict(row)) for row in (await connection.execute(_PAGE, values)).mappings()]


async def decide(connection: AsyncConnection, decided: Review) -> None:
    """Write down an officer's decision: state, officer, note, time, and what it made."""
    await connection.execute(
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


def reasons_of(review: Review) -> tuple[FieldError, ...]:
    """Why the row was held."""
    return tuple(FieldError.model_validate(each) for each in orjson.loads(review.reasons))


def _review(row: dict[str, object]) -> Review:
    for name in _UUIDS:
        value = row[name]
        if isinstance(value, UUID):
            row[name] = UUID(bytes=value.bytes)
    return Review(**row)  # type: ignore[arg-type]
