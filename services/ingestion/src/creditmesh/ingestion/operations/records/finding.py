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


async def find_records(ctx: Context, search: RecordSearch) -> Page[RecordEntry]:
    """The caller's own records that fit, newest first. BadDocument, BadCursor; Malformed where days are the wrong way.

    A page may be short, or empty, and still have a `next`. Of what cannot be read it tells the id alone.
    """
    after = paging.read(search.cursor, DayPlace.read)
    subject = None if search.subject is None else await _subject(ctx, search.subject)
    # Of whom nothing is known the same is asked as of anybody: how long it takes says nothing of who is known.
    asked = _filter(ctx, search, ctx.new_id() if subject is None and search.subject is not None else subject)
    rows, looked = await own_records.page(await ctx.session(), asked, after=after, limit=search.limit + 1)
    page = paging.page(
        rows,
        limit=search.limit,
        place=lambda row: row.place,
        shown=lambda row: row,
        caller=ctx.known_caller,
        looked=looked,
        unreadable=tuple(row.place.id for row in rows[: search.limit] if row.event is None),
    )
    found = [row for row in page.items if row.event is None or _is_of(row.event.issuer, search.issuer)]
    _disclose(ctx, subject, found, search)
    items = tuple(_entry(row, row.event) for row in found if row.event is not None)
    return Page(items=items, next=page.next, partial=page.partial, unreadable=page.unreadable)


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


def _entry(row: OwnRecord, event: RecordChanged) -> RecordEntry:
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


def _disclose(ctx: Context, subject: UUID | None, found: Sequence[OwnRecord], search: RecordSearch) -> None:
    if subject is None and search.number is None:
        return
    seen: dict[UUID, list[OwnRecord]] = {} if subject is None else {subject: []}
    for row in found:
        seen.setdefault(row.subject, []).append(row)
    for who in sorted(seen):
        rows = seen[who]
        ctx.disclose(
            who,
            purpose="own_record",
            ground="statutory",
            outcome="released" if rows else "nothing",
            items=sorted({row.item for row in rows}),
            records=[row.place.id for row in rows],
        )
