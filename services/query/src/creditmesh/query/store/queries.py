"""The two statements of a query: what it may be answered from, and the one that decides and writes.

The second checks that nothing which is about to be released has changed, counts the use of the authorisation, keeps the
Idempotency-Key, and writes the lines of the access log with their events: all of it or none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

from creditmesh.chassis.bus.queue import insertions
from creditmesh.chassis.database.connecting import Row
from creditmesh.chassis.database.session import Session
from creditmesh.chassis.http import idempotency
from creditmesh.query.store.records import VISIBLE, ShownRecords, shown
from creditmesh.schemas.events import AccessRecorded, RecordChanged
from creditmesh.schemas.rules.visibility import Law


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryScope:
    """What a query reads: of these items (None: of all), under that authorisation and Idempotency-Key if any."""

    part: int
    subject: UUID
    items: Sequence[str] | None
    law: Law
    authorisation: UUID | None
    owner: str
    key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What there is: the authorisation's text, what is kept under the key, and what is visible, newest period first."""

    token: str | None
    kept: "KeptAnswer | None"
    records: ShownRecords


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What was answered first under an Idempotency-Key: the digest of what was asked, when, and the access."""

    digest: bytes
    reference: UUID
    at: datetime
    access: AccessRecorded | None
    """None if it is not about the subject of this query: then another body was sent."""


# An authorisation is looked for in its subject's part only: another subject's is none.
_READING = f"""
    select (select a.token from query.authorisation a
             where a.part = :part and a.id = cast(:authorisation as uuid) and a.subject = :subject) as token,
           i.digest, i.reference, i.at, l.data as access, array({VISIBLE}) as records
      from (values (1)) as one
      left join query.idempotency i on i.owner = :owner and i.key = cast(:key as text)
      left join query.access l on l.part = :part and l.id = i.reference
"""


async def read(session: Session, wanted: QueryScope) -> Found:
    """Everything a query is judged and answered from."""
    [(token, digest, reference, at, access, records)] = await session.fetch(_READING, _values(wanted))
    first = None if access is None else AccessRecorded.model_validate_json(access)
    return Found(
        token=token,
        kept=None if reference is None else KeptAnswer(digest, reference, at, first),
        records=shown(records, wanted.law),
    )


# The subject is named for its index: without it the planner may read the whole part, and keeps that plan as it grows.
# Rows that a reader is just changing are skipped rather than waited for, so that the two never wait for each other; it
# waits for those that are held here.
_HELD = """
    held as (
        select r.record from query.record r
          join unnest(cast(:records as uuid[]), cast(:revs as integer[])) as n(record, rev)
            on r.record = n.record and r.rev = n.rev
         where r.part = :part and r.subject = :subject
           for share of r skip locked
    ),
    checked as (select count(*) = cardinality(cast(:records as uuid[])) as unchanged from held)"""
# Locked before the key is kept, so that no key stays of a use that was not there.
_PERMITTED = """,
    permitted as (
        select a.id from query.authorisation a
         where a.part = :part and a.id = :authorisation and a.subject = :subject and a.bureau = :bureau
           and a.revoked_at is null and a.valid_from <= :as_of and :as_of < a.valid_until
           and a.uses + cast(:count as integer) <= a.max_uses
           and (select unchanged from checked)
           for update
    )"""
_USED = """,
    used as (
        update query.authorisation a set uses = a.uses + cast(:count as integer) from permitted p
         where a.part = :part and a.id = p.id and (select written from decided)
    )"""


@cache
def writing(*, authorised: bool, keyed: bool) -> str:
    """The second statement: under an authorisation or not, keeping an Idempotency-Key or not.

    Its one row: whether it wrote, whether nothing had changed, and whether the authorisation held.
    """
    permitted = "exists (select from permitted)" if authorised else "true"
    kept = "exists (select from kept)" if keyed else "true"
    parts = _HELD + (_PERMITTED if authorised else "")
    if keyed:
        on = f"(select unchanged and {permitted} from checked)"
        parts += f", kept as ({idempotency.insertion('query', on=on)})"
    parts += f""",
    decided as (select unchanged and {permitted} and {kept} as written, unchanged, {permitted} as permitted
                  from checked)"""
    if authorised:
        parts += _USED
    return f"""
    with {parts}, {insertions("query.access", on="(select written from decided)")}
    select written, unchanged, permitted from decided
    """


@dataclass(frozen=True, slots=True)
class Decided:
    """Whether everything was written; if not, whether a record had changed, and whether the authorisation held."""

    written: bool
    unchanged: bool
    permitted: bool

    @classmethod
    def read(cls, row: Row) -> "Decided":
        """What the second statement says."""
        return cls(*row)


def use_of(
    wanted: QueryScope, records: Sequence[RecordChanged], *, bureau: str | None, count: int
) -> Mapping[str, object]:
    """The second statement's values beside its key and its events: release these records, as they were read.

    `count` is 0 for a repeated request, which uses up nothing but needs an authorisation that still holds.
    """
    return {
        **_values(wanted),
        "records": [each.record for each in records],
        "revs": [each.rev for each in records],
        "bureau": bureau,
        "count": count,
    }


def _values(wanted: QueryScope) -> dict[str, object]:
    return {**{name: getattr(wanted, name) for name in QueryScope.__slots__}, **wanted.law.binds}
