"""Who is on a list today, for departments: organisations by name and code, persons only as far as the item shows."""

from collections.abc import Mapping
from uuid import UUID

from pydantic import JsonValue

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import NotFound
from creditmesh.chassis.http import paging
from creditmesh.chassis.packing import RecordReader
from creditmesh.matching import identity
from creditmesh.matching.identity import Named
from creditmesh.matching.operations.unsealing import readable, shown_by
from creditmesh.matching.store import designations
from creditmesh.matching.store.designations import OnList
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.catalogue import Item
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.events import RecordChanged
from creditmesh.schemas.screenings import DesignationOut

OPEN = {"public", "sharing"}
"""What departments may know without a matter; what is `authorised` needs one, and is asked for subject by subject."""


async def on_list(ctx: Context, code: str, *, after: str | None, limit: int) -> Page[DesignationOut]:
    """Who is on the list, in the order of the records; an access of everybody shown. NotFound: no such list today."""
    directory = ctx.followed(Directory)
    if code not in directory.lists(on=ctx.legal_date):
        raise NotFound("There is no such list; see /v1/catalogue/lists.", "没有该名单；见 /v1/catalogue/lists。")
    rows, looked, unreadable = await designations.on_list(
        await ctx.session(),
        code,
        shown=_shown(ctx, code),
        law=directory.law(ctx.legal_date),
        after=paging.read(after, UUID),
        limit=limit + 1,
    )
    named, tampered = await _named(ctx, rows[:limit])
    for row in rows[:limit]:
        if row.record in named:
            _disclose(ctx, row)
    return paging.page(
        rows,
        limit=limit,
        place=lambda row: row.record,
        shown=lambda row: _out(row, named[row.record]) if row.record in named else None,
        caller=ctx.known_caller,
        looked=looked,
        unreadable=(*unreadable, *tampered),
    )


def _shown(ctx: Context, code: str) -> list[tuple[str, str]]:
    limited = ctx.known_caller.items
    items = (each for each in ctx.followed(Directory).objects("item", on=ctx.legal_date) if isinstance(each, Item))
    mine = (each for each in items if each.designates == code and (limited is None or each.code in limited))
    return [(item.code, kind) for item in mine for kind in item.kinds if item.disclosed(kind) in OPEN]


async def _named(ctx: Context, rows: list[OnList]) -> tuple[dict[UUID, Named], tuple[UUID, ...]]:
    """Who each is as far as may be shown, and the records that cannot be read."""
    reader = RecordReader(of="matching")
    values = await readable(ctx, [(row.event, row.subject) for row in rows], reader)
    named = {
        row.record: _masked(ctx, row.event, value) for row, value in zip(rows, values, strict=True) if value is not None
    }
    return named, reader.unreadable


def _masked(ctx: Context, event: RecordChanged, value: Mapping[str, JsonValue]) -> Named:
    by = shown_by(ctx, event)
    return Named() if by is None else identity.masked(event, by, value)


def _disclose(ctx: Context, row: OnList) -> None:
    ctx.disclose(
        row.subject,
        purpose="designations",
        ground="statutory",
        outcome="released",
        items=[row.item],
        records=[row.record],
    )


def _out(row: OnList, named: Named) -> DesignationOut:
    return DesignationOut(
        record=row.record,
        list=row.list,
        item=row.item,
        kind=row.kind,
        name=named.name,
        number=named.number,
        origin=row.origin,
        mark=row.mark,
        since=row.display_from,
        until=row.display_until,
    )
