"""What is open to all: lists, records in their public form, and the search for an organisation."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple
from uuid import UUID

from creditmesh.chassis.bulk import in_slices
from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import NotFound
from creditmesh.chassis.http import paging
from creditmesh.query.publication import found_by, keys_without_numbers, open_items, without_numbers
from creditmesh.query.store import public
from creditmesh.query.store.public import Shown, StoredForm
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.identifiers import SubjectKind
from creditmesh.schemas.queries import PublicList, PublicLists, PublicRecord, PublicSearch
from creditmesh.schemas.rules.names import folded
from creditmesh.schemas.rules.narrowest import masked_again
from creditmesh.schemas.rules.visibility import Law


def public_lists(ctx: Context) -> PublicLists:
    """The lists, and the items whose records are open to all for at least one kind of subject."""
    directory, today = _directory(ctx), ctx.legal_date
    items = [item for code in _open_items(ctx) if (item := directory.item(code, on=today)) is not None]
    return PublicLists(
        as_of=today,
        items=tuple(item.code for item in items),
        lists=tuple(
            PublicList(
                code=each.code,
                name=each.name,
                name_zh=each.name_zh,
                colour=each.colour,
                severe=each.severe,
                verified=each.verified,
                items=tuple(item.code for item in items if item.designates == each.code),
            )
            for each in directory.lists(on=today).values()
        ),
    )


async def public_records(ctx: Context, item: str, *, after: str | None, limit: int) -> Page[PublicRecord]:
    """The public records of an item, newest first; NotFound if the catalogue does not open the item to all."""
    if item not in _open_items(ctx):
        raise _not_open(ctx, item)
    before = paging.read(after, UUID)
    found = await public.of_item(await ctx.alone(), item, shown=_shown(ctx), before=before, limit=limit + 1)
    return await _page(ctx, found, limit)


async def search(ctx: Context, wanted: PublicSearch) -> Page[PublicRecord]:
    """The public records of the organisations whose name begins so, by name, or of the one with that code."""
    session, shown, limit = await ctx.alone(), _shown(ctx), wanted.limit
    if wanted.code is not None:
        before = paging.read(wanted.cursor, UUID)
        coded = await public.coded(session, wanted.code, shown=shown, before=before, limit=limit + 1)
        return await _page(ctx, coded, limit, code=wanted.code)
    name = folded(wanted.name or "")
    if not name:
        return await _page(ctx, [], limit)
    after = paging.read(wanted.cursor, partial(_place, name))
    found = await public.named(session, name, shown=shown, after=after, limit=limit + 1)
    return await _page(ctx, found, limit, name=name)


class Searched(NamedTuple):
    """How many forms of an older rule were found, how many could be read, and the record behind which the next are."""

    found: int
    read: int
    after: UUID


async def search_older(ctx: Context, *, after: UUID, most: int) -> Searched:
    """Put stars for persons' numbers into at most so many forms of an older rule behind a record.

    One that cannot be read is left as it is.
    """
    session = await ctx.session()
    searched = []
    older = await public.hold_unsearched(session, after=after, most=most)
    readable = [each for _, each in older if each is not None]
    async for (each,) in in_slices(readable, 1, seconds=0.005):
        form = without_numbers(each.form)
        name, code = keys_without_numbers(each.form, form, name=each.name, code=each.code)
        searched.append(replace(each, form=form, name=name, code=code))
    await public.write(session, searched)
    return Searched(len(older), len(readable), older[-1][0] if older else after)


def _place(beginning: str, text: str) -> tuple[str, UUID]:
    record, _, name = text.partition(" ")
    if not name.startswith(beginning) or "\0" in name:
        raise ValueError("not of this search")
    return name, UUID(record)


async def _page(
    ctx: Context, found: Sequence[StoredForm], limit: int, *, name: str | None = None, code: str | None = None
) -> Page[PublicRecord]:
    """As they may be shown today; of a search, without what was found by what is not shown any more.

    Older forms have persons' numbers in their fields and search keys, until they were searched (`search_older`). One is
    searched in milliseconds: others have the process between two.
    """
    forms: dict[UUID, PublicRecord] = {}
    reader = public.form_reader()
    async for (stored,) in in_slices(found[:limit], 1, seconds=0.005):
        made = reader.read(stored.record, stored.kept)
        if made is None:
            continue
        form = _today(ctx, made)
        form = form if stored.searched else without_numbers(form)
        is_as_made = stored.searched and form.fields == made.fields
        if is_as_made or name is code is None or found_by(form, name=name, code=code):
            forms[stored.record] = form
    return paging.page(
        found,
        limit=limit,
        place=lambda each: each.record if name is None else f"{each.record} {each.name}",
        shown=lambda each: forms.get(each.record),
        unreadable=reader.unreadable,
    )


def _today(ctx: Context, form: PublicRecord) -> PublicRecord:
    """The form as it may be shown today: it was masked, and its end told, by the rules of its time."""
    law, item = _law(ctx), _directory(ctx).item(form.item, on=ctx.legal_date)
    fields = form.fields if item is None else masked_again(form.fields, item, form.kind)
    told = {"severity": law.severity(form), "display_until": law.until(form), "fields": fields}
    return form.model_copy(update=told)


def _directory(ctx: Context) -> Directory:
    return ctx.followed(Directory)


def _open_items(ctx: Context) -> Mapping[str, tuple[SubjectKind, ...]]:
    return open_items(_directory(ctx), on=ctx.legal_date)


def _not_open(ctx: Context, item: str) -> NotFound:
    """Why it shows nobody a record: there is no such item, it is not in force today, or it is not open to all."""
    directory, day = _directory(ctx), ctx.legal_date
    if not directory.versions("item", item):
        return NotFound("No item has this code; see /v1/catalogue/items.", "无此代码的条目；见 /v1/catalogue/items。")
    if directory.item(item, on=day) is None:
        return NotFound(
            f"This item is not in force on {day}, the node's legal date; see /v1/catalogue/items/{item}/versions.",
            f"截至业务日期 {day}，该条目未生效或已失效；生效时间见 /v1/catalogue/items/{item}/versions。",
        )
    return NotFound(
        f"This item is not open to all on {day}, the node's legal date; see /v1/public/lists.",
        f"截至业务日期 {day}，该条目不对外公示；见 /v1/public/lists。",
    )


def _law(ctx: Context) -> Law:
    return _directory(ctx).law(ctx.legal_date)


def _shown(ctx: Context) -> Shown:
    return Shown(
        law=_law(ctx),
        open=[(item, kind) for item, kinds in _open_items(ctx).items() for kind in kinds],
    )
