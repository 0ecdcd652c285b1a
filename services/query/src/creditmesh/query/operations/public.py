"""What is open to all: lists, records in their public form, and the search for an organisation."""

from uuid import UUID

from creditmesh.chassis.context import Context
from creditmesh.chassis.errors import NotFound
from creditmesh.chassis.http import paging
from creditmesh.query.publication import folded
from creditmesh.query.store import public
from creditmesh.query.store.public import Shown
from creditmesh.schemas.bodies import Page
from creditmesh.schemas.catalogue import CreditList, Item
from creditmesh.schemas.directory import Directory
from creditmesh.schemas.queries import PublicList, PublicLists, PublicRecord, PublicSearch


def public_lists(ctx: Context) -> PublicLists:
    """The lists, and the items whose records are open to all for at least one kind of subject."""
    items = _open_items(ctx)
    lists = (each for each in _directory(ctx).objects("list", on=ctx.legal_date) if isinstance(each, CreditList))
    return PublicLists(
        as_of=ctx.legal_date,
        items=tuple(item.code for item in items),
        lists=tuple(
            PublicList(
                code=each.code,
                name=each.name,
                name_zh=each.name_zh,
                colour=each.colour,
                severe=each.severe,
                items=tuple(item.code for item in items if item.designates == each.code),
            )
            for each in lists
        ),
    )


async def public_records(ctx: Context, item: str, *, after: str | None, limit: int) -> Page[PublicRecord]:
    """The public records of an item, newest first; NotFound if the catalogue does not open the item to all."""
    if item not in {each.code for each in _open_items(ctx)}:
        raise NotFound("This item is not open to all; see /v1/public/lists.", "该条目不对外公示；见 /v1/public/lists。")
    before = paging.read(after, UUID)
    found = await public.of_item(await ctx.session(), item, shown=_shown(ctx), before=before, limit=limit + 1)
    return _page(found, limit)


async def search(ctx: Context, wanted: PublicSearch) -> Page[PublicRecord]:
    """The public records of the organisations whose name begins so, or of the one with that code."""
    session, shown, limit = await ctx.session(), _shown(ctx), wanted.limit
    before = paging.read(wanted.cursor, UUID)
    if wanted.code is not None:
        return _page(await public.coded(session, wanted.code, shown=shown, before=before, limit=limit + 1), limit)
    name = folded(wanted.name or "")
    return _page(await public.named(session, name, shown=shown, before=before, limit=limit + 1), limit)


def _page(found: list[PublicRecord], limit: int) -> Page[PublicRecord]:
    return paging.page(found, limit=limit, place=lambda each: each.record, shown=lambda each: each)


def _directory(ctx: Context) -> Directory:
    return ctx.followed(Directory)


def _open_items(ctx: Context) -> list[Item]:
    found = _directory(ctx).objects("item", on=ctx.legal_date)
    return [item for item in found if isinstance(item, Item) and _open_kinds(item)]


def _open_kinds(item: Item) -> list[str]:
    return [kind for kind in item.kinds if item.disclosed(kind) == "public"]


def _shown(ctx: Context) -> Shown:
    return Shown(
        as_of=ctx.legal_date,
        withdrawn=_directory(ctx).withdrawn(ctx.legal_date),
        open=[(item.code, kind) for item in _open_items(ctx) for kind in _open_kinds(item)],
    )
