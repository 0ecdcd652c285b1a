"""A party finds its own records: by document number and issuing body, by whom they are about, by day and state.

What a record says is shown by none of it. Whoever is named in the question, or singled out by a document's number, has
been looked at, and finds that in their log; a list of a day names nobody.
"""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import Malformed
from creditmesh.chassis.http import paging
from creditmesh.ingestion.errors import BadDocument
from creditmesh.ingestion.operations.records.candidates import number_mac
from creditmesh.ingestion.store import own_records
from creditmesh.ingestion.store.days import DayPlace
from creditmesh.ingestion.store.own_records import OwnRecord, RecordFilter
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.bounds import FIRST_DAY, LAST_DAY
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.problems import FieldError
from creditmesh.schemas.records import RecordEntry, RecordSearch
from creditmesh.schemas.rules.asked import identified
from creditmesh.schemas.subject import SubjectIn

Found = tuple[OwnRecord, RecordChanged]


async def find_records(ctx: Context, search: RecordSearch) -> Page[RecordEntry]:
    """The caller's own records that fit, newest first. BadDocument, BadCursor; Malformed where days are the wrong way.

    A page may be short, or empty, and still have a `next`.
    """
    after = paging.read(search.cursor, DayPlace.read)
    subject = None if search.subject is None else await _subject(ctx, search.subject)
    # Of whom nothing is known the same is asked as of anybody: how long it takes says nothing of who is known.
    asked = _filter(ctx, search, ctx.new_id() if subject is None and search.subject is not None else subject)
    rows, looked = await own_records.page(await ctx.session(), asked, after=after, limit=search.limit + 1)
    read = [(row, RecordChanged.model_validate_json(row.data)) for row in rows]
    page = paging.page(
        read, limit=search.limit, place=lambda each: each[0].place, shown=_entry, caller=ctx.known_caller, looked=looked
    )
    issuers = {entry.record for entry in page.items if _is_of(entry.issuer, search.issuer)}
    _disclose(ctx, subject, [each for each in read[: search.limit] if each[1].record in issuers], search)
    return page.model_copy(update={"items": tuple(each for each in page.items if each.record in issuers)})


def days_of(since: date | None, until: date | None) -> tuple[date, date]:
    """The period of a list, by default all of it; Malformed where it ends before it begins."""
    first, last = since or FIRST_DAY, until or LAST_DAY
    if last < first:
        raise Malformed("Let the period begin before it ends.", "起始日期应不晚于截止日期。")
    return first, last


async def _subject(ctx: Context, asked: SubjectIn) -> UUID | None:
    fillers = ctx.followed(Directory).fillers(on=ctx.legal_date)
    who = identified(asked.kind, asked.document, fillers=fillers, pointer="/subject")
    if isinstance(who, FieldError):
        raise BadDocument(who.detail, who.detail_zh, errors=[who])
    return (await ctx.vault.find([who]))[0]


def _filter(ctx: Context, search: RecordSearch, subject: UUID | None) -> RecordFilter:
    caller, since_until = ctx.known_caller, days_of(search.since, search.until)
    allowed = caller.items
    return RecordFilter(
        party=caller.party or "",
        origin=ctx.node.code,
        number=None if search.number is None else number_mac(ctx, search.number.reveal()) or b"",
        subject=None if subject is None else (ctx.part(str(subject)), subject),
        items=allowed if search.item is None else frozenset({search.item}) & (allowed or frozenset({search.item})),
        state=search.state,
        since=since_until[0],
        until=since_until[1],
    )


def _is_of(issuer: str, asked: str | None) -> bool:
    return asked is None or issuer == asked.strip().upper()


def _entry(found: Found) -> RecordEntry:
    row, event = found
    return RecordEntry(
        record=event.record,
        rev=event.rev,
        item=event.item,
        state=event.state,
        mark=event.mark,
        issuer=event.issuer,
        decided_on=event.decided_on,
        accepted_on=row.place.day,
        changed_on=row.changed_on,
        submission=event.submission,
    )


def _disclose(ctx: Context, subject: UUID | None, found: Sequence[Found], search: RecordSearch) -> None:
    if subject is None and search.number is None:
        return
    seen: dict[UUID, list[RecordChanged]] = {} if subject is None else {subject: []}
    for _, event in found:
        seen.setdefault(event.subject, []).append(event)
    for who in sorted(seen):
        events = seen[who]
        ctx.disclose(
            who,
            purpose="own_record",
            ground="statutory",
            outcome="released" if events else "nothing",
            items=sorted({event.item for event in events}),
            records=[event.record for event in events],
        )
